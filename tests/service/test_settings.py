"""Settings: which variables are read, and which values are rejected."""

import re
import traceback

import pytest
from headcount_service.errors import SettingsError
from headcount_service.settings import load_settings

from tests.service.conftest import LoadSettings


def test_defaults_are_safe(load: LoadSettings) -> None:
    """By default the service listens on loopback and waits for every in-sync replica."""
    settings = load()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.acks, settings.idempotence, settings.publish) == ("all", True, True)
    assert (settings.topic, settings.bootstrap_servers) == ("events", ("127.0.0.1:9092",))


def test_every_variable_is_read(load: LoadSettings) -> None:
    """A variable reaches its setting, in that setting's type."""
    settings = load(
        BOOTSTRAP_SERVERS="a:1, [::1]:9092", TOPIC="t", ACKS="1", IDEMPOTENCE="off", PUBLISH="off",
        ACK_TIMEOUT_S="2.5", MAX_OUTSTANDING="7", WORKERS="3", THREADS="4", PORT="81",
    )  # fmt: skip
    assert settings.bootstrap_servers == ("a:1", "[::1]:9092")
    assert (settings.acks, settings.idempotence, settings.publish) == ("1", False, False)
    assert (settings.ack_timeout_s, settings.max_outstanding) == (2.5, 7)
    assert (settings.workers, settings.threads, settings.port) == (3, 4, 81)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("BOOTSTRAP_SERVERS", "localhost", "host:port"),
        ("BOOTSTRAP_SERVERS", "localhost:", "host:port"),
        ("BOOTSTRAP_SERVERS", "localhost:99999", "host:port"),
        ("BOOTSTRAP_SERVERS", "a:1,,b:2", "host:port"),
        ("BOOTSTRAP_SERVERS", "user@host:1", "host:port"),
        ("BOOTSTRAP_SERVERS", "::1:9092", "host:port"),
        ("TOPIC", "no spaces", "letters, digits"),
        ("ACKS", "2", "all, 1 or 0"),
        ("IDEMPOTENCE", "perhaps", "on or off"),
        ("ACK_TIMEOUT_S", "0", "from 0.1 to 60"),
        ("ACK_TIMEOUT_S", "nan", "from 0.1 to 60"),
        ("MAX_OUTSTANDING", "0", "from 1 to 100000"),
        ("THREADS", "many", "from 1 to 512"),
        ("WORKERS", "1.5", "from 1 to 64"),
        ("PORT", "65536", "from 1 to 65535"),
        ("HOST", "a b", "a host name or an address"),
        ("MAX_HEADERS", "1", "from 8 to 1000"),
        ("LOG_LEVEL", "debug", "info, warning or error"),
    ],
)
def test_a_bad_setting_is_named(load: LoadSettings, name: str, value: str, rule: str) -> None:
    """One line names the variable, the value and the rule."""
    with pytest.raises(SettingsError) as raised:
        load(**{name: value})
    line = str(raised.value)
    assert line.startswith(f"SERVICE_{name}={value!r} must be ")
    assert rule in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "url",
    [
        "postgres://player:hunter2@db/game",
        "postgresql+psycopg://player:hunter2@hunter2@db/game",
        "postgresql+psycopg://player:hunt/er2@hunter2/game",
        "hunter2",
    ],
)
def test_a_password_is_not_repeated(load: LoadSettings, url: str) -> None:
    """The error for an invalid database URL has only the variable and the rule."""
    with pytest.raises(SettingsError, match=r"^SERVICE_DATABASE_URL must be sqlite:///PATH") as one:
        load(DATABASE_URL=url)
    assert "hunter2" not in str(one.value)
    assert "hunter2" not in "".join(traceback.format_exception(one.value))


def test_kafka_settings_are_lines(load: LoadSettings) -> None:
    """Blank lines are skipped; the error for a wrong line names the variable and no password."""
    settings = load(KAFKA_SETTINGS="\nsecurity.protocol=SSL\n\n")
    assert settings.connection.protocol == "SSL"
    with pytest.raises(SettingsError, match=r"^SERVICE_KAFKA_SETTINGS must be name=value") as one:
        load(KAFKA_SETTINGS="security.protocol=SSL\nsasl.password hunter2")
    assert "hunter2" not in str(one.value)


def test_a_misspelt_variable_keeps_its_password(load: LoadSettings) -> None:
    """An unknown variable may be a misspelling of a secret one."""
    with pytest.raises(
        SettingsError, match=r"^SERVICE_DATABASEURL is not a known setting"
    ) as raised:
        load(DATABASEURL="postgresql+psycopg://player:hunter2@db/game")
    assert "hunter2" not in str(raised.value)


def test_all_bad_settings_are_reported_together(load: LoadSettings) -> None:
    """With two mistakes, the error names both."""
    with pytest.raises(SettingsError) as raised:
        load(PORT="none", THREADS="0", THREDS="8")
    lines = str(raised.value).splitlines()
    assert sorted(re.split("[= ]", line)[0] for line in lines) == [
        "SERVICE_PORT",
        "SERVICE_THREADS",
        "SERVICE_THREDS",
    ]


@pytest.mark.parametrize("acks", ["0", "1"])
def test_idempotence_needs_all_replicas(load: LoadSettings, acks: str) -> None:
    """The producer would reject it in the worker; the settings reject it at the start."""
    with pytest.raises(SettingsError, match=f"SERVICE_ACKS='{acks}' needs SERVICE_IDEMPOTENCE=off"):
        load(ACKS=acks)
    assert load(ACKS=acks, IDEMPOTENCE="off").acks == acks


def test_an_empty_variable_is_an_unset_one(load: LoadSettings) -> None:
    """A Compose file passes an unset variable as an empty one."""
    assert load(TOPIC="").topic == "events"


def test_the_environment_is_read_once(load: LoadSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has the settings that its master has checked, even if the environment changes."""
    first = load(TOPIC="one")
    monkeypatch.setenv("SERVICE_TOPIC", "two")
    assert load_settings() is first
