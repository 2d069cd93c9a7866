"""The plots of a comparison, each as PNG and SVG."""

from pathlib import Path

from simkube.report.availability_plot import availability_figure
from simkube.report.folder import file_name, trace_name
from simkube.report.gantt_plot import gantt_figure
from simkube.report.node_history import NodeHistory
from simkube.report.style import plain, save, styled
from simkube.report.tradeoff_plot import tradeoff_figure
from simkube.studies.compare import Comparison, Line
from simkube.trace.file import read_trace


def draw_all(comparison: Comparison, out: Path) -> None:
    """Draw `availability`, `tradeoff`, and `gantt-<strategy>` for every strategy into the folder `out`, which holds the
    runs' traces. Raises `InputError` for a trace that cannot be read."""
    with styled():
        save(availability_figure(comparison), out, "availability")
        save(tradeoff_figure(comparison), out, "tradeoff")
        for line in comparison.lines:
            _draw_gantt(comparison, line, out)


def _draw_gantt(comparison: Comparison, line: Line, out: Path) -> None:
    trial = line.typical
    cost = trial.result.cost
    end = min(
        trial.result.window, 1.05 * max(trial.settled_at, cost.duration or 0.0, 1.0)
    )  # the rest is quiet
    history = NodeHistory()
    _, records = read_trace(out / "traces" / trace_name(line.strategy, trial.seed))
    for record in records:
        if record.t <= end:
            history(record)
    seed = f", seed {trial.seed}" if len(line.trials) > 1 else ""
    title = f"Nodes and their pods: {plain(line.strategy)}"
    subtitle = f"{plain(comparison.scenario, 80)}{seed}"
    figure = gantt_figure(history, title, subtitle, end, cost.duration)
    save(figure, out, f"gantt-{file_name(line.strategy)}")
