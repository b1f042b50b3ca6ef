"""A client's file: read once, whatever client it was written for, and without showing secrets."""

import os
from pathlib import Path

import pytest
import trustme

from headcount.errors import UsageError
from headcount.kafka_settings import config_file, jaas
from headcount.kafka_settings.settings import PLAINTEXT, KafkaSettings, Mechanism, Protocol

SECRET = "hunter2;not to be seen"  # noqa: S105 - of a test
LOGIN = (
    "security.protocol=SASL_SSL\nsasl.mechanisms=SCRAM-SHA-512\n"
    f"sasl.username=alice\nsasl.password={SECRET}\n"
)
JAVA_LOGIN = (
    "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n"
    "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n"
    f'  username="alice" \\\n  password="{SECRET}";\n'
)


def written(folder: Path, text: str) -> Path:
    """Write a file that only this user can read."""
    path = folder / "client.properties"
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def test_without_a_file_it_is_plaintext() -> None:
    """Neither file nor settings: no encryption, and no login."""
    assert config_file.load(None) == PLAINTEXT


def test_java_s_login_and_librdkafka_s_are_the_same(tmp_path: Path) -> None:
    """Names, comments, continued lines and settings of producers do not matter."""
    more = "# of the team\nclient.id=shop\nacks=all\nschema.registry.url=https://user:pw@x\n"
    own = config_file.load(written(tmp_path, LOGIN + more))
    java = config_file.load(written(tmp_path, JAVA_LOGIN + "key.serializer=a.b.C\n"))
    assert own == java
    assert (own.protocol, own.mechanism) == (Protocol.SASL_SSL, Mechanism.SCRAM_SHA_512)
    assert own.password is not None
    assert own.password.get_secret_value() == SECRET


def test_tokens_come_from_java_s_file_too(tmp_path: Path) -> None:
    """The login module has the client, and Kafka's own handler fetches the tokens."""
    common = (
        "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n"
        "sasl.oauthbearer.token.endpoint.url=https://id.test/token\n"
    )
    java = common + (
        "sasl.login.callback.handler.class="
        "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginCallbackHandler\n"
        "sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule "
        f'required clientId="me" clientSecret="{SECRET}" scope="kafka" extension_pool="a";\n'
    )
    own = common + (
        "sasl.oauthbearer.method=oidc\nsasl.oauthbearer.client.id=me\n"
        f"sasl.oauthbearer.client.secret={SECRET}\nsasl.oauthbearer.scope=kafka\n"
        "sasl.oauthbearer.extensions=pool=a\n"
    )
    settings = config_file.load(written(tmp_path, own))
    assert config_file.load(written(tmp_path, java)) == settings
    assert settings.token_source is not None
    assert dict(settings.token_source.extensions) == {"pool": "a"}


def test_a_truststore_is_the_authorities(tmp_path: Path) -> None:
    """Java's name for the file and librdkafka's lead to the same certificates."""
    authority = trustme.CA()
    path = tmp_path / "ca.pem"
    path.write_bytes(authority.cert_pem.bytes())
    names = "ssl.truststore.location", "ssl.ca.location"
    read = [
        config_file.load(written(tmp_path, f"security.protocol=SSL\n{name}={path}\n"))
        for name in names
    ]
    assert read[0] == read[1]
    assert read[0].ca_pem == authority.cert_pem.bytes().decode()
    one_line = authority.cert_pem.bytes().decode().replace("\n", " ").strip()
    inline = f"security.protocol=SSL\nssl.truststore.certificates={one_line}\n"
    assert config_file.load(written(tmp_path, inline)) == read[0]


