"""docs/trace.md lists every kind of record that is written, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUBJECTS = "plan|step|node|pod|slice|workload|budget|machine|kubelet|container|image|data|proxy|service"
WRITERS = ("simkube/trace/transitions.py", "simkube/sim.py", "simkube/machines/*.py", "simkube/worlds/*.py")
BUILT = {"step.done", "step.failed", "step.skipped"}  # put together from an outcome's result


def written() -> set[str]:
    pattern = re.compile(rf'"((?:{SUBJECTS})\.[a-z-]+|event)"')
    files = [path for glob in WRITERS for path in ROOT.glob(glob)]
    return {found for path in files for found in pattern.findall(path.read_text())}


def documented() -> set[str]:
    rows = [
        line.split("|")[1]
        for line in (ROOT / "docs/trace.md").read_text().splitlines()
        if line.startswith("| `")
    ]
    return {name for row in rows for name in re.findall(r"`([a-z-]+\.[a-z-]+|event)`", row)}


def test_every_record_is_documented() -> None:
    assert documented() == written() | BUILT
