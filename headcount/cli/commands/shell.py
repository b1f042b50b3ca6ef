"""`headcount shell`: a pyspark shell that can read Kafka, with the Java and jars of the runs."""

import os
import sys
import tempfile
from pathlib import Path

from headcount_analysis.spark.config import socket_settings

from headcount.cli.options.groups import grouped_command
from headcount.cli.options.pass_through import PassThrough
from headcount.cli.platform import platform
from headcount.console import Console

_EXAMPLES = """
\b
Example:
  headcount shell
  >>> spark.read.format("kafka").option("kafka.bootstrap.servers", "127.0.0.1:9092") \\
  ...     .option("subscribe", "events").load().count()
"""


@grouped_command(cls=PassThrough, epilog=_EXAMPLES)
def shell(extra: tuple[str, ...]) -> None:
    """Open a pyspark shell that can read Kafka."""
    ready = platform(dict(os.environ), Console())
    class_path = os.pathsep.join(str(jar) for jar in ready.connector_jars)
    environ = {
        **ready.environ,
        "JAVA_HOME": str(ready.java.home),
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON_OPTS": "-i",  # so that commands on stdin find the session, too
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    program = str(Path(sys.executable).with_name("pyspark"))
    settings = {"spark.ui.enabled": "false", **socket_settings(Path(tempfile.gettempdir()))}
    chosen = [part for pair in settings.items() for part in ("--conf", "=".join(pair))]
    command = [program, "--driver-class-path", class_path, *chosen, *extra]
    os.execve(program, command, environ)  # noqa: S606 - it replaces this process
