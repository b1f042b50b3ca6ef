"""The console: prints a command's steps and remarks to stderr, and its results to stdout.

On a terminal, a step is a spinner with its elapsed time, and one line once it ends. In a pipe, as
in CI, it is a plain line. The command creates the console and passes it on; nothing else prints.
"""

import copy
import re
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import rich.console
from rich.progress import Progress, SpinnerColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

# In a pipe, a long step reports its progress at this interval.
PLAIN_UPDATE_EVERY_S = 10.0

_UNBOUNDED_WIDTH = 10_000

_CONTROL = re.compile("[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u2028-\\u202e\\u2066-\\u2069]")
"""Control characters other than tabs and line ends, and those that reorder or break lines."""


def printable(text: str) -> str:
    r"""Escape control characters as JSON does, such as `\u001b`."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _printable(renderable: rich.console.RenderableType) -> rich.console.RenderableType:
    """Escape control characters in a text, or in the cells of a table."""
    match renderable:
        case str():
            return printable(renderable)
        case Text() if _CONTROL.search(renderable.plain):
            return Text(printable(renderable.plain), renderable.style)
        case Table():
            return _printable_table(renderable)
        case _:
            return renderable


def _printable_table(table: Table) -> Table:
    cells = [[_printable(cell) for cell in column.cells] for column in table.columns]
    escaped = copy.copy(table)
    escaped.rows, escaped.columns = [], [column.copy() for column in table.columns]
    for column in escaped.columns:
        column.header = _printable(column.header)
    for row, values in zip(table.rows, zip(*cells, strict=True), strict=True):
        escaped.add_row(*values, style=row.style, end_section=row.end_section)
    return escaped


class Step:
    """Work that the user waits for; `update` reports its progress.

    `running` is the title that a terminal shows until the step ends. If it differs from `title`,
    no elapsed time is shown beside it: the text given to `update` should contain the time.
    """

    def __init__(self, console: "Console", title: str, running: str = "") -> None:
        self.title, self.running = title, running or title
        self.detail = ""
        self.started_s = time.monotonic()
        self.ended_s: float | None = None
        self.has_failed = False
        self._console = console

    @property
    def elapsed_s(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.started_s

    def update(self, detail: str) -> None:
        """Show `detail` beside the title, such as `12 of 39 jars`."""
        self.detail = detail
        self._console._updated(self)  # noqa: SLF001 - step and console are one unit


class Console:
    """Prints for one command; safe to share between threads.

    Args:
        out: Where results go, stdout by default.
        err: Where steps, remarks and errors go, stderr by default. rich reads NO_COLOR and TERM.
        quiet: Hides steps and remarks, but not results and errors.
    """

    def __init__(
        self,
        *,
        out: rich.console.Console | None = None,
        err: rich.console.Console | None = None,
        quiet: bool = False,
    ) -> None:
        self.out = out or rich.console.Console(highlight=False)
        self.err = err or rich.console.Console(stderr=True, highlight=False)
        if not self.out.is_terminal:
            # A program that reads a table expects each row on one line, however long.
            self.out.width = _UNBOUNDED_WIDTH
        self.quiet = quiet
        self.steps: list[Step] = []
        """All steps that have begun, in the order in which they began."""
        self._lock = threading.RLock()
        self._view: _TerminalView | _PlainView = (
            _TerminalView(self.err) if self.err.is_terminal else _PlainView(self.err)
        )

    @property
    def shows_progress(self) -> bool:
        """Whether every progress report is shown immediately: on a terminal, unless quiet."""
        return self.err.is_terminal and not self.quiet

    @contextmanager
    def step(self, title: str, running: str = "") -> Iterator[Step]:
        """Show `title` as running until the block ends, then how long it took.

        Pass `running`, a shorter title for a terminal, if the progress contains the elapsed time.
        """
        step = Step(self, title, running)
        self.steps.append(step)
        try:
            self._show("begin", step)
            yield step
        except BaseException:
            step.has_failed = True
            self._show("fail", step)
            raise
        finally:
            step.ended_s = time.monotonic()
        self._show("finish", step)

    def remark(self, text: str) -> None:
        """Print a line on stderr, unless quiet."""
        if not self.quiet:
            with self._lock:
                self._view.line(printable(text))

    def error(self, text: str) -> None:
        """Print an error on stderr, even when quiet."""
        with self._lock:
            self._view.line(printable(text), style="red")

    def result(self, renderable: rich.console.RenderableType) -> None:
        """Print a result on stdout: text unchanged, or a rich table."""
        with self._lock:
            self._view.break_line()
            is_text = isinstance(renderable, str | Text)
            self.out.print(_printable(renderable), markup=False, soft_wrap=is_text)

    def paragraph(self, text: str, style: str = "") -> None:
        """Print a line of a result: wrapped at words on a terminal, whole in a pipe."""
        text = printable(text)
        if self.out.is_terminal:
            indent = " " * (len(text) - len(text.lstrip()) + 2)
            text = textwrap.fill(
                *(text, self.out.width),
                subsequent_indent=indent,
                break_long_words=False,
                break_on_hyphens=False,
            )
        self.result(Text(text, style))

    def document(self, text: str) -> None:
        """Print a whole document on stdout without rich, which takes a second for a megabyte."""
        with self._lock:
            self._view.break_line()
            self.out.file.write(f"{printable(text.rstrip())}\n")
            self.out.file.flush()

    def _updated(self, step: Step) -> None:
        self._show("update", step)

    def _show(self, event: str, step: Step) -> None:
        if self.quiet:
            return
        with self._lock:
            getattr(self._view, event)(step)


class _ElapsedColumn(TimeElapsedColumn):
    """The elapsed time, unless the text of the progress contains it."""

    def render(self, task: Task) -> Text:
        """Return the time, or nothing."""
        return Text() if task.fields["is_timed"] else super().render(task)


class _TerminalView:
    """Shows steps as spinners below the finished lines."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console
        self._tasks: dict[Step, TaskID] = {}
        self._progress: Progress | None = None
        # A terminal that is not UTF-8 cannot encode the symbols.
        unicode = console.encoding.startswith("utf")
        self._done, self._failed = ("✓", "✗") if unicode else ("+", "x")

    def begin(self, step: Step) -> None:
        if self._progress is None:
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TextColumn("{task.fields[detail]}", style="dim", markup=False),
                _ElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.start()
        self._tasks[step] = self._progress.add_task(
            step.running, total=None, detail="", is_timed=step.running != step.title
        )

    def update(self, step: Step) -> None:
        if self._progress is not None and step in self._tasks:
            self._progress.update(self._tasks[step], detail=step.detail)

    def finish(self, step: Step) -> None:
        self._end(step, Text.assemble((f"{self._done} ", "green"), step.title, _elapsed_text(step)))

    def fail(self, step: Step) -> None:
        self._end(step, Text.assemble((f"{self._failed} ", "red"), step.title, _elapsed_text(step)))

    def _end(self, step: Step, text: Text) -> None:
        task = self._tasks.pop(step, None)
        if self._progress is not None and task is not None:
            self._progress.remove_task(task)
            if not self._tasks:
                self._progress.stop()
                self._progress = None
        self._console.print(text)

    def line(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style), soft_wrap=True)

    def break_line(self) -> None:
        """Do nothing: rich keeps its spinners below the printed lines."""


