"""Nodes as the API sees them: heartbeats, conditions, taints, and whom taints evict."""
