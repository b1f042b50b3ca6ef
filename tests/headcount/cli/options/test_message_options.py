"""How ids and messages are written: from the command line to Locust's, without a secret."""

import pytest
from click.testing import CliRunner

from headcount.cli.main import cli
from headcount.cli.options.locust_options import BY_RUN, BY_UP, refuse_decided
from headcount.cli.options.message_options import MessageOptions
from headcount.errors import UsageError
from headcount.run.id_form import IdForm
from headcount.run.id_location import TRACEPARENT

SECRET = "hunter2"  # noqa: S105 - not a real secret
URL = "https://registry:8081/apis"


def test_what_locust_receives() -> None:
    """What is not set stays empty."""
    options = MessageOptions(*("X-Request-Id", "uuid", "key", "avro", "/data"), schema_registry=URL)
    assert options.of_locust == {
        "--id-header": "X-Request-Id",
        "--id-form": "uuid",
        "--id-at": "key",
        "--format": "avro",
        "--compare-at": "/data",
        "--schema-registry": "https://registry:8081/apis",
        "--trace-url": "",
    }
    plain = dict.fromkeys(options.of_locust, "")
    assert MessageOptions().of_locust == {**plain, "--id-form": "plain", "--format": "json"}


def test_defaults_follow_the_form() -> None:
    """The header and the location of trace-ids are those of tracing."""
    settings = MessageOptions(id_form="trace").id_settings
    assert (settings.form, settings.header) == (IdForm.TRACE, TRACEPARENT)
    assert str(settings.location) == "traceparent"


@pytest.mark.parametrize("command", ["run", "up"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--id-header", "traceparent"], "--id-header traceparent takes a trace-id"),
        (["--id-at", "traceparent", "--id-form", "uuid"], "--id-at traceparent takes a trace-id"),
        (["--trace-url", "http://a.test/{trace_id}"], "--trace-url needs --id-form trace"),
        (["--format", "avro"], "add --schema-registry URL"),
        (["--format", "raw", "--compare-at", "/a"], "--format raw compares no content"),
    ],
)
def test_options_that_do_not_fit(command: str, arguments: list[str], message: str) -> None:
    """They are refused before anything starts, with the exit code of a usage error."""
    result = CliRunner().invoke(cli, [command, *arguments])
    error = result.exception
    assert isinstance(error, UsageError), result.output
    assert message in str(error)


def test_a_password_is_not_shown() -> None:
    """A URL with one is refused, and the error does not repeat it."""
    arguments = ["run", "--schema-registry", f"https://me:{SECRET}@registry"]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert "--schema-registry" in result.output
    assert SECRET not in result.output


@pytest.mark.parametrize("name", MessageOptions().of_locust)
def test_they_stand_before_the_dashes(name: str) -> None:
    """After -- they would contradict what the command decided."""
    for command, decided in (("run", BY_RUN), ("up", BY_UP)):
        with pytest.raises(
            UsageError, match=f"headcount {command} does not accept {name} after --"
        ):
            refuse_decided(command, [name, "x"], decided)


def test_environment_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each option can be set by its variable, and is checked just the same."""
    monkeypatch.setenv("HEADCOUNT_ID_AT", "/a/b")
    result = CliRunner().invoke(cli, ["run"])
    assert result.exit_code == 2
    assert "--id-at must be field:NAME" in result.output
