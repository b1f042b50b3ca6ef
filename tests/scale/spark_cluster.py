"""A Spark standalone cluster for a test: a master and workers, from pyspark's own jars."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyspark

from headcount.stack.jvm.compilation_flags import QUICK_START
from headcount.stack.jvm.java import Java
from headcount.stack.process import Process, wait_until

HOST = "127.0.0.1"
START_DEADLINE_S = 180.0
WORKER_MEMORY = "1g"
_ADDRESS = re.compile(r"Starting Spark master at (spark://[\d.]+:\d+)")
_REGISTERED = re.compile(r"Registering worker (\S+)")  # a worker may register again
_LOGGING = """\
rootLogger.level = info
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
"""


@contextlib.contextmanager
def spark_cluster(
    java: Java, folder: Path, environ: Mapping[str, str], workers: int
) -> Iterator[str]:
    """Run a cluster for the block; yield the master's URL."""
    folder.mkdir()
    logging = folder / "log4j2.properties"
    logging.write_text(_LOGGING)
    own = {
        **environ,
        "JAVA_HOME": str(java.home),
        "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_LOCAL_IP": HOST,
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": " ".join((f"-Dlog4j2.configurationFile={logging}", *QUICK_START)),
    }
    log = folder / "master.log"
    port = ("--port", "0", "--webui-port", "0", "--host", HOST)
    with contextlib.ExitStack() as stack:
        master = stack.enter_context(_daemon("master.Master", *port, log=log, environ=own))
        wait_until(
            lambda: bool(_ADDRESS.search(_log_text(log))),
            START_DEADLINE_S,
            "the master is up",
            master,
        )
        address = _ADDRESS.search(_log_text(log))
        assert address is not None
        size = ("--cores", "1", "--memory", WORKER_MEMORY)
        for number in range(workers):
            own_log = folder / f"worker-{number}.log"
            daemon = _daemon("worker.Worker", *port, *size, address[1], log=own_log, environ=own)
            stack.enter_context(daemon)
        wait_until(
            lambda: len(set(_REGISTERED.findall(_log_text(log)))) == workers,
            START_DEADLINE_S,
            "every worker is registered",
            master,
        )
        yield address[1]


def executors(folder: Path) -> list[Path]:
    """The working folders of the executors of the cluster's latest application."""
    latest = max((folder / "work").glob("app-*"))
    return sorted(latest.iterdir())


def _daemon(name: str, *arguments: str, log: Path, environ: Mapping[str, str]) -> Process:
    program = Path(environ["SPARK_HOME"]) / "bin" / "spark-class"
    command = [str(program), f"org.apache.spark.deploy.{name}", *arguments]
    return Process(f"Spark's {name}", command, log_path=log, environ=environ)


def _log_text(log: Path) -> str:
    return log.read_text(errors="replace") if log.exists() else ""
