"""The `headcount` command: its subcommands, and how errors become messages and exit codes."""

import contextlib
import difflib
import errno
import gc
import importlib
import os
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import click
from headcount_service.errors import CatalogueError

from headcount import __version__
from headcount.cli.configuration.option_defaults import (
    check_commands,
    option_defaults,
    parameters_of,
)
from headcount.cli.configuration.option_file import OptionFile, find_option_file
from headcount.errors import STOPPED, HeadcountError, InterruptedRunError, PartError, UsageError
from headcount.gc_control import permanent_objects
from headcount.installation import COMMAND, missing_package

INTERRUPTED = InterruptedRunError.exit_code
BUG = 70  # EX_SOFTWARE of sysexits.h; Python's own 1 would mean a failed run

_FREE_SPACE, _GRANT_ACCESS = "free some space", "choose another folder, or grant this user access"
_REFUSALS = {
    errno.ENOSPC: _FREE_SPACE,
    errno.EDQUOT: _FREE_SPACE,
    errno.EFBIG: "raise the limit on file size",
    errno.EMFILE: "raise the limit on open files",
    errno.EACCES: _GRANT_ACCESS,
    errno.EPERM: _GRANT_ACCESS,
    errno.EROFS: _GRANT_ACCESS,
    errno.EIO: "check the disk",
}
"""What the operating system may refuse anywhere, and the remedy; any other OSError is a bug."""

_EPILOG = """
\b
Examples:
  headcount run                          everything, from starting Kafka to the verdict
  headcount run --host URL --bootstrap-servers HOST:PORT --topic NAME LOCUSTFILE
  headcount init                         starter files for your own service
  headcount probe LOCUSTFILE --host URL --bootstrap-servers HOST:PORT
                                         find the options that fit your own service
  headcount verify RUN                   judge a run again
  headcount report RUN --pdf             save a run's report as a PDF
  headcount history                      all runs, and what changed over time
  headcount compare BEFORE AFTER         compare runs
  headcount events RUN --item sword      show the game's events in a run's topic
  headcount doctor                       check that everything a run needs is there
\b
Exit codes:
  0  pass           every acknowledged event is in the topic, once and intact, apart from
                    what --allow tolerates
  1  fail           something was lost, duplicated, altered, or came from nowhere
  2  usage          an option, a path or a setting is invalid
  3  inconclusive   the evidence proves neither a pass nor a fail
  4  threshold      delivery passed, but a threshold is broken
  5  part           the broker, the service, Locust or Spark failed to start or died, or the
                    operating system denied disk space or access
  70 bug            a bug in Headcount: a traceback is printed, and there is no verdict
"""


class CommandEntry(NamedTuple):
    """Where a command is, and what it does, for the list of commands."""

    place: str
    summary: str


COMMANDS = {
    "init": CommandEntry(
        "headcount.cli.commands.init:init",
        "write a first scenario, options and a job for CI",
    ),
    "run": CommandEntry(
        "headcount.cli.commands.run:run",
        "run everything, from starting Kafka to the verdict",
    ),
    "probe": CommandEntry(
        "headcount.cli.commands.probe:probe",
        "find the options that fit your service",
    ),
    "verify": CommandEntry(
        "headcount.cli.commands.verify:verify",
        "judge a run, or judge it again",
    ),
    "follow": CommandEntry(
        "headcount.cli.commands.follow:follow",
        "judge a run while another process drives it",
    ),
    "report": CommandEntry(
        "headcount.cli.commands.report:report",
        "print the path of a run's report, or save it as a PDF",
    ),
    "history": CommandEntry(
        "headcount.cli.commands.history:history",
        "show all runs, and what changed over time",
    ),
    "compare": CommandEntry(
        "headcount.cli.commands.compare:compare_runs",
        "compare runs: what changed, and what is noise",
    ),
    "events": CommandEntry(
        "headcount.cli.commands.events:events",
        "show the game's events in a run",
    ),
    "dashboard": CommandEntry(
        "headcount.cli.commands.dashboard:dashboard",
        "print a Grafana dashboard for the metrics of runs",
    ),
    "mark": CommandEntry(
        "headcount.cli.commands.mark:mark",
        "add a timestamped note to a run",
    ),
    "up": CommandEntry(
        "headcount.cli.commands.up:up",
        "keep Kafka, a service and Locust's web UI running",
    ),
    "shell": CommandEntry(
        "headcount.cli.commands.shell:shell",
        "open a pyspark shell that can read Kafka",
    ),
    "selftest": CommandEntry(
        "headcount.cli.commands.selftest:selftest",
        "test the verifier itself with known faults",
    ),
    "doctor": CommandEntry(
        "headcount.cli.commands.doctor:doctor",
        "check that everything a run needs is there",
    ),
    "config": CommandEntry(
        "headcount.cli.commands.config:config",
        "show the options that apply, and where each is set",
    ),
}
"""The commands; only the one that is called is imported: Spark and charts load slowly."""


