"""The interface between the application and its publisher; and a publisher without Kafka."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from headcount_service.publish.events import Event


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """An event's partition and offset in the topic."""

    partition: int
    offset: int


class EventPublisher(Protocol):
    """Publishes the application's events.

    Any class with these five methods can replace the real publisher, or wrap it.
    """

    def start(self) -> None:
        """Start; called once in each worker, after the fork and before the first request."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish an event; once acknowledged, return its place, or None if its place is unknown.

        Raises:
            NotPublished: The event is not in the topic and never will be.
            OutcomeUnknown: The event may be in the topic, or may still be published.
        """

    def is_open(self) -> bool:
        """Return whether `publish` would try to publish; does not ask the broker."""

    def is_ready(self) -> bool:
        """Return whether the broker would accept an event now; asks it, with a time-out."""

    def close(self) -> None:
        """Refuse new events, wait for the outcomes of the others, and release all resources."""


class Publication(Protocol):
    """An event that the producer has taken; it settles once, by success or failure."""

    @property
    def deadline_s(self) -> float:
        """When its outcome becomes unknown, by the monotonic clock."""

    def when_settled(self, then: Callable[[], None]) -> None:
        """Call `then` once, in any thread, when the event is acknowledged or has failed.

        This may never happen: check `deadline_s` as well.
        """

    def place(self) -> RecordPosition | None:
        """Wait until the event settles, at most until `deadline_s`; return its place, or None.

        Raises:
            OutcomeUnknown: The event may be in the topic, or may still be published.
        """


@runtime_checkable
class DeferringPublisher(Protocol):
    """A publisher that can also hand over an event without waiting for the acknowledgement.

    For other publishers, such as wrappers, the service calls `publish` in a thread that waits.
    """

    def hand_over(self, event: Event, key: str | None) -> Publication:
        """Start to publish an event.

        Raises:
            NotPublished: The event is not in the topic and never will be.
            OutcomeUnknown: The event may be in the topic, or may still be published.
        """


class NoPublisher:
    """Publishes nothing and is always ready; to measure the service without Kafka."""

    def start(self) -> None:
        """Do nothing."""

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:  # noqa: ARG002
        """Drop the event."""
        return None

    def is_open(self) -> bool:
        """Return True."""
        return True

    def is_ready(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Do nothing."""
