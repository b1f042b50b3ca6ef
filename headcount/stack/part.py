"""A part of the stack: it stops when its `with` block ends."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from headcount.stack.process import Process


class Part(ABC):
    """A part that runs as one child process, from construction until `stop` or `kill`."""

    _process: Process

    @property
    def pid(self) -> int:
        """The process id of the part, or of its master process."""
        return self._process.pid

    @property
    def log_path(self) -> Path:
        """The part's log."""
        return self._process.log_path

    def poll_or_raise(self) -> None:
        """Raise PartError if the part has ended."""
        self._process.poll_or_raise()

    @abstractmethod
    def stop(self) -> object:
        """Stop the part. Idempotent."""

    @abstractmethod
    def kill(self) -> None:
        """Kill the part, as a crash would. Idempotent."""

    def __enter__(self) -> Self:
        """Return the part, which stops at the end of the `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the part, whatever the block raised."""
        self.stop()
