"""`python -m tests.fuzz [--count N] [--seed S] [--only NUMBER]`"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from time import monotonic

from tests.fuzz.inputs import case
from tests.fuzz.judge import problem

KEPT = Path("build/fuzz")  # the files of cases that went wrong


def main() -> int:
    """Try the cases; 1 if something is wrong with one."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description="Damaged inputs, each through the whole program."
    )
    parser.add_argument("--count", type=int, default=10_000, help="how many cases")
    parser.add_argument("--seed", type=int, default=1, help="another seed, other cases")
    parser.add_argument("--only", type=int, help="just the case of this number")
    given = parser.parse_args()
    numbers = range(given.count) if given.only is None else (given.only,)
    began, found, kinds = monotonic(), 0, Counter[str]()
    for number in numbers:
        one = case(given.seed, number)
        with tempfile.TemporaryDirectory() as folder:
            said = problem(one, Path(folder))
        kinds[one.what] += 1
        if said:
            found += 1
            kept = KEPT / f"{given.seed}-{number}"
            kept.mkdir(parents=True, exist_ok=True)
            for name, data in one.files.items():
                (kept / name).write_bytes(data)
            print(
                f"{number} ({one.what}): simkube {one.arguments}: {said.rstrip()}\n  files in {kept}",
                flush=True,
            )
        elif number and number % 1000 == 0:
            print(f"{number} cases, {found} findings, {monotonic() - began:.0f} s", flush=True)
    print(f"{len(numbers)} cases of {len(kinds)} kinds, {found} findings, {monotonic() - began:.0f} s")
    return 1 if found else 0


sys.exit(main())
