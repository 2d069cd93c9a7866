"""The list of constants that the model does not follow is true: exactly those that no code outside the tables reads."""

import re
from pathlib import Path

from simkube.scenario.load import load_scenario
from simkube.timings import all_timings
from simkube.timings.unfollowed import UNFOLLOWED

ROOT = Path(__file__).resolve().parents[1]


def test_exactly_those_that_nothing_reads() -> None:
    files = [path for path in (ROOT / "simkube").rglob("*.py") if path.parent.name != "timings"]
    files.append(ROOT / "simkube" / "timings" / "__init__.py")
    read = set(re.findall(r"[a-z0-9_]+", "\n".join(path.read_text() for path in files)))
    names = {timing.name for timing in all_timings()}
    assert {name for name in names if name.replace("-", "_") not in read} == UNFOLLOWED


def test_changing_one_is_told(tmp_path: Path) -> None:
    scenario = tmp_path / "s.yaml"
    web = ROOT / "scenarios" / "seed" / "web.yaml"
    scenario.write_text(
        f"manifests: [{web}]\ncluster: {{nodes: [{{count: 2}}]}}\n"
        "timings: {sync-frequency: 30s, node-monitor-grace-period: 40s}\n"
    )
    told = [warning for warning in load_scenario(scenario).warnings if "timings." in warning]
    assert len(told) == 1
    assert "timings.sync-frequency changes nothing" in told[0]
