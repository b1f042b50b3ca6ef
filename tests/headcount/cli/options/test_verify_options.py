"""The options that several commands share: what makes no sense is refused, before anything."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from headcount.cli.commands.run import run
from headcount.cli.commands.verify import verify
from headcount.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--spark-conf", "spark.executor.memory"), "spark.NAME=VALUE"),
        (("--spark-conf", "executor.memory=1g"), "spark.NAME=VALUE"),
    ],
)
def test_spark_conf(arguments: tuple[str, ...], told: str) -> None:
    """A setting has a name of Spark's, and a value."""
    done = CliRunner().invoke(verify, ["RUN", *arguments])
    assert done.exit_code == 2
    assert told in done.output


def test_spark_conf_is_taken_apart() -> None:
    """At its first `=`: what stands behind may have more of them."""
    given = ("--spark-conf", "spark.a=b", "--spark-conf", "spark.options=-Dx=y")
    parsed = verify.make_context("verify", ["RUN", *given])
    assert parsed.params["spark_conf"] == {"spark.a": "b", "spark.options": "-Dx=y"}


def test_spark_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A judgement that Locust starts is told so."""
    monkeypatch.setenv("HEADCOUNT_SPARK_MASTER", "spark://host:7077")
    monkeypatch.setenv("HEADCOUNT_TABLES", "file:///tables/")
    parsed = verify.make_context("verify", ["RUN"])
    assert parsed.params["spark_master"] == "spark://host:7077"
    assert parsed.params["tables"] == "file:///tables"


@pytest.mark.parametrize("option", ["--ledger", "--tables"])
def test_a_key_is_refused(option: str, tmp_path: Path) -> None:
    """In a URL it would be written down; nothing is started, and it is not repeated."""
    arguments = [option, "s3://key:secret@bucket", "--reports-dir", str(tmp_path)]
    done = CliRunner().invoke(run, arguments)
    assert isinstance(done.exception, UsageError)
    assert option in str(done.exception)
    assert "secret@" not in str(done.exception)
    assert list(tmp_path.iterdir()) == []
