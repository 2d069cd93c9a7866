"""Belief: what the API says. The store, the API front, and the controllers that talk to it."""
