"""The service's own errors.

ServiceError
├── SettingsError       an environment variable is invalid; one line per variable
├── CatalogueError      the catalogue's file is invalid
├── DatabaseError       the game's database cannot be used
├── RequestError        the client must change the request; nothing was published
│   └── Refused         the rules of the game forbid it; nothing was changed
└── PublishError        an event was not acknowledged
    ├── NotPublished    the event is provably not in the topic and never will be
    │   └── RecordTooLarge  the event is larger than the settings allow
    └── OutcomeUnknown  the event may be in the topic, or may still be published

Clients rely on the distinction between the two kinds of PublishError: a 503 promises that the event
is not in the topic, a 504 promises nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass


class ServiceError(Exception):
    """Base of the service's errors."""


class SettingsError(ServiceError):
    """Settings in the environment are invalid; the message has a line for each."""


class CatalogueError(ServiceError):
    """The catalogue's file is invalid; the message names each place and what is wrong there."""


@dataclass(frozen=True, slots=True)
class InvalidParameter:
    """An invalid request parameter: its name, its value and the rule it breaks."""

    name: str
    value: str
    rule: str


class RequestError(ServiceError):
    """The request is invalid; `status` is the HTTP status of the response."""

    def __init__(self, status: int, detail: str, faults: tuple[InvalidParameter, ...] = ()) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = faults


class DatabaseError(ServiceError):
    """The database cannot be reached or changed, or another version of the service created it."""


class Refused(RequestError):  # noqa: N818 - a normal outcome of the game
    """The request is well-formed, but the game's state or rules forbid it."""


class PublishError(ServiceError):
    """An event was not acknowledged by the broker."""


class NotPublished(PublishError):  # noqa: N818 - it states an outcome, and not every outcome is an error
    """The event is not in the topic and never will be: the producer did not get it."""


class RecordTooLarge(NotPublished):
    """The event is larger than the settings allow."""


class OutcomeUnknown(PublishError):  # noqa: N818 - as above
    """The event may be in the topic, or may still be published.

    Either the producer got the event and no acknowledgement came, or the database did not confirm
    the commit that stores the event, or another worker has taken the event over.

    `is_over`, if set, returns whether this process can no longer send the event.
    """

    def __init__(self, message: str = "", is_over: Callable[[], bool] | None = None) -> None:
        super().__init__(message)
        self.is_over = is_over
