"""The real parts that tests share: Java, the jars, and an embedded broker for the session."""

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from gevent.monkey import is_module_patched
from hypothesis import HealthCheck, settings

from headcount.console import Console
from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig
from headcount.stack.cache import cache_folder
from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.jvm.ivy import Fetcher
from headcount.stack.jvm.jars import broker_jars
from headcount.stack.jvm.java import Java, find_java

LONGEST_FIRST = ("scale", "bench", "faults", "headcount/plugin", "e2e", "distributed")
NewBroker = Callable[..., Broker]

# How long an example takes says something about the machine alone.
settings.register_profile(
    "on a busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "on a busy machine"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose tests take longest, so that nobody waits for them in the end.

    Skip what needs root without it.
    """
    prefixes = [f"tests/{folder}/" for folder in LONGEST_FIRST]

    def place(item: pytest.Item) -> int:
        found = (number for number, each in enumerate(prefixes) if item.nodeid.startswith(each))
        return next(found, len(prefixes))

    items.sort(key=place)
    if os.geteuid() != 0:
        needs_root = pytest.mark.skip(reason="it needs root, as which .ci/run runs it")
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(needs_root)


def pytest_collection_finish() -> None:
    """Locust is imported in processes of its own: Spark and the clients hang where it patched."""
    if is_module_patched("socket"):
        raise pytest.UsageError("a test imports Locust, which patches the standard library")


@pytest.fixture(scope="session")
def environ() -> dict[str, str]:
    """The environment of the parts that tests start."""
    return dict(os.environ)


@pytest.fixture(scope="session")
def cache(environ: dict[str, str]) -> Path:
    """The user's own cache: the jars are fetched once, not once a session."""
    return cache_folder(environ)


@pytest.fixture(scope="session")
def java(environ: dict[str, str], cache: Path) -> Java:
    """The runtime that a user would get."""
    return find_java(environ, cache)


@pytest.fixture(scope="session")
def fetcher(java: Java, cache: Path, environ: dict[str, str]) -> Fetcher:
    """What `broker_jars` and `connector_jars` take."""
    return Fetcher(java, cache, environ, Console(quiet=True))


@pytest.fixture(scope="session")
def new_broker(
    java: Java,
    fetcher: Fetcher,
    environ: dict[str, str],
    cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[NewBroker]:
    """Starts brokers of a test's own, for those that stop or kill them."""
    jars = tuple(broker_jars(fetcher))
    started: list[Broker] = []

    def start(
        data_dir: Path | None = None, *, port: int = 0, java: Java = java, **settings: str
    ) -> Broker:
        folder = data_dir or tmp_path_factory.mktemp("broker")
        named = {name.replace("_", "."): value for name, value in settings.items()}
        class_data = ClassData.of(cache, java.home, jars)
        config = BrokerConfig(
            java, jars, folder, environ, port=port, settings=named, class_data=class_data
        )
        started.append(Broker(config))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture(scope="session")
def broker(new_broker: NewBroker) -> Broker:
    """One real embedded broker for the session; a test must not stop it."""
    return new_broker()


@pytest.fixture
def topic(broker: Broker) -> str:
    """A topic of the test's own, with 4 partitions."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    ensure_topic(broker.bootstrap_servers, name, partitions=4, timeout_s=120)
    return name
