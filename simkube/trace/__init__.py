"""The record of a run: what happened, in which world; reading and writing traces."""
