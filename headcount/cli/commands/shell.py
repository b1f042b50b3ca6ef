"""`headcount shell`: a pyspark shell that can read Kafka, with the Java and jars of the runs."""

import os
import sys
import tempfile
from pathlib import Path

from headcount_analysis.spark.config import socket_settings

from headcount.cli.options.groups import grouped_command
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.pass_through import PassThrough
from headcount.cli.platform import platform
from headcount.console import Console
from headcount.kafka_settings import java

_EXAMPLES = """
\b
Example:
  headcount shell
  >>> spark.read.format("kafka").option("kafka.bootstrap.servers", "127.0.0.1:9092") \\
  ...     .option("subscribe", "events").load().count()
  headcount shell --kafka-config client.properties         a cluster with TLS and login
  >>> from headcount.kafka_settings import config_file, java
  >>> options = java.spark_options(config_file.from_environment(os.environ))
  >>> spark.read.format("kafka").options(**options, subscribe="events").load().count()
"""


@grouped_command(cls=PassThrough, epilog=_EXAMPLES)
@with_kafka_options
def shell(*, kafka_options: KafkaOptions, extra: tuple[str, ...]) -> None:
    """Open a pyspark shell that can read Kafka."""
    java.check_supported(kafka_options.settings)
    java_options = java.jvm_options(kafka_options.settings)
    ready = platform({**os.environ, **kafka_options.environ}, Console())
    class_path = os.pathsep.join(str(jar) for jar in ready.connector_jars)
    environ = {
        **ready.environ,
        "JAVA_HOME": str(ready.java.home),
        "PYSPARK_PYTHON": sys.executable,
        # With -i, Python runs pyspark's start-up script, which creates `spark`, even if stdin is a
        # pipe.
        "PYSPARK_DRIVER_PYTHON_OPTS": "-i",
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    program = str(Path(sys.executable).with_name("pyspark"))
    settings = {"spark.ui.enabled": "false", **socket_settings(Path(tempfile.gettempdir()))}
    if java_options:
        settings["spark.driver.extraJavaOptions"] = " ".join(java_options)
    chosen = [part for pair in settings.items() for part in ("--conf", "=".join(pair))]
    command = [program, "--driver-class-path", class_path, *chosen, *extra]
    os.execve(program, command, environ)  # noqa: S606 - it replaces this process
