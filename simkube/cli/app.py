"""The program: its commands, and how every way of ending becomes an exit code."""

import os
import sys

import click
import typer

from simkube.cli import compare, explain, plan, run, schema, strategies, timings

DONE, NO, BAD_INPUT, OUR_FAULT, CLUSTER_FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130

app = typer.Typer(
    name="simkube",
    help="What will this maintenance do to my services? Simulates Kubernetes maintenance in virtual time.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("compare")(compare.compare)
app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("explain")(explain.explain)
app.command("strategies")(strategies.strategies)
app.command("timings")(timings.timings)
app.command("schema")(schema.schema)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"simkube {version('simkube')}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """What will this maintenance do to my services? Simulates Kubernetes maintenance in virtual time."""


def main() -> None:
    """Run the program and leave with its exit code."""
    sys.exit(_run())


def _run() -> int:
    from simkube.kube.errors import BadValue, InputError

    try:
        code = app(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        typer.echo(error.format_message())
        return BAD_INPUT
    except click.ClickException as error:
        error.show()
        return BAD_INPUT
    except (click.exceptions.Abort, KeyboardInterrupt):
        typer.echo("interrupted: nothing half-written was kept", err=True)
        return INTERRUPTED
    except (InputError, BadValue) as error:
        typer.echo(f"error: {error}", err=True)
        return BAD_INPUT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        return _fault(error)
    return code if isinstance(code, int) else DONE


def _fault(error: Exception) -> int:
    if os.environ.get("SIMKUBE_TRACEBACK"):
        raise error
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = (
        f"{os.path.basename(frame.tb_frame.f_code.co_filename)}:{frame.tb_lineno}"
        if frame is not None
        else "?"
    )
    typer.echo(f"error: a fault of simkube: {type(error).__name__} at {place}: {error}", err=True)
    typer.echo(
        "please report it with the command and its input; SIMKUBE_TRACEBACK=1 shows where it happened",
        file=sys.stderr,
    )
    return OUR_FAULT
