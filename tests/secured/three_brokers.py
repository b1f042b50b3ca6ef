"""Three secured brokers, each of which can be lost and come back."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from headcount.cli.platform import Platform
from headcount.errors import PartError
from headcount.kafka import topic
from headcount.kafka.client import connected
from headcount.kafka.cluster import Cluster
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig, Membership
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.process import wait_until
from headcount.stack.secure_listener import SecureListener, secure_listener
from tests.brokers import started_together

COUNT = 3
DEADLINE_S = 300.0
_SMALL = ("-Xms64m", "-Xmx256m")


@dataclass(frozen=True, slots=True)
class ThreeBrokers:
    """The brokers, their secure addresses, and the settings of a client.

    `plain` has their plaintext listeners. `stack` kills every broker that has been started.
    """

    brokers: list[Broker]
    plain: Cluster
    secure_servers: str
    client_file: Path
    stack: ExitStack

    @property
    def password(self) -> str:
        """The password of the settings of a client."""
        lines = dict(each.split("=", 1) for each in self.client_file.read_text().splitlines())
        return lines["sasl.password"]

    def leader(self, name: str) -> int:
        """The index of the broker that leads partition 0 of a topic; -1 if none does."""
        first = next(each for each in self._partitions(name) if each["partition_index"] == 0)
        return int(first["leader_id"]) - 1 if first["leader_id"] > 0 else -1

    def lose_leader(self, name: str) -> int:
        """Kill the broker that leads partition 0; return its index."""
        index = self.leader(name)
        self.brokers[index].kill()
        return index

    def restart(self, index: int, name: str) -> None:
        """Restart a broker, and wait until all brokers have all messages of a topic."""
        self.brokers[index] = Broker(replace(self.brokers[index].config))
        self.stack.callback(self.brokers[index].kill)
        wait_until(lambda: self._is_in_sync(name), DEADLINE_S, "all brokers are in sync")

    def messages(self, name: str) -> int:
        """Count the messages in a topic; 0 while it cannot be asked."""
        try:
            return sum(topic.end_offsets(self.plain, name).values())
        except PartError:
            return 0

    def _is_in_sync(self, name: str) -> bool:
        return all(len(each["isr_nodes"]) == COUNT for each in self._partitions(name))

    def _partitions(self, name: str) -> list[dict[str, Any]]:
        with connected(self.plain, DEADLINE_S, "describe the topic") as client:
            (described,) = client.describe_topics([name])
        return list(described["partitions"])


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
        yield ThreeBrokers(list(brokers), plain, servers, listeners[0].client_file, stack)
