"""The console: what a command tells its user, steps and remarks on stderr, results on stdout.

On a terminal a step is a spinner with its elapsed time, and one line once it is over. In a pipe, as
in CI, it is a plain line. The console is made at the edge and handed on; nothing else prints.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import rich.console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

# In a pipe, a step that goes on for longer than this says how far it is, as often as this.
PLAIN_UPDATE_EVERY_S = 10.0

_UNBOUNDED_WIDTH = 10_000


class Step:
    """One piece of work that the user waits for; `update` says how far it is."""

    def __init__(self, console: "Console", title: str) -> None:
        self.title = title
        self.detail = ""
        self.started_s = time.monotonic()
        self._console = console

    @property
    def elapsed_s(self) -> float:
        """Seconds since the step began."""
        return time.monotonic() - self.started_s

    def update(self, detail: str) -> None:
        """Show `detail` beside the title, such as `12 of 39 jars`."""
        self.detail = detail
        self._console._updated(self)  # noqa: SLF001 - the two are one noun in two parts


class Console:
    """Prints for one command; safe to share between threads.

    Args:
        out: Where results go, stdout by default.
        err: Where steps, remarks and errors go, stderr by default. rich reads NO_COLOR and TERM.
        quiet: Steps and remarks are not shown; results and errors are.
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
            # A program that reads a table wants each row in a line, however long.
            self.out.width = _UNBOUNDED_WIDTH
        self.quiet = quiet
        self._lock = threading.RLock()
        self._view: _TerminalView | _PlainView = (
            _TerminalView(self.err) if self.err.is_terminal else _PlainView(self.err)
        )

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show `title` as under way until the block ends, and then how long it took."""
        step = Step(self, title)
        try:
            self._show("begin", step)
            yield step
        except BaseException:
            self._show("fail", step)
            raise
        self._show("finish", step)

    def remark(self, text: str) -> None:
        """Tell the user something on a line of its own, on stderr."""
        if not self.quiet:
            with self._lock:
                self._view.line(text)

    def error(self, text: str) -> None:
        """Tell the user what went wrong, on stderr, even when quiet."""
        with self._lock:
            self._view.line(text, style="red")

    def result(self, renderable: rich.console.RenderableType) -> None:
        """Print what the user asked for on stdout: text as it is, or a table of rich's."""
        with self._lock:
            self._view.break_line()
            self.out.print(renderable, markup=False, soft_wrap=isinstance(renderable, str))

    def _updated(self, step: Step) -> None:
        self._show("update", step)

    def _show(self, event: str, step: Step) -> None:
        if self.quiet:
            return
        with self._lock:
            getattr(self._view, event)(step)


class _TerminalView:
    """Steps as spinners below the finished lines."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console
        self._tasks: dict[Step, TaskID] = {}
        self._progress: Progress | None = None
        # A terminal that is not UTF-8 would turn the marks into an encoding error.
        unicode = console.encoding.startswith("utf")
        self._done, self._failed = ("✓", "✗") if unicode else ("+", "x")

    def begin(self, step: Step) -> None:
        if self._progress is None:
            self._progress = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                TextColumn("{task.fields[detail]}", style="dim", markup=False),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.start()
        self._tasks[step] = self._progress.add_task(step.title, total=None, detail="")

    def update(self, step: Step) -> None:
        if self._progress is not None and step in self._tasks:
            self._progress.update(self._tasks[step], detail=step.detail)

    def finish(self, step: Step) -> None:
        self._end(step, Text.assemble((f"{self._done} ", "green"), step.title, _took(step)))

    def fail(self, step: Step) -> None:
        self._end(step, Text.assemble((f"{self._failed} ", "red"), step.title, _took(step)))

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
        """Nothing to do: rich keeps its spinners below what is printed."""


class _PlainView:
    """Steps as lines: the title at once, and the time it took when it is over."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console
        self._open: Step | None = None  # the step whose line still lacks its end
        self._updated_s: dict[Step, float] = {}

    def begin(self, step: Step) -> None:
        self.break_line()
        self._open = step  # an interrupt may come as soon as it is written
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
        else:  # something else was printed meanwhile: say whose end this is
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


def _took(step: Step) -> tuple[str, str]:
    return (f"  {step.elapsed_s:.1f} s", "dim")