class _PlainView:
    """Shows steps as lines: the title immediately, the duration when the step ends."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console
        self._open: Step | None = None  # the step whose line is unfinished
        self._updated_s: dict[Step, float] = {}

    def begin(self, step: Step) -> None:
        self.break_line()
        self._open = step  # set first: an interrupt may follow the write
        self._updated_s[step] = step.started_s
        self._write(f"{step.title} ... ", end="")

    def update(self, step: Step) -> None:
        now_s = time.monotonic()
        if now_s - self._updated_s.get(step, now_s) >= PLAIN_UPDATE_EVERY_S:
            self._updated_s[step] = now_s
            self.line(f"{step.title}: {step.detail}")

    def finish(self, step: Step) -> None:
        self._end(step, "done in")

    def fail(self, step: Step) -> None:
        self._end(step, "failed after")

    def _end(self, step: Step, how: str) -> None:
        self._updated_s.pop(step, None)
        if self._open is step:
            self._open = None
            self._write(f"{how} {step.elapsed_s:.1f} s")
        else:  # another line came in between: repeat the title
            self.line(f"{step.title} ... {how} {step.elapsed_s:.1f} s")

    def line(self, text: str, style: str = "") -> None:
        self.break_line()
        self._write(text, style=style)

    def break_line(self) -> None:
        if self._open is not None:
            self._open = None
            self._write("")

    def _write(self, text: str, end: str = "\n", style: str = "") -> None:
        self._console.print(Text(text, style), end=end, soft_wrap=True)
        self._console.file.flush()


def _elapsed_text(step: Step) -> tuple[str, str]:
    return (f"  {step.elapsed_s:.1f} s", "dim")
