"""The command: its exit code says what happened, and never claims a verdict without one."""

import errno
import importlib
from types import SimpleNamespace

import click
import pytest

from headcount.errors import EvidenceError, PartError

# The package has a function of that name.
module = importlib.import_module("headcount.cli.main")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (EvidenceError("there is no ledger"), 3, "headcount: there is no ledger\n"),
        (PartError("Spark died"), 5, "headcount: Spark died\n"),
        (click.UsageError("no such option"), 2, "no such option"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (
            OSError(errno.ENOSPC, "any text", "runs/broker.log"),
            5,
            "headcount: no space left on device (runs/broker.log): free some space\n",
        ),
        (OSError(errno.EMFILE, "any text"), 5, "too many open files: raise the limit"),
        (FileNotFoundError(errno.ENOENT, "any text", "forgotten"), 70, "forgotten"),
        (RuntimeError("the wrong kind of wood"), 70, "RuntimeError: the wrong kind of wood\n"),
    ],
    ids=["evidence", "part", "usage", "interrupt", "full", "files", "missing", "bug"],
)
def test_what_goes_wrong_has_a_code(
    error: BaseException,
    code: int,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A bug prints its traceback, and has another exit code than a failed run."""

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(module, "cli", SimpleNamespace(main=fail))
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == code
    said = capsys.readouterr().err
    assert message in said
    assert ("Traceback" in said) == (code == module.BUG)
