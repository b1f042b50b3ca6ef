"""Three secured brokers, each of which can be lost and come back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from headcount.cli.platform import Platform
from headcount.kafka.cluster import Cluster
from headcount.kafka.reading_guarantees import consumer_settings
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig, Membership
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import wait_until
from headcount.stack.secure_listener import SecureListener, secure_listener
from tests.brokers import started_together

COUNT = 3
DEADLINE_S = 300.0
TIMEOUT_S = 5.0
_SMALL = ("-Xms64m", "-Xmx256m")


@dataclass(frozen=True, slots=True)
class ThreeBrokers:
    """The brokers, their secure addresses, and the settings of a client.

    `plain` has their plaintext listeners, which `client` uses. `stack` kills every broker that has
    been started.
    """

    brokers: list[Broker]
    plain: Cluster
    client: Consumer
    secure_servers: str
    client_file: Path
    stack: ExitStack

    @property
    def password(self) -> str:
        """The password of the settings of a client."""
        lines = dict(line.split("=", 1) for line in self.client_file.read_text().splitlines())
        return lines["sasl.password"]

    def lose_leader(self, name: str) -> int:
        """Kill the broker that leads partition 0 of a topic; return its index."""
        wait_until(lambda: self._partition(name).leader > 0, DEADLINE_S, "there is a leader")
        index = int(self._partition(name).leader) - 1
        self.brokers[index].kill()
        return index

    def restart(self, index: int, name: str) -> None:
        """Restart a broker, and wait until it has all messages of partition 0 of a topic."""
        self.brokers[index] = Broker(self.brokers[index].config)
        self.stack.callback(self.brokers[index].kill)
        in_sync = "all brokers are in sync"
        wait_until(lambda: len(self._partition(name).isrs) == COUNT, DEADLINE_S, in_sync)

    def end(self, name: str) -> int:
        """Return where partition 0 of a topic ends; 0 while that is not known."""
        try:
            place = TopicPartition(name, 0)
            _, end = self.client.get_watermark_offsets(place, TIMEOUT_S)
        except KafkaException:
            return 0
        return int(end)

    def _partition(self, name: str) -> Any:
        return self.client.list_topics(name, DEADLINE_S).topics[name].partitions[0]


@contextmanager
def three_brokers(folder: Path, ready: Platform) -> Iterator[ThreeBrokers]:
    """Run the brokers for the block."""
    with ExitStack() as stack:
        certificates = stack.enter_context(secure_listener()).folder
        members = Membership.of_cluster(COUNT)
        listeners = [SecureListener(certificates, free_port()) for _ in members]
        configs = [
            BrokerConfig(
                *(ready.java, ready.broker_jars, folder / f"broker-{member.index}"),
                environ=ready.environ,
                membership=member,
                settings=listener.broker_settings(member),
                jvm_options=_SMALL,
            )
            for member, listener in zip(members, listeners, strict=True)
        ]
        brokers = started_together(configs, stack)
        listeners[0].add_user(brokers[0])
        plain = Cluster(",".join(broker.bootstrap_servers for broker in brokers))
        servers = ",".join(f"{LOOPBACK}:{listener.port}" for listener in listeners)
        client = Consumer(consumer_settings(plain, {"log_level": 0}))
        stack.callback(client.close)
        file = listeners[0].client_file
        yield ThreeBrokers(list(brokers), plain, client, servers, file, stack)
