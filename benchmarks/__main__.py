"""`make bench`: prints ratios against a baseline that ran beside them. `--short` only shows that it all ends."""

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from benchmarks.clusters import fleet
from benchmarks.yardstick import seconds_per_pod
from simkube.scenario.scenario import Fault
from simkube.sim import DAY, Simulation
from simkube.strategies.registry import planner
from simkube.studies.run import Run, run

ROOT = Path(__file__).resolve().parent.parent


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def rolling(nodes: int) -> float:
    """Rolling maintenance of everything, 1 % at a time; returns seconds per pod moved."""
    loaded = fleet(nodes)
    start = perf_counter()
    simulation = Simulation(loaded, 1)
    simulation.build()
    built = perf_counter() - start
    pods = len(simulation.store.table("Pod"))
    start = perf_counter()
    done = Run(simulation, planner("rolling", {"maxUnavailable": "1%"}))
    result = done.finish(done.settled_at)
    spent = perf_counter() - start
    moved = result.cost.evictions
    base = seconds_per_pod(max(min(moved, 50_000), 1500))
    each = spent / max(moved, 1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    say(
        f"{nodes} nodes, {pods} pods: {moved} pods moved in {done.ended_at or 0:.0f} s of virtual time; "
        f"{spent:.1f} s to run (and {built:.1f} s to build), {each * 1e6:.0f} us a pod moved, "
        f"{each / base:.1f} times the yardstick ({base * 1e6:.0f} us), peak {peak:.2f} GiB"
    )
    return each


def idle_year() -> None:
    """A year in which nothing happens."""
    simulation = Simulation(fleet(50), 1)
    simulation.build()
    start = perf_counter()
    simulation.run_until(365 * DAY)
    say(f"an idle year of 50 nodes: {perf_counter() - start:.3f} s")


def faults() -> None:
    """A node dies and its pods are evicted, on 50 nodes: how many times faster than real time."""
    loaded = fleet(50)
    crash = Fault.model_validate({"at": "1m", "crash": "worker-1"})
    scenario = loaded.scenario.model_copy(update={"faults": (crash,)})
    simulation = Simulation(type(loaded)(scenario, loaded.objects, (), loaded.name), 1)
    simulation.build()
    start = perf_counter()
    simulation.run_until(900.0)
    say(f"15 minutes with a node's death on 50 nodes: {900 / (perf_counter() - start):.0f} times as fast as real time")


def command(*args: str) -> float:
    """Seconds of wall time of a command, best of three."""
    best = 1e9
    for _ in range(3):
        start = perf_counter()
        subprocess.run(args, check=False, capture_output=True, cwd=ROOT)
        best = min(best, perf_counter() - start)
    return best


def shell() -> None:
    """Start-up and the comparison of the Online Boutique, from the shell."""
    simkube = str(Path(sys.executable).with_name("simkube"))
    typer = command(sys.executable, "-c", "import typer")
    shown = command(simkube, "--help")
    say(f"simkube --help: {shown / typer:.2f} times `import typer` ({shown:.2f} s)")
    boutique = ROOT.parent / "shared" / "manifests" / "online-boutique.yaml"
    if boutique.exists():
        spent = command(simkube, "compare", str(boutique), "--nodes", "6", "--zones", "a,b,c")
        say(f"compare on the Online Boutique, 6 nodes, every strategy: {spent:.2f} s ({spent / typer:.1f} times `import typer`)")


def trace_cost() -> None:
    """What a trace file adds to a run of 500 nodes."""
    from simkube.trace.file import TraceWriter, header

    loaded = fleet(500)
    plan = planner("rolling", {"maxUnavailable": "1%"})
    spent = []
    with tempfile.TemporaryDirectory() as folder:
        for traced in (False, True):
            start = perf_counter()
            if traced:
                path = Path(folder) / "trace.jsonl"
                with TraceWriter(path, header("bench", "v1.37.2", "rolling", 1)) as writer:
                    run(loaded, 1, plan, [writer])
                size = path.stat().st_size
            else:
                run(loaded, 1, plan)
            spent.append(perf_counter() - start)
    say(f"a trace adds {spent[1] / spent[0] - 1:.0%} to the time of a run (500 nodes; {size / 2**20:.0f} MiB written)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--short", action="store_true", help="small sizes: it only has to end")
    short = parser.parse_args().short
    small = rolling(50)
    jobs: list[Callable[[], None]] = [idle_year, faults, shell]
    if not short:
        jobs.append(trace_cost)
    for job in jobs:
        job()
    if not short:
        large = rolling(5000)
        say(f"cost per pod moved, 5,000 nodes against 50: {large / small:.2f} times")


main()
