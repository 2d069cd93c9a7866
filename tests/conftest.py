"""Property tests behave alike on every machine: drawn from fixed seeds, without a clock, leaving nothing behind."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")
