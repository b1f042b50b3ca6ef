"""`headcount doctor` on a secured cluster: each broker and each right, as this machine has them."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined] # it re-exports it

from headcount.cli.commands.doctor import doctor
from tests.secured.broker import USER, SecuredBroker
from tests.secured.conftest import TOPIC

pytestmark = pytest.mark.e2e


def lines(reports: Path, config: Path, topic: str) -> tuple[int, list[str]]:
    """Run the command; return its exit code, and its lines with single spaces."""
    command = ["--reports-dir", str(reports), "--kafka-config", str(config), "--topic", topic]
    done = CliRunner().invoke(doctor, command, standalone_mode=False)
    return done.return_value, [" ".join(line.split()) for line in done.output.splitlines()]


def test_what_is_granted_and_what_is_not_needed(secured: SecuredBroker, tmp_path: Path) -> None:
    """To read is enough; what stays unknown is said."""
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
