"""What makes pods: the controllers of workloads, and the decisions they share."""
