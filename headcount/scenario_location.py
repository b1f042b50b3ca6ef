"""Places in a scenario: the line of the user's code that made a call or raised an error."""

import sys
import sysconfig
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import FrameType, TracebackType
from typing import NamedTuple

_STANDARD = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
_LIBRARIES = tuple(f"{folder}/" for folder in (*_STANDARD, str(Path(__file__).parent)))


class Place(NamedTuple):
    """A line of a scenario, and the scenario's outermost function, such as a task."""

    line: str
    entry: str

    def __str__(self) -> str:
        """Format it for use in a sentence."""
        return f"{self.line}, in {self.entry}"


def here() -> Place | None:
    """Return the place that is running now; None outside of a scenario."""
    innermost_first = traceback.walk_stack(sys._getframe(1))  # noqa: SLF001 - with None, frames are skipped
    return _place(reversed(list(innermost_first)))


def of_traceback(trace: TracebackType | None) -> Place | None:
    """Return the place where an error was raised; None outside of a scenario."""
    return _place(traceback.walk_tb(trace))


def _place(frames: Iterable[tuple[FrameType, int]]) -> Place | None:
    """Combine the outermost and the innermost scenario frame; `frames` begin at the outermost."""
    own = [(frame.f_code, line) for frame, line in frames if _is_scenario(frame)]
    if not own:
        return None
    code, line = own[-1]
    return Place(f"{Path(code.co_filename).name}:{line}", own[0][0].co_name)


def _is_scenario(frame: FrameType) -> bool:
    path = frame.f_code.co_filename
    return not path.startswith((*_LIBRARIES, "<frozen ")) and "site-packages/" not in path
