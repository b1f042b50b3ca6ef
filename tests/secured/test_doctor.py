"""`headcount doctor` on a secured cluster: each broker and each right, as this machine has them."""

import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined] # it re-exports it

from headcount.cli.commands.doctor import doctor
from headcount.stack.process import wait_until
from tests.needs import lacking
from tests.secured.broker import PASSWORD, USER, SecuredBroker
from tests.secured.conftest import TOPIC

pytestmark = pytest.mark.e2e


def lines(reports: Path, config: Path, topic: str) -> tuple[int, list[str]]:
    """Run the command; return its exit code, and its lines with single spaces."""
    command = ["--reports-dir", str(reports), "--kafka-config", str(config), "--topic", topic]
    done = CliRunner().invoke(doctor, command, standalone_mode=False)
    return done.return_value, [" ".join(line.split()) for line in done.output.splitlines()]


def test_what_is_granted_and_what_is_not_needed(secured: SecuredBroker, tmp_path: Path) -> None:
    """The right to read is enough; what stays unknown is named."""
    code, output = lines(tmp_path, secured.config("plain"), TOPIC)
    text = " ".join(output)
    assert code == 0, output
    assert f"ok cluster {secured.broker.cluster_id}, SASL_SSL PLAIN" in text
    assert f"ok broker {secured.servers('plain')}" in text
    assert "ok right to Read granted" in text
    assert "ok right to DescribeConfigs not allowed" in text


def test_a_missing_right_and_a_missing_topic(secured: SecuredBroker, tmp_path: Path) -> None:
    """Each has its remedy."""
    secured.allow("undercover", (AclOperation.DESCRIBE,))
    code, output = lines(tmp_path, secured.config("scram"), "undercover")
    assert code == 5
    text = "".join(output).replace(" ", "")
    assert "problemrighttoReadmissing" in text
    grant = f"--add--allow-principalUser:{USER}--operationRead--topicundercover"
    assert grant in text


def test_a_wrong_password(secured: SecuredBroker, tmp_path: Path) -> None:
    """It is the reason, and is not shown."""
    code, output = lines(tmp_path, secured.config("plain", sasl_password="wrong-pw"), TOPIC)  # noqa: S106
    assert code == 5
    assert "refuses the login" in " ".join(output)
    assert "wrong-pw" not in " ".join(output)


def test_a_file_that_others_can_read(secured: SecuredBroker, tmp_path: Path) -> None:
    """Every command that reads it warns."""
    config = secured.config("plain")
    config.chmod(0o644)
    code, output = lines(tmp_path, config, TOPIC)
    assert code == 0
    assert "contains a secret, but other users can read it" in " ".join(output)


def is_echoing(terminal: int) -> bool:
    """Return whether a terminal shows what is typed."""
    flags: int = termios.tcgetattr(terminal)[3]
    return bool(flags & termios.ECHO)


def test_a_password_can_be_typed(secured: SecuredBroker, tmp_path: Path) -> None:
    """In a terminal, a missing password is asked for, and not shown."""
    config = secured.config("scram")
    text = config.read_text()
    config.write_text("".join(line + "\n" for line in text.splitlines() if PASSWORD not in line))
    command = [sys.executable, "-m", "headcount", "doctor", "--reports-dir", str(tmp_path)]
    try:
        leader, follower = pty.openpty()
    except OSError as error:
        lacking(f"a terminal is needed, and /dev/pts has none: {error}")
    with subprocess.Popen(
        [*command, "--kafka-config", str(config), "--topic", TOPIC],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as process:
        assert process.stdout is not None
        output = b""
        while b"Kafka password of" not in output and (
            more := os.read(process.stdout.fileno(), 999)
        ):
            output += more
        # What is typed before the prompt has turned the echo off is discarded.
        wait_until(lambda: not is_echoing(follower), 60, "the password is awaited")
        os.write(leader, f"{PASSWORD}\n".encode())
        output += process.communicate(timeout=300)[0]
    os.close(leader)
    os.close(follower)
    assert process.returncode == 0, output
    assert f"Kafka password of {USER}".encode() in output
    assert b"right to Read" in output
    assert PASSWORD.encode() not in output
    assert list(tmp_path.glob("headcount-*")) == []
