"""The program: its commands, and how every way of ending becomes an exit code."""

import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from simkube.cli import compare, explain, plan, run, schema, strategies, timings
from simkube.cli.output import Closed, Interrupted, answer, note

DONE, NO, BAD_INPUT, OUR_FAULT, CLUSTER_FAILED, INTERRUPTED = 0, 1, 2, 3, 4, 130

# What the system refuses is no fault of ours: no room, no right, too many open files, a name too long.
REFUSED = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EROFS,
    errno.EACCES,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENAMETOOLONG,
)

app = typer.Typer(
    name="simkube",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    compare.compare,
    run.run,
    plan.plan,
    explain.explain,
    strategies.strategies,
    timings.timings,
    schema.schema,
):
    app.command(command.__name__)(command)


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """What will this maintenance do to my services? Simulates Kubernetes maintenance in virtual time."""
    if version:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as version_of

        try:
            answer(f"simkube {version_of('simkube')}")
        except PackageNotFoundError:
            answer("simkube, not installed")
        raise typer.Exit
    if context.invoked_subcommand is None:
        answer(context.get_help())


def call(arguments: Sequence[str] | None = None) -> int:
    """Run the program with these arguments (None: those of the process); its exit code. Raises nothing."""
    from simkube.kube.errors import BadValue, InputError

    try:
        code = app(arguments, prog_name="simkube", standalone_mode=False)
    except (InputError, BadValue) as error:
        note(f"error: {error}")
        return BAD_INPUT
    except typer.TyperException as error:
        note(f"error: {_usage(error)}")
        return BAD_INPUT
    except Closed:
        with suppress(
            OSError, ValueError
        ):  # so that the interpreter does not complain when it flushes stdout
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Interrupted as kept:
        note(f"interrupted: {kept}")
        return INTERRUPTED
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        return _failed(error)
    if code == INTERRUPTED:  # also what typer makes of Ctrl-C
        note("interrupted: nothing was written")
    return code if isinstance(code, int) else DONE


def _usage(error: typer.TyperException) -> str:
    from simkube.kube.errors import InputError

    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "simkube"
    return str(InputError(error.format_message().rstrip("."), fix=f"see `{command} --help`"))


def _failed(error: Exception) -> int:
    from simkube.kube.errors import InputError

    if isinstance(error, OSError) and error.errno in REFUSED:
        note(f"error: {InputError(error.strerror or 'refused', file=str(error.filename or ''))}")
        return BAD_INPUT
    if os.environ.get("SIMKUBE_TRACEBACK"):
        import traceback

        note("".join(traceback.format_exception(error)))
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = (
        f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}"
        if place is not None
        else "?"
    )
    note(f"error: {InputError(f'a fault of simkube: {type(error).__name__} at {where}: {error}')}")
    note("please report it with the command and its input; SIMKUBE_TRACEBACK=1 shows where it happened")
    return OUR_FAULT