@pytest.mark.parametrize("before", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \t\n"])
def test_editors_do_not_matter(tmp_path: Path, before: str, end: str) -> None:
    """A byte order mark, the ends of lines, and spaces before them: the settings are the same."""
    path = written(tmp_path, "")
    path.write_bytes((before + LOGIN.replace("\n", end)).encode())
    assert config_file.load(path) == config_file.load(written(tmp_path, LOGIN))


def test_single_settings_win(tmp_path: Path) -> None:
    """They replace those of the file, by whichever name it has them; the last of several wins."""
    settings = config_file.load(written(tmp_path, LOGIN), ["sasl.username=al", "sasl.username=bob"])
    assert settings.username == "bob"
    both = written(tmp_path, "sasl.mechanism=SCRAM-SHA-256\n" + LOGIN)
    settings = config_file.load(both, ["sasl.mechanism=PLAIN"])
    assert settings.mechanism is Mechanism.PLAIN
    plain = "${env:ENTRY}"
    entry = f'{jaas.PLAIN} required username="carol" password="pw";'
    settings = config_file.load(
        written(tmp_path, LOGIN), [f"sasl.jaas.config={plain}"], {"ENTRY": entry}
    )
    assert (settings.username, settings.secrets) == ("carol", ("pw",))


def test_another_authority_or_key_replaces_the_file_s(tmp_path: Path) -> None:
    """Java's name for it, librdkafka's, and PEM in a setting stand for the same."""
    leaf = trustme.CA().issue_cert("client.test")
    pair = tmp_path / "pair.pem"
    pair.write_bytes(leaf.private_key_and_cert_chain_pem.bytes())
    gone = "ssl.truststore.location=/gone\nssl.keystore.location=/gone\n"
    path = written(tmp_path, f"security.protocol=SSL\n{gone}")
    names = "ssl.ca.location", "ssl.certificate.location", "ssl.key.location"
    settings = config_file.load(path, [f"{name}={pair}" for name in names])
    assert settings.ca_pem == leaf.cert_chain_pems[0].bytes().decode()
    by_store = [f"ssl.keystore.location={pair}", f"ssl.truststore.location={pair}"]
    gone = "".join(f"{name}=/gone\n" for name in names)
    path = written(tmp_path, f"security.protocol=SSL\n{gone}")
    assert config_file.load(path, by_store) == settings


def test_the_machine_s_own_authorities(tmp_path: Path) -> None:
    """By default, by librdkafka's word for them, and where a name has no value."""
    own = config_file.load(written(tmp_path, "security.protocol=SSL\n"))
    assert own.ca_pem is None
    for setting in ("ssl.ca.location=probe", "ssl.ca.location=", "ssl.truststore.location="):
        path = written(tmp_path, f"security.protocol=SSL\n{setting}\n")
        assert config_file.load(path) == own
    certificate = "security.protocol=SSL\nssl.certificate.location=probe\n"
    with pytest.raises(UsageError, match=r"ssl\.certificate\.location=probe: "):
        config_file.load(written(tmp_path, certificate))


def test_no_check_of_host_names(tmp_path: Path) -> None:
    """Java's spelling is an empty value, librdkafka's a word; https is the default of both."""
    for value, verifies in {"": False, "none": False, "https": True, "HTTPS": True}.items():
        setting = f"ssl.endpoint.identification.algorithm={value}"
        path = written(tmp_path, f"security.protocol=ssl\n{setting}\n")
        assert config_file.load(path).verifies_hostname is verifies


def test_a_token_server_may_have_an_authority_of_its_own(tmp_path: Path) -> None:
    """Java's login module names it, librdkafka has settings for it."""
    authority = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    common = (
        "security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n"
        "sasl.oauthbearer.token.endpoint.url=https://id.test/token\n"
    )
    own = (
        "sasl.oauthbearer.client.id=me\nsasl.oauthbearer.client.secret=s\n"
        f"https.ca.location={authority}\n"
    )
    entry = (
        f'{jaas.OAUTH} required clientId="me" clientSecret="s" ssl.truststore.type="PEM" '
        f'ssl.truststore.location="{authority}";'
    )
    settings = config_file.load(written(tmp_path, common + own))
    assert config_file.load(written(tmp_path, f"{common}sasl.jaas.config={entry}\n")) == settings
    assert settings.token_source is not None
    assert settings.token_source.ca_pem == authority.read_text()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sasl.username", r"needs sasl\.username and sasl\.password"),
        ("sasl.pass word=x\nsecurity.protocol=SSL", "sasl.pass"),
        ("security.protocol=TLS", "it must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ("sasl.mechanism=GSSAPI", "it must be one of PLAIN, SCRAM-SHA-256"),
        ("security.protocol=SASL_SSL", "needs sasl.mechanism"),
        ("sasl.mechanism=PLAIN", "needs security.protocol=SASL_SSL"),
        ("ssl.ca.location=/no/such/file", "no such file or directory"),
        ("ssl.certificate.location=/no/such/file", "no such file or directory"),
        ("enable.ssl.certificate.verification=yes", "must be true or false"),
        ("ssl.endpoint.identification.algorithm=ldap", "must be https or none"),
        ("sasl.jaas.config=com.example.Login required;", "com.example.Login is not supported"),
        ("sasl.password=${env:NOWHERE}", "no environment variable NOWHERE"),
        ("sasl.password=${file:/no/such:pw}", "cannot be read"),
        ("sasl.password=${file:/no/such}", "write PATH:KEY, the path of a file"),
        ("sasl.login.callback.handler.class=a.B", "only Kafka's own"),
        ("ssl.enabled.protocols=TLSv1.3,TLSv1", "ssl.enabled.protocols=TLSv1 is not supported"),
        (
            "sasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.method=default",
            "=default is not supported",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, reason: str) -> None:
    """With the file, the setting and the rule, in one line."""
    text = LOGIN.replace("sasl.username=alice\n", "") if text == "sasl.username" else text
    path = written(tmp_path, text)
    with pytest.raises(UsageError, match=reason) as raised:
        config_file.load(path, environ={})
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert SECRET not in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, or not text."""
    with pytest.raises(UsageError, match=r"cannot be read: no such file or directory: .*absent"):
        config_file.load(tmp_path / "absent")
    path = tmp_path / "client.properties"
    path.write_bytes(b"sasl.username=\xff\xfe")
    with pytest.raises(UsageError, match="is not a file of name=value lines in UTF-8"):
        config_file.load(path)


def test_the_command_line_takes_no_secret() -> None:
    """Every user of the machine can read it; a reference is allowed."""
    with pytest.raises(UsageError, match="does not belong on the command line") as raised:
        config_file.check_assignment(f"sasl.password={SECRET}")
    assert SECRET not in str(raised.value)
    assert config_file.check_assignment("sasl.password=${env:PW}") == "sasl.password=${env:PW}"
    assert config_file.check_assignment("security.protocol=SSL") == "security.protocol=SSL"
    for text, shown in (("security.protocol", "security.protocol"), (f"={SECRET}", "")):
        with pytest.raises(UsageError, match=rf"a Kafka setting is name=value, .* got '{shown}'$"):
            config_file.check_assignment(text)
    with pytest.raises(UsageError, match=r"got 'sasl\.password'$"):
        config_file.check_assignment(f"sasl.password {SECRET}")


def test_a_variable_with_one_setting_per_line() -> None:
    """Blank lines are skipped; the error for a wrong line names the variable and no password."""
    lines = "\nsecurity.protocol=SSL\n \n"
    settings = config_file.from_environment({config_file.ASSIGNMENTS_VARIABLE: lines})
    assert settings.protocol == "SSL"
    variable = {config_file.ASSIGNMENTS_VARIABLE: f"{lines}sasl.password {SECRET}"}
    for read in (config_file.from_environment, config_file.registry_from_environment):
        with pytest.raises(UsageError, match=r"^HEADCOUNT_KAFKA_SETTINGS: line 4 is not") as raised:
            read(variable)
        assert SECRET not in str(raised.value)


def test_settings_reach_another_process(tmp_path: Path) -> None:
    """By variables with the file's path and the single settings, and without any secret."""
    path = written(tmp_path, LOGIN)
    assignments = ("sasl.username=bob", "sasl.password=${env:KAFKA_PASSWORD}")
    variables = config_file.environ_of(path, assignments)
    assert SECRET not in str(variables)
    settings = config_file.from_environment(variables | {"KAFKA_PASSWORD": "other"})
    assert (settings.username, settings.secrets) == ("bob", ("other",))


def test_secrets_are_not_in_the_text(tmp_path: Path) -> None:
    """Neither in the model's text nor in a client's message that is masked."""
    settings: KafkaSettings = config_file.load(written(tmp_path, LOGIN))
    assert SECRET not in repr(settings) + str(settings) + settings.summary
    message = f"login of alice with {SECRET} and eyJhbGciOi.eyJzdWIi.c2lnbmF0dXJl failed"
    assert settings.masked(message) == "login of alice with *** and eyJhbGciOi.eyJzdWIi.*** failed"


def test_the_environment_is_the_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """References are resolved against the process's own environment."""
    monkeypatch.setenv("KAFKA_PASSWORD", SECRET)
    path = written(tmp_path, LOGIN.replace(SECRET, "${env:KAFKA_PASSWORD}"))
    assert config_file.load(path).secrets == (os.environ["KAFKA_PASSWORD"],)
