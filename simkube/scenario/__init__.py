"""The scenario file, and everything that it names made ready to run."""
