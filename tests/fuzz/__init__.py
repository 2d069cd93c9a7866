"""Damaged inputs through the whole program: `python -m tests.fuzz --count 10000`.

Whatever is read, the program ends with 0, 1 or 2 and says in one line what is wrong: never with a fault of its own or a
traceback, and never after more than a few seconds. What is found becomes a test in tests/cli/test_found_by_fuzz.py.
"""
