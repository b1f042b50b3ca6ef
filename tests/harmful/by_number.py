"""The game API with a publisher that injects FAULTS by sequence number: `drop@7,duplicate@8`."""

import os
from collections.abc import Callable

from headcount_service.app import create_app
from headcount_service.errors import NotPublished
from headcount_service.publish.events import Event
from headcount_service.publish.protocols import EventPublisher, RecordPosition
from headcount_service.publish.publisher import make_publisher
from headcount_service.settings import load_settings

from tests.harmful.proxy import Proxy

ID = "X-Event-Id"


class FaultyPublisher(Proxy):
    """Publishes through another publisher, and injects faults by sequence number."""

    def __init__(self, real: EventPublisher, faults: str) -> None:
        super().__init__(real)
        self._faults: dict[str, Callable[[Event, str | None], RecordPosition | None]] = {}
        for fault in faults.split(","):
            name, _, seq = fault.partition("@")
            self._faults[seq] = getattr(self, f"_{name}")

    def publish(self, event: Event, key: str | None) -> RecordPosition | None:
        """Publish, or inject the fault for this sequence number."""
        seq = str(event.get(ID, "")).rpartition(".")[2]
        return self._faults.get(seq, self.real.publish)(event, key)

    def _drop(self, _event: Event, _key: str | None) -> RecordPosition | None:
        """Acknowledge without publishing."""
        return None

    def _duplicate(self, event: Event, key: str | None) -> RecordPosition | None:
        self.real.publish(event, key)
        return self.real.publish(event, key)

    def _accept_twice(self, event: Event, key: str | None) -> RecordPosition | None:
        self.real.publish({**event, "receipt": "another"}, key)
        return self.real.publish(event, key)

    def _alter(self, event: Event, key: str | None) -> RecordPosition | None:
        return self.real.publish({**event, "event_type": "sell_sword"}, key)

    def _misplace(self, event: Event, key: str | None) -> RecordPosition | None:
        place = self.real.publish(event, key)
        return place and RecordPosition(place.partition, place.offset + 1_000_000)

    def _invent(self, event: Event, key: str | None) -> RecordPosition | None:
        run_and_generator = str(event[ID]).rpartition(".")[0]
        self.real.publish({**event, ID: f"{run_and_generator}.999999"}, key)
        return self.real.publish(event, key)

    def _refuse(self, event: Event, key: str | None) -> RecordPosition | None:
        self.real.publish(event, key)
        raise NotPublished("although it is published")

    def _crash(self, event: Event, key: str | None) -> RecordPosition | None:
        self.real.publish(event, key)
        raise RuntimeError("after publishing")

    def _add_foreign(self, event: Event, key: str | None) -> RecordPosition | None:
        self.real.publish({"event_type": "default"}, None)
        self.real.publish({**event, ID: "another-run.0.1"}, key)
        return self.real.publish(event, key)


_settings = load_settings()
app = create_app(_settings, FaultyPublisher(make_publisher(_settings), os.environ["FAULTS"]))
