"""One secured broker for all tests of the folder."""

from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined] # it re-exports it

from tests.conftest import NewConfig
from tests.secured.broker import SecuredBroker, secured_broker

TOPIC = "orders"


@pytest.fixture(scope="session")
def secured(
    new_config: NewConfig, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SecuredBroker]:
    """The broker; its users may read, write and describe the topic `orders`, and no more."""
    with secured_broker(new_config, tmp_path_factory.mktemp("secured")) as broker:
        broker.allow(TOPIC, (AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE))
        yield broker
