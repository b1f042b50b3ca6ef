"""The `headcount` command: its subcommands, and what every one of them does with an error."""

import contextlib
import errno
import gc
import importlib
import os
import signal
import sys
import traceback
from types import FrameType, ModuleType
from typing import NoReturn

import click
from headcount_service.catalogue import CatalogueError

from headcount.errors import HeadcountError, PartError, UsageError
from headcount.gc_control import uncollected

INTERRUPTED = 130  # what shells give a command that Ctrl-C ended
BUG = 70  # EX_SOFTWARE of sysexits.h; Python's own 1 would say that the run has failed

_ROOM, _LEAVE = "make room on it", "choose another folder, or grant this user access"
_REFUSALS = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "lift the limit of a file's size",
    errno.EMFILE: "lift the limit of open files",
    errno.EACCES: _LEAVE,
    errno.EPERM: _LEAVE,
    errno.EROFS: _LEAVE,
    errno.EIO: "see to the disk",
}
"""What a machine may refuse at any place, and what to do about it; all else is a bug."""

_EPILOG = """
\b
Examples:
  headcount run                          everything, from starting Kafka to the verdict
  headcount run --host URL --bootstrap-servers HOST:PORT --topic NAME LOCUSTFILE
  headcount verify RUN                   judge a run again
  headcount compare BEFORE AFTER         set runs side by side
  headcount events RUN --item sword      what it published of the game
  headcount doctor                       is there all that a run needs?
\b
Exit codes:
  0  pass           every acknowledged request is in the topic, once and intact
  1  fail           something was lost, duplicated, altered, or came from nowhere
  2  usage          an option, a path or a setting makes no sense
  3  inconclusive   the run cannot prove either
  4  threshold      delivery passed, a threshold did not
  5  part           the broker, the service, Locust or Spark could not start, or died, or
                    the machine refused room or access
  70 bug            of Headcount's own, with a traceback: nothing is said of the run
"""


COMMANDS = {
    "compare": "headcount.cli.commands.compare:compare_runs",
    "doctor": "headcount.cli.commands.doctor:doctor",
    "events": "headcount.cli.commands.events:events",
    "follow": "headcount.cli.commands.follow:follow",
    "mark": "headcount.cli.commands.mark:mark",
    "run": "headcount.cli.commands.run:run",
    "selftest": "headcount.cli.commands.selftest:selftest",
    "shell": "headcount.cli.commands.shell:shell",
    "up": "headcount.cli.commands.up:up",
    "verify": "headcount.cli.commands.verify:verify",
}
"""Where each command is: it alone is imported, for Spark and the charts take a second to load."""


class Commands(click.Group):
    """The commands, each of which is imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import a command; None if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(_imported(module), name)
        return command


def _imported(name: str) -> ModuleType:
    """Import a module, with no look for garbage: what modules are made of stays."""
    with uncollected():
        found = importlib.import_module(name)
        gc.freeze()
    return found


@click.group(cls=Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="headcount", message="headcount %(version)s")
def cli() -> None:
    """Load-test an API that writes to Kafka, and account for every single request."""


def main() -> NoReturn:
    """Run the command, say what went wrong in one line, and exit with the right code."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = UsageError.exit_code
    except HeadcountError as error:
        code = _complain(str(error), error.exit_code)
    except CatalogueError as error:
        code = _complain(str(error), UsageError.exit_code)
    except (KeyboardInterrupt, click.Abort):
        code = _complain("interrupted; all that was started is stopped", INTERRUPTED)
    except BrokenPipeError:
        code = _without_reader()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no verdict
        code = _refused(error) or _bug()
    # At the end Python looks through every object for garbage; all of them go with the process.
    gc.freeze()
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str, code: int) -> int:
    sys.stderr.write(f"headcount: {message}\n")
    return code


def _refused(error: Exception) -> int | None:
    """Say what the machine refused; None if it is not to blame."""
    if not isinstance(error, OSError) or error.errno not in _REFUSALS:
        return None
    where = f" ({error.filename})" if error.filename else ""
    said = os.strerror(error.errno).lower()
    return _complain(f"{said}{where}: {_REFUSALS[error.errno]}", PartError.exit_code)


def _bug() -> int:
    traceback.print_exc()
    return BUG


def _without_reader() -> int:
    """End quietly where the reader of a pipe, such as `head`, is gone."""
    with contextlib.suppress(OSError):
        sys.stdout.close()
    return INTERRUPTED


def _as_interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
