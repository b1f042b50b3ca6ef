"""The service's own errors.

ServiceError
├── SettingsError       the environment asks for something that cannot be; a line per bad setting
├── DatabaseError       the game's database cannot be used as it is
├── RequestError        the client's to mend; becomes a problem response, and publishes nothing
│   └── Refused         the rules of the game, or its state, say no; nothing is changed
└── PublishError        an event was not acknowledged
    ├── NotPublished    provably not in the topic, now or later
    │   └── RecordTooLarge  because it is larger than the settings allow
    └── OutcomeUnknown  it may be in the topic, or may still come to be

The line between the two kinds of PublishError is what a client builds on: a 503 promises that the
event is not in the topic, a 504 promises nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass


class ServiceError(Exception):
    """Base of every error that the service raises on purpose."""


class SettingsError(ServiceError):
    """The environment holds bad settings; the message has one line for each."""


@dataclass(frozen=True, slots=True)
class InvalidParameter:
    """One thing wrong with a request: which parameter, what it held, and the rule it broke."""

    name: str
    value: str
    rule: str


class RequestError(ServiceError):
    """The request cannot be answered as asked; `status` is the HTTP status that says so."""

    def __init__(self, status: int, detail: str, faults: tuple[InvalidParameter, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = faults


class DatabaseError(ServiceError):
    """The database cannot be reached or changed, or is not of this version."""


class Refused(RequestError):  # noqa: N818 - no error of anybody's: the game goes on
    """What was asked for is well-formed, and cannot be done as things stand."""


class PublishError(ServiceError):
    """An event was not acknowledged by the broker."""


class NotPublished(PublishError):  # noqa: N818 - it states an outcome, and not every outcome is an error
    """The event is not in the topic and never will be: nothing of it was handed to the producer."""


class RecordTooLarge(NotPublished):
    """The event is larger than the settings allow."""


class OutcomeUnknown(PublishError):  # noqa: N818 - as above
    """The event was handed to the producer, and no acknowledgement came. It may be in the topic.

    `is_over` tells, where that is known, whether this process sends nothing more of it.
    """

    def __init__(self, message: str = "", is_over: Callable[[], bool] | None = None) -> None:
        super().__init__(message)
        self.is_over = is_over
