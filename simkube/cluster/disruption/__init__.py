"""PodDisruptionBudgets and the Eviction API."""
