"""Steps, the driver that runs them in any world, plans, and what kubectl does to drain a node."""
