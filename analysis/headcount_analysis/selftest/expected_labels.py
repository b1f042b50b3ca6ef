"""Expected labels: how each fault must be reported for messages in a style."""

from collections.abc import Sequence
from dataclasses import dataclass

from headcount.run.id_location import LocationKind
from headcount_analysis.messages.kinds import MessageKind
from headcount_analysis.selftest.faults import EXPECTED, JOINED, Fault, label
from headcount_analysis.selftest.message_writer import MessageWriter


@dataclass(frozen=True, slots=True)
class ExpectedLabels:
    """Which faults a writer's messages can have, and how the verifier must report each."""

    writer: MessageWriter

    @property
    def faults(self) -> Sequence[Fault]:
        """The faults that such messages can have."""
        if self.writer.encoder.breaks:
            return tuple(Fault)
        missing = {Fault.UNPARSEABLE}
        if not self.writer.location.is_in_headers:
            missing.add(Fault.GARBLED)
        return tuple(fault for fault in Fault if fault not in missing)

    def label(self, fault: Fault) -> str:
        """Return the label that the verifier must report."""
        if fault == Fault.TOMBSTONE:
            return label(MessageKind(self.writer.encoder.tombstone))
        unseen = set()
        if not self.writer.encoder.compares_content:
            unseen.add("corrupted")
        if self.writer.location.kind is LocationKind.KEY:
            # Only events with the same key have an order, and here each event's key is its own id.
            unseen.add("reordered")
        name, *flags = EXPECTED[fault].split(JOINED)
        return label(name, [flag for flag in flags if flag not in unseen])
