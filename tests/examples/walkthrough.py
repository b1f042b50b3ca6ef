"""The commands that an example's README shows, adapted to a test's own broker, topic and port."""

import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from headcount.stack.ports import free_port, is_listening
from headcount.stack.process import Process, wait_until
from tests.examples.node import installed

PLACE = Path(__file__).parents[2] / "examples"
TOPIC, PORT, BROKER, DATABASE = "order-events", "5000", "127.0.0.1:9092", "orders.sqlite3"
"""What the READMEs name."""


@dataclass(frozen=True, slots=True)
class Walkthrough:
    """A section of an example's README: how to start its programs, and how to run Headcount."""

    folder: str
    heading: str = ""

    def __str__(self) -> str:
        """Name it in the ids of tests."""
        return f"{self.folder}: {self.heading}" if self.heading else self.folder

    @property
    def programs(self) -> list[list[str]]:
        """The command lines of the example's programs; the first one listens on PORT."""
        return [words for words in self._commands if words[0].endswith(("python", "node"))]

    @property
    def run(self) -> list[str]:
        """The arguments of `headcount`."""
        (words,) = (words for words in self._commands if words[0].endswith("headcount"))
        return words[1:]

    def option(self, name: str) -> str:
        """Return the value of an option of the run; empty if it is not there."""
        return self.run[self.run.index(name) + 1] if name in self.run else ""

    @property
    def _commands(self) -> list[list[str]]:
        text = (PLACE / self.folder / "README.md").read_text()
        if self.heading:
            text = text.split(f"\n## {self.heading}\n")[1].split("\n## ")[0]
        (block,) = re.findall(r"^```sh\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        lines = block.replace("\\\n", "").splitlines()
        return [words for words in map(shlex.split, lines) if words[0] != "npm"]


OPENTELEMETRY = Walkthrough("opentelemetry")
WALKTHROUGHS = (
    OPENTELEMETRY,
    Walkthrough("fastapi"),
    Walkthrough("nested"),
    Walkthrough("debezium", "The outbox event router"),
    Walkthrough("debezium", "Change events of a table"),
    Walkthrough("cloudevents", "Binary content mode"),
    Walkthrough("cloudevents", "Structured content mode"),
    Walkthrough("rest_proxy"),
    Walkthrough("express"),
)
RUN_IN_CI = {"The outbox event router", "Binary content mode", "rest_proxy", "express"}
"""The sections and folders whose runs CI repeats; it probes the others."""


def marked(*, of_run: bool) -> list[object]:
    """Mark each walkthrough's run, or its probe, as slow if CI repeats it, else as heavy."""

    def mark(walkthrough: Walkthrough) -> pytest.MarkDecorator:
        is_run = not RUN_IN_CI.isdisjoint((walkthrough.folder, walkthrough.heading))
        return pytest.mark.slow if is_run == of_run else pytest.mark.heavy

    return [
        pytest.param(walkthrough, id=str(walkthrough), marks=mark(walkthrough))
        for walkthrough in WALKTHROUGHS
    ]


@dataclass(frozen=True, slots=True)
class RunningExample:
    """A running example: the address of its service, and the broker and the topic behind it."""

    url: str
    bootstrap_servers: str
    topic: str
    logs: tuple[Path, ...]

    def adapt(self, words: Sequence[str]) -> list[str]:
        """Replace the README's address, broker and topic."""
        names = {f"http://127.0.0.1:{PORT}": self.url, BROKER: self.bootstrap_servers}
        return [{**names, TOPIC: self.topic}.get(word, word) for word in words]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a test gives an example: BROKER, TOPIC, a folder for its files, and its environment."""

    bootstrap_servers: str
    topic: str
    folder: Path
    environ: Mapping[str, str]


@contextmanager
def started(
    walkthrough: Walkthrough, surroundings: Surroundings, prefix: Sequence[str] = ()
) -> Iterator[RunningExample]:
    """Run the programs of an example for the block, each after the one before it is ready.

    `prefix` is a Python program that takes the command line of another as its arguments.
    """
    port, folder = free_port(), surroundings.folder
    logs = tuple(folder / f"{number}.log" for number, _ in enumerate(walkthrough.programs))
    url = f"http://127.0.0.1:{port}"
    example = RunningExample(url, surroundings.bootstrap_servers, surroundings.topic, logs)
    names = {PORT: str(port), DATABASE: str(folder / DATABASE)}
    with ExitStack() as stack:
        for words, log in zip(walkthrough.programs, logs, strict=True):
            adapted = example.adapt([names.get(word, word) for word in words])
            command = _command(adapted, prefix, folder.parent / "node")
            process = Process(words[1], command, log_path=log, environ=surroundings.environ)
            stack.enter_context(process)
            wait_until(lambda: is_listening(port), 120, f"{walkthrough} listens", process)
        yield example


def _command(words: Sequence[str], prefix: Sequence[str], packages: Path) -> list[str]:
    """Return a command line that can be run; the tests of a session share Node's packages."""
    interpreter, program, *arguments = words
    if interpreter == "node":
        return [interpreter, str(installed(program, packages)), *arguments]
    return [sys.executable, *prefix, program, *arguments]
