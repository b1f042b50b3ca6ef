"""A registry's settings: in the same file as Kafka's, by the names of Confluent's clients."""

import pickle
from pathlib import Path

import pytest
import trustme

from headcount.errors import UsageError
from headcount.kafka_settings import config_file
from headcount.kafka_settings.registry_settings import NO_REGISTRY, RegistrySettings

SECRET = "hunter2"  # noqa: S105 - of a test
URL = "https://registry.test:8081"


def loaded(*lines: str) -> RegistrySettings:
    """Load settings that are given one by one."""
    return config_file.load_registry(None, lines, {})


def secret_of(settings: RegistrySettings) -> str:
    """Return the one secret of some settings."""
    (secret,) = settings.secrets
    return secret


def test_without_settings_there_is_no_registry() -> None:
    """Settings of Kafka alone say nothing about a registry."""
    assert loaded("security.protocol=PLAINTEXT", "client.id=a") == NO_REGISTRY


@pytest.mark.parametrize(
    "lines",
    [
        (f"schema.registry.url={URL}", f"schema.registry.basic.auth.user.info=me:{SECRET}"),
        (
            f"schema.registry.url={URL}",
            "basic.auth.credentials.source=USER_INFO",
            f"basic.auth.user.info=me:{SECRET}",
        ),
        (f"schema.registry.url=https://me:{SECRET}@registry.test:8081",),
        (
            f"schema.registry.url=https://me:{SECRET}@registry.test:8081",
            "basic.auth.credentials.source=URL",
        ),
        (
            f"schema.registry.url={URL}",
            "schema.registry.basic.auth.credentials.source=SASL_INHERIT",
            *("security.protocol=SASL_PLAINTEXT", "sasl.mechanism=PLAIN"),
            *("sasl.username=me", f"sasl.password={SECRET}"),
        ),
    ],
)
def test_a_user_and_password_may_be_in_many_places(lines: tuple[str, ...]) -> None:
    """Confluent's names and Java's, in the URL, and Kafka's own login."""
    settings = loaded(*lines)
    assert (settings.url, settings.username, secret_of(settings)) == (URL, "me", SECRET)


def test_a_bearer_token_has_its_cluster() -> None:
    """Confluent Cloud wants both."""
    settings = loaded(
        f"bearer.auth.token={SECRET}",
        "bearer.auth.credentials.source=STATIC_TOKEN",
        "bearer.auth.logical.cluster=lsrc-1",
        "schema.registry.bearer.auth.identity.pool.id=pool-1",
    )
    assert secret_of(settings) == SECRET
    assert (settings.logical_cluster, settings.identity_pool) == ("lsrc-1", "pool-1")


def test_tokens_may_come_from_a_server() -> None:
    """By client credentials."""
    settings = loaded(
        "bearer.auth.credentials.source=OAUTHBEARER",
        "bearer.auth.issuer.endpoint.url=https://id.test/token",
        *("bearer.auth.client.id=me", f"bearer.auth.client.secret={SECRET}"),
        "bearer.auth.scope=registry",
    )
    source = settings.token_source
    assert source is not None
    assert (source.url, source.client_id, source.scope) == (
        *("https://id.test/token", "me"),
        "registry",
    )
    assert secret_of(settings) == SECRET


def test_certificates_are_read_from_their_files(tmp_path: Path) -> None:
    """As for Kafka's own, but under the registry's prefix."""
    authority = trustme.CA()
    certificate = authority.issue_cert("client.test")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.private_key_and_cert_chain_pem.write_to_path(tmp_path / "pair.pem")
    settings = loaded(
        f"schema.registry.ssl.ca.location={tmp_path / 'ca.pem'}",
        f"schema.registry.ssl.certificate.location={tmp_path / 'pair.pem'}",
        f"schema.registry.ssl.key.location={tmp_path / 'pair.pem'}",
    )
    assert settings.ca_pem == authority.cert_pem.bytes().decode()
    assert settings.key_pair is not None
    assert "BEGIN PRIVATE KEY" in secret_of(settings)


