"""Starts a broker with the settings in the variables KAFKA_…, as Kafka's own image does."""

import os
import subprocess
from pathlib import Path

SETTINGS = Path("/opt/kafka/config/server.properties")
JAVA = ["/opt/java/bin/java", *os.environ.get("KAFKA_HEAP_OPTS", "").split()]
PROGRAM = [*JAVA, "-cp", "/opt/kafka/libs/*"]
_OPTIONS = {"KAFKA_HEAP_OPTS"}


def name_of(variable: str) -> str:
    """Return the setting that a variable stands for: _ is a dot, __ is _, and ___ is a hyphen."""
    name = variable.removeprefix("KAFKA_").lower()
    return name.replace("___", "-").replace("__", "\0").replace("_", ".").replace("\0", "_")


def main() -> None:
    """Format the storage if it is new, and become the broker."""
    names = {name for name in os.environ if name.startswith("KAFKA_")} - _OPTIONS
    SETTINGS.write_text("".join(f"{name_of(name)}={os.environ[name]}\n" for name in sorted(names)))
    storage = ["kafka.tools.StorageTool", "format", "--ignore-formatted"]
    cluster = ["--cluster-id", os.environ["CLUSTER_ID"], "--config", str(SETTINGS)]
    subprocess.run([*PROGRAM, *storage, *cluster], check=True)
    os.execv(PROGRAM[0], [*PROGRAM, "kafka.Kafka", str(SETTINGS)])  # noqa: S606 - no shell is needed


if __name__ == "__main__":
    main()