class Commands(click.Group):
    """The commands; each is imported when it is first used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands."""
        return list(COMMANDS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None if no command has that name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].place.split(":")
        with permanent_objects():
            command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of a command line. UsageError suggests one for a mistyped name."""
        if args and args[0] not in COMMANDS and not ctx.resilient_parsing:
            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="headcount %(version)s")
@click.option(
    "--config",
    "option_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    envvar="HEADCOUNT_CONFIG",
    show_envvar=True,
    show_default="headcount.toml in this folder",
    help="File with a project's options.",
)
@click.pass_context
def cli(ctx: click.Context, option_file: Path | None) -> None:
    """Load-test an API that writes to Kafka, and account for every single request."""
    options = find_option_file(Path(), option_file)
    if options is not None:
        check_commands(options, COMMANDS)
        ctx.obj = options
        assert ctx.invoked_subcommand is not None
        # Check the tables of all commands, so that each command finds a mistake in any of them.
        names = dict.fromkeys((ctx.invoked_subcommand, *options.by_command))
        ctx.default_map = {name: defaults_from(options, ctx, name) for name in names}


def defaults_from(options: OptionFile, ctx: click.Context, name: str) -> dict[str, Any]:
    """Return the defaults that an option file sets for a command. UsageError if it is not valid."""
    command = cli.get_command(ctx, name)
    assert command is not None

    def all_names() -> set[str]:
        every = (cli.get_command(ctx, command_name) for command_name in COMMANDS)
        return {option for command in every if command for option in parameters_of(command)}

    return option_defaults(options, name, command, all_names)


def main() -> NoReturn:
    """Run the command, report an error in one line, and exit with the right code."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = UsageError.exit_code
    except HeadcountError as error:
        code = _report_error(str(error), error.exit_code)
    except CatalogueError as error:
        code = _report_error(str(error), UsageError.exit_code)
    except (KeyboardInterrupt, click.Abort):
        code = _report_error(STOPPED, INTERRUPTED)
    except BrokenPipeError:
        code = _without_reader()
    except Exception as error:  # noqa: BLE001 - no error may pass for a verdict
        code = _refused(error) or _incomplete(error) or _bug()
    # Skip Python's last garbage collection: the process is about to end anyway.
    gc.freeze()
    sys.exit(code if isinstance(code, int) else 0)


def _report_error(message: str, code: int) -> int:
    sys.stderr.write(f"headcount: {message}\n")
    return code


def _refused(error: Exception) -> int | None:
    """Report what the operating system refused; None if the error is something else."""
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    where = f" ({error.filename})" if error.filename else ""
    reason = os.strerror(error.errno).lower()
    return _report_error(f"{reason}{where}: {_REFUSALS[error.errno]}", PartError.exit_code)


def _incomplete(error: Exception) -> int | None:
    """Report a package that is not installed; None if the error is something else."""
    line = missing_package(error, COMMAND) if isinstance(error, ModuleNotFoundError) else None
    return None if line is None else _report_error(line, PartError.exit_code)


def _bug() -> int:
    traceback.print_exc()
    return BUG


def _without_reader() -> int:
    """End quietly if the reader of a pipe, such as `head`, is gone."""
    with contextlib.suppress(OSError):
        sys.stdout.close()
    return INTERRUPTED


def _as_interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
