"""The console: what a user sees of a step, on a terminal and in a pipe."""

import io
import itertools
import math
import re

import pytest
import rich.console
from rich.table import Table
from rich.text import Text

from headcount import console as console_module
from headcount.console import Console
from headcount.stack.process import wait_until


class Screen:
    """A console with its two streams in memory."""

    def __init__(self, *, terminal: bool = False, quiet: bool = False) -> None:
        self.out, self.err = io.StringIO(), io.StringIO()
        self.console = Console(
            out=rich.console.Console(file=self.out, width=80, highlight=False),
            err=rich.console.Console(file=self.err, force_terminal=terminal, width=80),
            quiet=quiet,
        )

    def lines(self) -> list[str]:
        """What stderr shows, with times made equal and what was erased removed."""
        kept = self.err.getvalue().rpartition("\x1b[2K")[2]
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", kept)
        return re.sub(r"\d+\.\d s", "T s", text).splitlines()


def test_step_in_a_pipe_is_one_plain_line() -> None:
    """In a pipe a step is its title and the time that it took, without controls."""
    screen = Screen()
    with screen.console.step("Starting the broker"):
        pass
    assert screen.lines() == ["Starting the broker ... done in T s"]
    assert "\x1b" not in screen.err.getvalue()


def test_step_in_a_pipe_is_announced_before_it_is_done() -> None:
    """Someone who watches a pipe sees what is under way, not only what is done."""
    screen = Screen()
    with screen.console.step("Starting the broker"):
        assert screen.err.getvalue() == "Starting the broker ... "


def test_failed_step_says_so() -> None:
    """A step that raises is shown as failed, and the error goes on."""
    screen = Screen()
    with pytest.raises(ValueError, match="boom"), screen.console.step("Starting the broker"):
        raise ValueError("boom")
    assert screen.lines() == ["Starting the broker ... failed after T s"]


def test_an_interrupt_while_a_step_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message about it does not run into the step's line."""
    screen, flushes = Screen(), itertools.count()

    def interrupted() -> None:
        if next(flushes):  # rich has written it, and flushed it itself
            monkeypatch.undo()
            raise KeyboardInterrupt

    monkeypatch.setattr(screen.err, "flush", interrupted)
    with pytest.raises(KeyboardInterrupt), screen.console.step("Starting the broker"):
        pytest.fail("it has begun all the same")
    screen.console.error("interrupted")
    assert screen.lines() == ["Starting the broker ... failed after T s", "interrupted"]


def test_remark_within_a_step_has_a_line_of_its_own() -> None:
    """A remark does not run into the step's line, and the line at the end names the step again."""
    screen = Screen()
    with screen.console.step("Starting the broker"):
        screen.console.remark("port 9092 is taken")
    assert screen.lines() == [
        "Starting the broker ... ",
        "port 9092 is taken",
        "Starting the broker ... done in T s",
    ]


def test_update_in_a_pipe_is_shown_when_a_step_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pipe a short step's progress is noise, and a long one's is a sign of life."""
    screen = Screen()
    monkeypatch.setattr(console_module, "PLAIN_UPDATE_EVERY_S", math.inf)
    with screen.console.step("Fetching") as step:
        step.update("1 of 39 jars")
        monkeypatch.setattr(console_module, "PLAIN_UPDATE_EVERY_S", 0.0)
        step.update("12 of 39 jars")
    assert screen.lines()[1:] == ["Fetching: 12 of 39 jars", "Fetching ... done in T s"]


def test_step_on_a_terminal_becomes_one_line() -> None:
    """On a terminal a finished step leaves a mark, its title and its time."""
    screen = Screen(terminal=True)
    with screen.console.step("Starting the broker") as step:
        step.update("127.0.0.1:9092")
        wait_until(lambda: "127.0.0.1:9092" in screen.err.getvalue(), 60, "the detail is shown")
    assert screen.lines() == ["✓ Starting the broker  T s"]


def test_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set nothing that is printed has a colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    screen = Screen(terminal=True)
    screen.console.error("broken")
    assert "\x1b[31m" not in screen.err.getvalue()
    assert "broken" in screen.err.getvalue()


def test_quiet_shows_errors_and_results_only() -> None:
    """A quiet console shows no steps and no remarks."""
    screen = Screen(quiet=True)
    with screen.console.step("Starting the broker") as step:
        step.update("x")
        screen.console.remark("y")
    screen.console.error("broken")
    screen.console.result("pass")
    assert screen.lines() == ["broken"]
    assert screen.out.getvalue() == "pass\n"


def test_results_go_to_stdout_as_they_are() -> None:
    """A result is on stdout, unwrapped and with its brackets; a table is drawn."""
    screen = Screen()
    long = "[bold]" + "x" * 200
    screen.console.result(long)
    table = Table("outcome")
    table.add_row("acked")
    screen.console.result(table)
    assert screen.out.getvalue().startswith(long + "\n")
    assert "acked" in screen.out.getvalue()
    wide = Table(box=None, pad_edge=False)
    wide.add_row("x" * 150, "y" * 150)
    screen.console.result(wide)
    screen.console.document("{\n [1]\n}\n\n")
    assert screen.out.getvalue().endswith("\n{\n [1]\n}\n")
    assert f"{'x' * 150}  " in screen.out.getvalue()
    assert "y" * 150 + "\n" in screen.out.getvalue()
    assert screen.err.getvalue() == ""


@pytest.mark.parametrize("control", ["\x00", "\x1b[2J", "\x7f", "\x9b", "\u202e"])
def test_control_characters_are_escaped(control: str) -> None:
    """Text that is quoted from a service or a topic cannot control the terminal."""
    screen = Screen()
    name = f"buy{control}!"
    table = Table(f"h{control}", box=None, pad_edge=False, title=None)
    table.add_row(Text(name), name, style="bold")
    table.add_row("sell", Text("[x]\ty"))
    for renderable in (name, Text(name, "bold"), table):
        screen.console.result(renderable)
    screen.console.document(name)
    screen.console.remark(name)
    screen.console.error(name)
    shown = screen.out.getvalue() + screen.err.getvalue()
    escaped = f"\\u{ord(control[0]):04x}"
    assert control[0] not in shown
    assert shown.count(f"buy{escaped}{control[1:]}!") == 7
    assert f"h{escaped}" in shown
    assert "[x]" in shown


def test_a_step_that_shows_its_own_time() -> None:
    """While it runs, its title is shorter, and it has no second clock; the whole title stays."""
    screen = Screen(terminal=True)
    with screen.console.step("Load: 20 users for 30s on http://shop.test", "Load") as step:
        step.update("12/30 s · 66/s")
        wait_until(lambda: "12/30 s" in screen.err.getvalue(), 60, "the detail is shown")
        assert "shop.test" not in screen.err.getvalue()
        assert "0:00:0" not in screen.err.getvalue()
    assert screen.lines() == ["✓ Load: 20 users for 30s on http://shop.test  T s"]


def test_where_progress_is_shown() -> None:
    """On a terminal, unless quiet; in a pipe nobody sees it at once."""
    assert Screen(terminal=True).console.shows_progress
    assert not Screen(terminal=True, quiet=True).console.shows_progress
    assert not Screen().console.shows_progress
