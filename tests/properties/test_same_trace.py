"""Same seed, same trace, byte for byte, whatever the hash seed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def trace(path: Path, hash_seed: str, seed: str, scenario: str) -> bytes:
    command = [
        sys.executable,
        "-m",
        "simkube",
        "run",
        f"scenarios/{scenario}",
        "--seed",
        seed,
        "--trace",
        str(path),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return path.read_bytes()


def test_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for scenario in ("shop.yaml", "node-failure.yaml"):
        first = trace(tmp_path / "first.jsonl", "1", "7", scenario)
        assert first == trace(tmp_path / "second.jsonl", "4242", "7", scenario)
        assert first.count(b"\n") > 50


def test_another_seed_gives_another_trace(tmp_path: Path) -> None:
    assert trace(tmp_path / "a", "1", "7", "shop.yaml") != trace(tmp_path / "b", "1", "8", "shop.yaml")


def test_a_compressed_trace_repeats_too(tmp_path: Path) -> None:
    first = trace(tmp_path / "a.jsonl.gz", "1", "7", "node-failure.yaml")
    (tmp_path / "a.jsonl.gz").rename(tmp_path / "kept")
    assert first == trace(tmp_path / "a.jsonl.gz", "2", "7", "node-failure.yaml")
