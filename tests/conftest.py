"""The real parts that tests share: Java, the jars, and an embedded broker for the session."""

import os
import uuid
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from gevent.monkey import is_module_patched
from headcount_analysis.spark.config import SessionConfig
from headcount_analysis.spark.jvm import class_path_files
from headcount_analysis.spark.session import open_session, sql
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession
from xdist.scheduler import LoadGroupScheduling

from headcount.console import Console
from headcount.errors import PartError
from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig
from headcount.stack.cache import cache_folder
from headcount.stack.jvm.cds_archive import ClassData
from headcount.stack.jvm.compilation_flags import QUICK_START
from headcount.stack.jvm.ivy import Fetcher
from headcount.stack.jvm.jars import broker_jars, connector_jars
from headcount.stack.jvm.java import Java, find_java
from tests.brokers import SharedBroker, described
from tests.needs import lacking
from tests.registries import registry_program, running_registry
from tests.sharing import shared

LONGEST_FIRST = ("scale", "bench", "faults", "e2e", "distributed", "headcount/plugin")
MOST_WORKERS, MOST_HEAVY = 5, 3
"""Workers for most tests, which wait half of their time, and for the heavy ones."""
SPARK = "spark"
"""The group of all tests that use the shared Spark session: one worker runs them, with one JVM."""

SECURED = "secured"
"""The group of all tests that use the secured broker, so that only one is started."""

_FOLDERS = pytest.StashKey[dict[Path, pytest.Collector | None]]()

NewBroker = Callable[..., Broker]
NewConfig = Callable[..., BrokerConfig]

# The duration of an example depends only on the machine.
settings.register_profile(
    "on a busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "on a busy machine"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Start workers, except for -k and a single file, which finish faster without."""
    named = [argument for argument in config.args if ".py" in argument]
    is_small = bool(config.option.keyword) or len(named) == len(config.args) == 1
    most = MOST_HEAVY if config.option.markexpr == "heavy" else MOST_WORKERS
    return 0 if is_small else most


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadGroupScheduling:
    """Give each worker complete files, and one worker all tests that need Spark."""
    return FileOrGroup(config, log)


class FileOrGroup(LoadGroupScheduling):  # type: ignore[misc]
    """Keeps the tests of a group together; without a group, those of a file."""

    def _split_scope(self, nodeid: str) -> str:
        group = str(super()._split_scope(nodeid))
        return group.split("::", maxsplit=1)[0]


@pytest.hookimpl(wrapper=True)
def pytest_collect_directory(
    path: Path, parent: pytest.Collector
) -> Generator[None, pytest.Collector | None, pytest.Collector | None]:
    """Keep one collector for each folder, because its fixtures belong to that collector.

    For each file that is named on the command line, pytest 9.1 collects the file's folder again.
    """
    collector = yield
    return parent.stash.setdefault(_FOLDERS, {}).setdefault(path, collector)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group the files that use Spark, run the longest folders first, and skip `root` without root.

    A long file that ran last would keep one worker busy while the others wait.
    """
    with_spark = {item.path for item in items if SPARK in getattr(item, "fixturenames", ())}
    for item in items:
        if item.path in with_spark:
            item.add_marker(pytest.mark.xdist_group(SPARK))
        elif SECURED in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(SECURED))
    prefixes = [f"tests/{folder}/" for folder in LONGEST_FIRST]

    def place(item: pytest.Item) -> int:
        if item.path in with_spark:
            return -1
        places = (n for n, prefix in enumerate(prefixes) if item.nodeid.startswith(prefix))
        return next(places, len(prefixes))

    items.sort(key=place)
    if os.geteuid() != 0:
        needs_root = pytest.mark.skip(reason="needs root; .ci/run runs it as root")
        for item in items:
            if item.get_closest_marker("root"):
                item.add_marker(needs_root)


def pytest_collection_finish() -> None:
    """Refuse tests that import Locust: its patches make Spark and the Kafka clients hang."""
    if is_module_patched("socket"):
        raise pytest.UsageError("a test imports Locust, which patches the standard library")


@pytest.fixture(scope="session")
def environ() -> dict[str, str]:
    """The environment of the parts that tests start."""
    return dict(os.environ)


@pytest.fixture(scope="session")
def cache(environ: dict[str, str]) -> Path:
    """The user's own cache, so that jars are fetched only once, not in every session."""
    return cache_folder(environ)


@pytest.fixture(scope="session")
def java(environ: dict[str, str], cache: Path) -> Java:
    """The Java runtime that a user would get."""
    return find_java(environ, cache)


@pytest.fixture(scope="session")
def fetcher(java: Java, cache: Path, environ: dict[str, str]) -> Fetcher:
    """The fetcher for `broker_jars` and `connector_jars`."""
    return Fetcher(java, cache, environ, Console(quiet=True))


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The temporary folder of the test run, which its workers share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def new_config(java: Java, fetcher: Fetcher, environ: dict[str, str], cache: Path) -> NewConfig:
    """Configures brokers; settings are given by name, with _ for each dot."""
    jars = tuple(broker_jars(fetcher))

    def configure(
        folder: Path, *, port: int = 0, java: Java = java, **settings: str
    ) -> BrokerConfig:
        named = {name.replace("_", "."): value for name, value in settings.items()}
        class_data = ClassData.of(cache, java.home, jars)
        return BrokerConfig(
            java, jars, folder, environ, port=port, settings=named, class_data=class_data
        )

    return configure


@pytest.fixture(scope="session")
def new_broker(
    new_config: NewConfig, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NewBroker]:
    """Starts separate brokers, for tests that stop or kill them."""
    started: list[Broker] = []

    def start(data_dir: Path | None = None, **options: Any) -> Broker:
        folder = data_dir or tmp_path_factory.mktemp("broker")
        started.append(Broker(new_config(folder, **options)))
        return started[-1]

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture(scope="session")
def broker(new_config: NewConfig, run_folder: Path) -> Iterator[Broker]:
    """One real embedded broker for the whole test run; a test must not stop it."""
    folder = run_folder / f"broker-{os.getpid()}"
    with shared(run_folder / "broker", lambda: described(new_config(folder))) as description:
        yield SharedBroker.of(description)


@pytest.fixture
def topic(broker: Broker) -> Iterator[str]:
    """A topic for the test, with 4 partitions."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    ensure_topic(broker.cluster, name, partitions=4, timeout_s=120)
    yield name
    # Code that searches all topics should search only those of running tests.
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.delete_topics([name])[name].exception(120)


@pytest.fixture(scope="session")
def registry(java: Java, fetcher: Fetcher, run_folder: Path) -> Iterator[str]:
    """The URL of one real schema registry for the whole test run."""
    try:
        registry_program(fetcher)
    except PartError as error:
        lacking(f"the schema registry cannot be fetched: {error}")
    folder = run_folder / f"registry-{os.getpid()}"
    with shared(run_folder / "registry", lambda: running_registry(java, fetcher, folder)) as url:
        yield url


@pytest.fixture(scope="session")
def spark(
    java: Java, fetcher: Fetcher, cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SparkSession]:
    """The one session of all tests: a process can have only one."""
    jars = connector_jars(fetcher)
    config = SessionConfig(
        java_home=java.home,
        connector_jars=jars,
        log_file=tmp_path_factory.mktemp("spark") / "spark.log",
        master="local[2]",
        heap="1g",
        shuffle_partitions=2,
        java_options=QUICK_START,
        class_data=ClassData.of(cache, java.home, (*class_path_files(), *jars)),
    )
    with open_session(config) as context:
        yield sql(context)
