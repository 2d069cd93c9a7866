"""The command line: typer, one file a command, no logic. Exit codes:

0 done, or the answer is yes; 1 the answer is no (a plan failed, an objective was missed); 2 bad input, or refused;
3 a fault of simkube; 4 a real cluster failed or cannot be reached; 130 interrupted.
"""

import sys


def main() -> None:
    """Run the program and leave with its exit code; Ctrl-C while it still loads is an ending like any other."""
    try:
        from simkube.cli.app import call
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit(call())
