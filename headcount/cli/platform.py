"""The platform that commands use on this machine: Java, and the jars that it runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from headcount.console import Console
from headcount.installation import check_installed
from headcount.stack.cache import cache_folder
from headcount.stack.jvm.ivy import Fetcher
from headcount.stack.jvm.jars import broker_jars, connector_jars, object_store_jars
from headcount.stack.jvm.java import Java, find_java


@dataclass(frozen=True, slots=True)
class Platform:
    """What a command runs on: Java, its jars, the environment and the console."""

    java: Java
    broker_jars: tuple[Path, ...]
    connector_jars: tuple[Path, ...]
    environ: Mapping[str, str]
    console: Console

    def object_store_jars(self) -> tuple[Path, ...]:
        """Fetch the jars that Spark needs to reach an object store; most runs need none."""
        cache = cache_folder(self.environ)
        return tuple(object_store_jars(Fetcher(self.java, cache, self.environ, self.console)))


def platform(environ: Mapping[str, str], console: Console) -> Platform:
    """Check the packages, find Java, fetch missing jars. PartError says what is unavailable."""
    check_installed()
    cache = cache_folder(environ)
    java = find_java(environ, cache, console.remark)
    fetcher = Fetcher(java, cache, environ, console)
    jars = tuple(broker_jars(fetcher)), tuple(connector_jars(fetcher))
    return Platform(java, *jars, environ, console)
