"""`make bench`: prints ratios against a yardstick that ran beside them. `--short` only shows that it all ends.

Runs are measured in seconds of processor time, commands from the shell in seconds by the clock on the wall.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.clusters import PODS_PER_NODE, fleet
from benchmarks.yardstick import seconds_per_pod
from simkube.maintenance.plan import Plan
from simkube.scenario.load import Loaded
from simkube.scenario.scenario import Fault
from simkube.sim import DAY, Simulation
from simkube.strategies import registry
from simkube.studies.run import Planner, run
from simkube.trace.file import TraceWriter, header
from simkube.worlds.simulated import SimulatedView

ROOT = Path(__file__).resolve().parent.parent
# The controllers' rate limits keep what 50 nodes lose at a time on the move for longer than the default of 15 minutes.
ROLLING = {"maxUnavailable": "1%", "drainTimeout": "0"}
YARDSTICK_PODS = 30_000


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def planner(loaded: Loaded) -> Planner:
    """Rolling maintenance of everything, 1 % at a time."""
    strategy = registry.make("rolling", ROLLING)
    return lambda view: strategy.plan(view, loaded.scenario.maintenance)


def rolling(nodes: int) -> float:
    """Rolling maintenance of all nodes; returns the cost of a pod moved in yardsticks."""
    loaded = fleet(nodes)
    built = 0.0
    before = seconds_per_pod(YARDSTICK_PODS)

    def planned(view: SimulatedView) -> Plan:
        nonlocal built
        built = process_time() - start
        return planner(loaded)(view)

    start = process_time()
    done = run(loaded, 1, planned)
    result = done.finish(done.settled_at)
    spent = process_time() - start - built
    yardstick = (before + seconds_per_pod(YARDSTICK_PODS)) / 2
    if done.ended_at is None or done.aborted:
        raise SystemExit(f"{nodes} nodes: the plan did not end well: {done.aborted or 'it never ended'}")
    moved = result.cost.evictions
    each = spent / moved
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    say(
        f"{nodes} nodes, {nodes * PODS_PER_NODE} pods: {moved} pods moved in {done.ended_at:.0f} s of virtual time; "
        f"{spent:.1f} s to run (and {built:.1f} s to build), {each * 1e6:.0f} us a pod moved, "
        f"{each / yardstick:.1f} times the yardstick ({yardstick * 1e6:.0f} us), peak {peak:.2f} GiB"
    )
    return each / yardstick


def idle_year() -> None:
    """A year in which nothing happens."""
    simulation = Simulation(fleet(50), 1)
    simulation.build()
    start = process_time()
    simulation.run_until(365 * DAY)
    say(f"an idle year of 50 nodes: {process_time() - start:.3f} s")


def faults() -> None:
    """A node dies and its pods are evicted, on 50 nodes: how many times faster than real time."""
    loaded = fleet(50)
    crash = Fault.model_validate({"at": "1m", "crash": "worker-1"})
    scenario = loaded.scenario.model_copy(update={"faults": (crash,)})
    simulation = Simulation(Loaded(scenario, loaded.objects, (), loaded.name), 1)
    simulation.build()
    start = process_time()
    simulation.run_until(900.0)
    speed = 900 / (process_time() - start)
    say(f"15 minutes with a node's death on 50 nodes: {speed:.0f} times as fast as real time")


def command(*args: str) -> float:
    """Seconds of wall time of a command, best of three."""
    best = float("inf")
    for _ in range(3):
        start = perf_counter()
        subprocess.run(args, check=False, capture_output=True, cwd=ROOT)
        best = min(best, perf_counter() - start)
    return best


def shell() -> None:
    """Start-up and a comparison of every strategy, from the shell."""
    simkube = (sys.executable, "-m", "simkube")
    typer = command(sys.executable, "-c", "import typer")
    shown = command(*simkube, "--help")
    say(f"simkube --help: {shown / typer:.2f} times `import typer` ({shown:.2f} s)")
    boutique = ROOT.parent / "shared" / "manifests" / "online-boutique.yaml"
    name, args = "scenarios/shop.yaml", ["scenarios/shop.yaml"]
    if boutique.exists():
        name, args = "the Online Boutique, 6 nodes", [str(boutique), "--nodes", "6", "--zones", "a,b,c"]
    spent = command(*simkube, "compare", *args)
    say(f"compare every strategy on {name}: {spent:.2f} s ({spent / typer:.1f} times `import typer`)")


def trace_cost(nodes: int) -> None:
    """What a trace file adds to a run."""
    loaded = fleet(nodes)
    with tempfile.TemporaryDirectory() as folder:
        start = process_time()
        run(loaded, 1, planner(loaded))
        plain = process_time() - start
        path = Path(folder) / "trace.jsonl"
        start = process_time()
        with TraceWriter(path, header("bench", loaded.scenario.cluster.version, "rolling", 1)) as writer:
            run(loaded, 1, planner(loaded), [writer])
        traced = process_time() - start
        size = path.stat().st_size / 2**20
    say(f"a trace adds {traced / plain - 1:.0%} to a run of {nodes} nodes ({size:.0f} MiB written)")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--short", action="store_true", help="small sizes: it only has to end")
    short = parser.parse_args().short
    small = rolling(50)
    idle_year()
    faults()
    shell()
    trace_cost(20 if short else 200)
    if not short:
        rolling(500)
        say(f"cost of a pod moved, 5,000 nodes against 50: {rolling(5000) / small:.2f} times")


main()
