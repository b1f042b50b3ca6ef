"""Run preparation: the brokers are those that the user named most explicitly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Locust patches the standard library, so the plugin is imported in a process of its own.
PROGRAM = """
import sys
from argparse import Namespace
from headcount.plugin.startup.run_preparation import _cluster
print(_cluster(Namespace(bootstrap_servers=sys.argv[1])))
"""


@pytest.mark.parametrize(
    ("option", "in_file", "used"),
    [
        ("127.0.0.1:9092", "kafka:9093", "127.0.0.1:9092"),
        ("", "kafka:9093", "kafka:9093"),
        ("other:9094", "", "other:9094"),
        ("", "", "127.0.0.1:9092"),
    ],
    ids=["an option that is the default", "the file", "the option", "neither"],
)
def test_which_brokers_are_used(option: str, in_file: str, used: str, tmp_path: Path) -> None:
    """The option, then the file of the Kafka settings, then this machine's broker."""
    path = tmp_path / "client.properties"
    path.write_text(f"bootstrap.servers={in_file}\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, option],
        env={**os.environ, "HEADCOUNT_KAFKA_CONFIG": str(path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stdout.strip() == used
