"""Strategies: each turns a read-only view of a cluster into a plan. One file a strategy, found by entry point."""
