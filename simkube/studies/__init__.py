"""Many runs: one run from beginning to end, and strategies side by side."""
