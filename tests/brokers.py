"""Brokers of a cluster, which vote: none of them is up before the others."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig


def started_together(configs: Sequence[BrokerConfig], stack: ExitStack) -> tuple[Broker, ...]:
    """Start one for each, and have the stack kill it, whatever becomes of the others."""

    def start(config: BrokerConfig) -> Broker:
        broker = Broker(config)
        stack.callback(broker.kill)
        return broker

    with ThreadPoolExecutor(len(configs)) as pool:
        return tuple(pool.map(start, configs))
