"""What the application needs of a publisher, whoever implements it; and one without Kafka."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from headcount_service.publish.events import Event


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Where the broker has put an event."""

    partition: int
    offset: int


class EventPublisher(Protocol):
    """Where the application sends its events.

    Anything with these five methods can stand in for the real one, or around it.
    """

    def start(self) -> None:
        """Take up work; called once in each worker, after the fork and before the first request."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish one event, and return its place once it is acknowledged; None if none is told.

        Raises:
            NotPublished: the event is not in the topic, and never will be.
            OutcomeUnknown: it may be, or may still come to be.
        """

    def is_open(self) -> bool:
        """Whether `publish` would try; asks nobody."""

    def is_ready(self) -> bool:
        """Whether an event would be accepted now; asks the broker, for a bounded time."""

    def close(self) -> None:
        """Take no more events, see those taken to their end, and let go of everything."""


class Publication(Protocol):
    """An event that was handed over: what becomes of it is settled once, and later."""

    @property
    def deadline_s(self) -> float:
        """From when on its outcome counts as unknown, by the monotonic clock."""

    def when_settled(self, then: Callable[[], None]) -> None:
        """Call `then` once, in any thread, when the broker has acknowledged it, or it has failed.

        That may be never: a deadline that has passed settles it as well.
        """

    def place(self) -> RecordPosition | None:
        """Its place, as `EventPublisher.publish` returns it; waits if it is not settled.

        Raises:
            OutcomeUnknown: it may be in the topic, or may still come to be.
        """


@runtime_checkable
class DeferringPublisher(Protocol):
    """What a publisher can do that need not wait for the acknowledgement.

    One that cannot, such as one around another, is asked to `publish`, in a thread that waits.
    """

    def hand_over(self, event: Event, key: str | None) -> Publication:
        """Begin to publish an event.

        Raises:
            NotPublished: the event is not in the topic, and never will be.
            OutcomeUnknown: it may be, or may still come to be.
        """


class NoPublisher:
    """Publishes nothing and is always ready: the service alone, without Kafka, for comparison."""

    def start(self) -> None:
        """Nothing to take up."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:  # noqa: ARG002
        """Drop the event."""
        return None

    def is_open(self) -> bool:
        """Nothing can be missing."""
        return True

    def is_ready(self) -> bool:
        """Nothing can be missing."""
        return True

    def close(self) -> None:
        """Nothing to let go of."""
