"""The `deblurbench` command: finds commands by name, and turns errors into one clear line.

Exit codes: 0 done; 1 the work failed; 2 the command line or a recipe was wrong; 130 interrupted.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import click

from deblurbench import __version__
from deblurbench.errors import DeblurbenchError, nearest, one_line

_COMMANDS = {  # name -> (module below deblurbench.cli, attribute)
    "fetch": "fetch",
    "build-dataset": "build_dataset",
    "verify-dataset": "verify_dataset",
    "merge-datasets": "merge_datasets",
    "adopt": "adopt",
    "stitch": "stitch",
    "export": "export",
    "run-baseline": "run_baseline",
    "predict": "predict",
    "average-weights": "average_weights",
    "explain": "explain",
    "export-onnx": "export_onnx",
    "score": "score",
    "compare": "compare",
    "eval-py": "eval_py",
    "leaderboard": "leaderboard",
    "list": "list_plugins",
    "demo": "demo",
}


class _Commands(click.Group):
    """Imports a command's module when it is needed, so that `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)  # in the order of the work

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"deblurbench.cli.{_COMMANDS[cmd_name]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in _COMMANDS:
            raise click.UsageError(f"no command {args[0]!r}; {nearest(args[0], _COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="deblurbench", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """Build blurred/sharp datasets, run deblurring baselines, score results, publish leaderboards.

    Try `deblurbench demo` first: it does all of it, small, in minutes.

    Exit codes: 0 done, 1 the work failed, 2 the command line or a recipe was wrong, 130 interrupted.
    """


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    arguments = list(sys.argv[1:] if args is None else args)
    # torch's threads wait for one another many times per step. Spinning while they wait, as they do by default, makes
    # training 5 to 20 times slower wherever anything else uses the cores (measured). Read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    warnings.showwarning = _show_warning
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that a terminal cannot show must not end the work
            stream.reconfigure(errors="backslashreplace")
    debug = "--debug" in arguments
    sys.exit(_guard(lambda: cli.main(arguments, prog_name="deblurbench", standalone_mode=False), debug))


def _guard(run: Callable[[], Any], debug: bool) -> int:
    """Run and return the exit code; every error becomes one line on stderr."""
    try:
        result = run()
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted: nothing is half-written, and the same command again finishes the work", 130, debug)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return 2
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "deblurbench"
        return _fail(f"{error.format_message()} (see `{command} --help`)", 2, debug)
    except click.ClickException as error:
        return _fail(error.format_message(), error.exit_code, debug)
    except DeblurbenchError as error:
        return _fail(str(error), error.exit_code, debug)
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}", 2 if error.errno == errno.ENAMETOOLONG else 1, debug)
    except MemoryError:
        return _fail("not enough memory: use fewer --workers or smaller pictures", 1, debug)
    except Exception as error:
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        return _fail(f"this is a bug in deblurbench ({text}); please report it with the output of --debug", 1, debug)
    return result if isinstance(result, int) else 0


def _fail(text: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    print(f"Error: {one_line(text)}", file=sys.stderr)
    return code


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"Warning: {one_line(str(message))}", file=sys.stderr)
