"""The shortfall: traffic that a scenario intended, but that was not made or not accounted for.

A task that raised, a user that ended in `on_start`, a request without `event=`: the events that
they would have caused are in no ledger, so none of them can be lost. Each generator writes
`shortfall.json` beside its health, and rewrites it every few seconds and when it seals. It is not
evidence of delivery, and never fails a run; it says what a verdict does not cover.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

import pyarrow.fs as pafs
from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass as validated

from headcount.ledger.side_file import SideFile
from headcount.noun_counts import number

FORMAT = 1
MOST_ERRORS = 20
"""The number of different errors that are kept; the others are counted together, by stage."""
_OTHER_KINDS = "errors of other kinds"

_LONGEST = 300


class Stage(StrEnum):
    """The part of a user's life that an error ended."""

    TASK = "task"
    ON_START = "on_start"
    ON_STOP = "on_stop"


@validated(frozen=True, slots=True)
class ScenarioError:
    """Errors of one type at one place of the scenario; `message` and `place` are the first's."""

    stage: Stage
    message: str
    place: str
    count: int = Field(ge=1, lt=1 << 53)

    @property
    def sentence(self) -> str:
        """A sentence that says how many tasks or users these errors ended, and where."""
        first = f" (first in {self.place})" if self.place else ""
        if self.stage is Stage.TASK:
            tasks = number(self.count, "task")
            return f"{tasks} ended with {self.message}{first}"
        users = number(self.count, "user")
        if self.stage is Stage.ON_START:
            return f"{users} ended in on_start with {self.message}{first}, and made no requests"
        return f"{users} ended in on_stop with {self.message}{first}"


@validated(frozen=True, slots=True)
class Shortfall:
    """The traffic that one generator did not make, or did not account for.

    `without_event` counts requests of LedgerUsers without an event. `other_users` names the user
    classes that are not LedgerUsers, `unmixed_users` those without a task in `--mix`. `refused`
    says which event stopped the run because it cannot be compared; empty if none did. With
    `--rate`, `users` counts the LedgerUsers that started, `ended_users` counts those of them that
    ended by themselves, and `userless` counts the arrivals that were dropped because these were
    gone.
    """

    errors: tuple[ScenarioError, ...] = Field(default=(), max_length=MOST_ERRORS + len(Stage))
    without_event: int = Field(default=0, ge=0, lt=1 << 53)
    other_users: tuple[str, ...] = ()
    unmixed_users: tuple[str, ...] = ()
    refused: str = ""
    users: int = Field(default=0, ge=0, lt=1 << 53)
    ended_users: int = Field(default=0, ge=0, lt=1 << 53)
    userless: int = Field(default=0, ge=0, lt=1 << 53)
    format: int = Field(default=FORMAT, ge=FORMAT, le=FORMAT)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a reader of the verdict should know, most important first."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        yield from (error.sentence for error in self.errors)
        if self.userless:
            yield (
                f"{self.ended_users:,} of {number(self.users, 'user')} ended by themselves, with "
                f"StopUser or an exception, so {number(self.userless, 'arrival')} found no free "
                "user and did not start: keep the users running, or start more (--users)"
            )
        if self.without_event:
            verb = "is" if self.without_event == 1 else "are"
            made = number(self.without_event, "request")
            yield f"{made} passed no event= and {verb} not accounted for"
        if self.other_users:
            yield (
                f"requests of {', '.join(self.other_users)} are not accounted for: derive these "
                "classes from headcount.plugin.LedgerUser, and pass event= with each request"
            )
        if self.unmixed_users:
            yield (
                f"--mix names no task of {', '.join(self.unmixed_users)}, whose tasks ran with "
                "their own weights: add tasks of each of these classes to --mix, or run only the "
                "other user classes: put their names at the end of the command line (headcount "
                "run: after --)"
            )


FILE = SideFile("shortfall.json", TypeAdapter(Shortfall))


@dataclass(slots=True)
class Counter:
    """Counts a shortfall as it happens."""

    without_event: int = 0
    other_users: tuple[str, ...] = ()
    unmixed_users: tuple[str, ...] = ()
    refused: str = ""
    users: int = 0
    ended_users: int = 0
    userless: int = 0
    _errors: dict[tuple[Stage, str, str], ScenarioError] = field(default_factory=dict)
    _kinds: int = 0

    def add(self, stage: Stage, error: BaseException, place: str) -> None:
        """Count an error of the scenario."""
        kind = type(error).__name__
        message = _writable(f"{kind}: {error}")
        if self._kinds >= MOST_ERRORS and (stage, kind, place) not in self._errors:
            kind, place, message = "", "", _OTHER_KINDS
        key = stage, kind, place
        before = self._errors.get(key)
        if before is None:
            self._kinds += bool(kind)
            self._errors[key] = ScenarioError(stage, message, place, 1)
        else:
            self._errors[key] = replace(before, count=before.count + 1)

    @property
    def shortfall(self) -> Shortfall:
        """The shortfall until now."""
        errors = tuple(self._errors.values())
        return Shortfall(
            _ordered(errors),
            self.without_event,
            self.other_users,
            self.unmixed_users,
            self.refused,
            self.users,
            self.ended_users,
            self.userless,
        )


def merged(shortfalls: Iterable[Shortfall]) -> Shortfall:
    """Merge the shortfalls of several generators."""
    errors: list[ScenarioError] = []
    without_event, refused = 0, ""
    users = ended_users = userless = 0
    other: dict[str, None] = {}
    unmixed: dict[str, None] = {}
    for shortfall in shortfalls:
        without_event += shortfall.without_event
        refused = refused or shortfall.refused
        users += shortfall.users
        ended_users += shortfall.ended_users
        userless += shortfall.userless
        other |= dict.fromkeys(shortfall.other_users)
        unmixed |= dict.fromkeys(shortfall.unmixed_users)
        errors += shortfall.errors
    kept = _bounded(errors)
    names = tuple(other), tuple(unmixed)
    return Shortfall(kept, without_event, *names, refused, users, ended_users, userless)


def read_shortfall(filesystem: pafs.FileSystem, location: str, generator: int) -> Shortfall:
    """Read a generator's shortfall from a ledger; an empty one if unknown."""
    return FILE.read(filesystem, location, generator) or Shortfall()


def _writable(text: str) -> str:
    """Shorten a text to one line, and replace what UTF-8 cannot encode."""
    line = " ".join(text.split())
    return line[:_LONGEST].encode(errors="replace").decode()


def _bounded(errors: Iterable[ScenarioError]) -> tuple[ScenarioError, ...]:
    """Keep the most frequent kinds of errors; count the others together, by stage."""
    added = _ordered(_added_up(errors))
    kinds = [error for error in added if error.message != _OTHER_KINDS]
    others = [error for error in added if error.message == _OTHER_KINDS]
    others += (replace(error, message=_OTHER_KINDS, place="") for error in kinds[MOST_ERRORS:])
    return _ordered((*kinds[:MOST_ERRORS], *_added_up(others)))


def _added_up(errors: Iterable[ScenarioError]) -> Iterable[ScenarioError]:
    """Add up the errors of the same stage, type and place; keep the message of the first."""
    kinds: dict[tuple[Stage, str, str], ScenarioError] = {}
    for error in errors:
        key = error.stage, error.message.partition(":")[0], error.place
        before = kinds.get(key)
        kinds[key] = error if before is None else replace(before, count=before.count + error.count)
    return kinds.values()


def _ordered(errors: Iterable[ScenarioError]) -> tuple[ScenarioError, ...]:
    return tuple(sorted(errors, key=lambda error: -error.count))
