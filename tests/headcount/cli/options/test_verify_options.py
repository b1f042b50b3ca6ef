"""Options that several commands share: senseless values are refused before anything starts."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from headcount.cli.commands.run import run
from headcount.cli.commands.verify import verify
from headcount.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--spark-conf", "spark.executor.memory"), "spark.NAME=VALUE"),
        (("--spark-conf", "executor.memory=1g"), "spark.NAME=VALUE"),
    ],
)
def test_spark_conf(arguments: tuple[str, ...], message: str) -> None:
    """A setting has a Spark name and a value."""
    done = CliRunner().invoke(verify, ["RUN", *arguments])
    assert done.exit_code == 2
    assert message in done.output


def test_spark_conf_is_split() -> None:
    """At its first `=`: the value may contain more of them."""
    settings = ("--spark-conf", "spark.a=b", "--spark-conf", "spark.options=-Dx=y")
    parsed = verify.make_context("verify", ["RUN", *settings])
    assert parsed.params["spark_conf"] == {"spark.a": "b", "spark.options": "-Dx=y"}


def test_spark_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment sets what the options do, as when Locust starts the judgement."""
    monkeypatch.setenv("HEADCOUNT_SPARK_MASTER", "spark://host:7077")
    monkeypatch.setenv("HEADCOUNT_TABLES", "file:///tables/")
    parsed = verify.make_context("verify", ["RUN"])
    assert parsed.params["spark_master"] == "spark://host:7077"
    assert parsed.params["tables"] == "file:///tables"


@pytest.mark.parametrize("option", ["--ledger", "--tables"])
def test_a_key_is_refused(option: str, tmp_path: Path) -> None:
    """A key in a URL would be recorded; nothing starts, and the message does not repeat it."""
    arguments = [option, "s3://key:secret@bucket", "--reports-dir", str(tmp_path)]
    done = CliRunner().invoke(run, arguments)
    assert isinstance(done.exception, UsageError)
    assert option in str(done.exception)
    assert "secret@" not in str(done.exception)
    assert list(tmp_path.iterdir()) == []
