"""The cluster under test: where it is, and how to connect to it."""

from dataclasses import dataclass, field

from headcount.kafka_settings.settings import PLAINTEXT, KafkaSettings


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster: `bootstrap_servers` as host:port, with commas between them, and its settings.

    The settings may contain secrets, so neither `str` nor `repr` shows them.
    """

    bootstrap_servers: str
    settings: KafkaSettings = field(default=PLAINTEXT, repr=False)

    def __str__(self) -> str:
        """The servers, for messages."""
        return self.bootstrap_servers