def test_secrets_come_from_references() -> None:
    """Those of Kafka's settings work here, too; those of other settings are not resolved."""
    lines = (
        "schema.registry.basic.auth.user.info=me:${env:PASSWORD}",
        "sasl.password=${env:MISSING}",
    )
    settings = config_file.load_registry(None, lines, {"PASSWORD": SECRET})
    assert secret_of(settings) == SECRET


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (("schema.registry.ssl.ca.locaton=x",), "did you mean schema.registry.ssl.ca.location"),
        (("schema.registry.basic.auth.user.info=me",), "must be user:password"),
        (("basic.auth.credentials.source=KERBEROS",), "one of USER_INFO, URL, SASL_INHERIT"),
        (("basic.auth.credentials.source=SASL_INHERIT",), "needs sasl.username"),
        (("bearer.auth.credentials.source=STATIC_TOKEN",), "needs bearer.auth.token"),
        (("bearer.auth.credentials.source=OAUTHBEARER",), "needs bearer.auth.issuer.endpoint.url"),
        (("bearer.auth.credentials.source=MAGIC",), "one of STATIC_TOKEN, OAUTHBEARER"),
        (
            ("bearer.auth.token=a", "basic.auth.user.info=me:pw"),
            "takes only one login",
        ),
        (("schema.registry.ssl.ca.location=/no/ca.pem",), "-X: schema.registry.ssl.ca.location="),
        (("schema.registry.ssl.endpoint.identification.algorithm=",), "must be https"),
        (("schema.registry.enable.ssl.certificate.verification=maybe",), "must be true or false"),
    ],
)
def test_a_wrong_setting_is_named(lines: tuple[str, ...], reason: str) -> None:
    """The error says the setting and the remedy."""
    with pytest.raises(UsageError) as error:
        loaded(*lines)
    assert reason in str(error.value)


def test_settings_that_say_nothing_about_connecting_are_ignored() -> None:
    """Caches, strategies of names, and what serializers do."""
    lines = ("schema.registry.cache.capacity=3", "auto.register.schemas=false")
    assert loaded(*lines) == NO_REGISTRY


def test_the_option_s_url_wins_and_contains_no_password() -> None:
    """A manifest and a report show it."""
    settings = loaded(f"schema.registry.url={URL}", f"basic.auth.user.info=me:{SECRET}")
    other = settings.with_url("http://other:8081")
    assert (other.url, secret_of(other)) == ("http://other:8081", SECRET)
    assert settings.with_url("").url == URL
    with pytest.raises(UsageError, match="must not contain a password") as error:
        settings.with_url("http://me:secret@other")
    assert "secret@" not in str(error.value)


@pytest.mark.parametrize(
    "setting",
    [
        f"schema.registry.basic.auth.user.info=me:{SECRET}",
        f"basic.auth.user.info=me:{SECRET}",
        f"bearer.auth.token={SECRET}",
        f"schema.registry.ssl.key.password={SECRET}",
        f"schema.registry.url=https://me:{SECRET}@registry.test",
    ],
)
def test_secrets_do_not_belong_on_the_command_line(setting: str, tmp_path: Path) -> None:
    """They are refused there, and a file with them warns if others can read it."""
    with pytest.raises(UsageError, match="does not belong on the command line") as error:
        config_file.check_assignment(setting)
    assert SECRET not in str(error.value)
    path = tmp_path / "client.properties"
    path.write_text(setting)
    path.chmod(0o644)
    assert config_file.readable_by_others(path)


def test_no_secret_is_shown_but_all_travel() -> None:
    """A repr hides them; pickle carries them to executors."""
    settings = loaded(f"schema.registry.url={URL}", f"basic.auth.user.info=me:{SECRET}")
    assert SECRET not in repr(settings)
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 - our own
    environ = config_file.environ_of(None, (f"basic.auth.user.info=me:{SECRET}",))
    assert secret_of(config_file.registry_from_environment(environ)) == SECRET
