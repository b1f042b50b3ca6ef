"""Amazon's login: signed with the account's own credentials, without asking Amazon."""

import base64
import sys
import time
from urllib.parse import SplitResult, parse_qs, urlsplit

import pytest
from kafka.errors import KafkaConnectionError
from kafka.net.sasl import get_sasl_mechanism

from headcount.errors import UsageError
from headcount.kafka.cluster import Cluster
from headcount.kafka.permissions import Operation, how_to_grant
from headcount.kafka_settings import iam_token, java, kafka_python, librdkafka
from headcount.kafka_settings.config_file import load
from headcount.kafka_settings.settings import KafkaSettings, Mechanism, Protocol

SETTINGS = KafkaSettings(protocol=Protocol.SASL_SSL, mechanism=Mechanism.AWS_MSK_IAM)
HANDLER = "software.amazon.msk.auth.iam.IAMClientCallbackHandler"
KEY_ID, SECRET_KEY, REGION = "AKIDEXAMPLE", "secret-key-not-to-be-seen", "eu-west-1"


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account's credentials and region, in the environment alone."""
    iam_token._signer.cache_clear()  # noqa: SLF001 - it remembers the region
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")


def signed_url(token: str) -> SplitResult:
    """Return the URL that is a token's content."""
    return urlsplit(base64.urlsafe_b64decode(token + "==").decode())


def test_librdkafka_gets_a_signed_token() -> None:
    """Amazon's signer makes it: a signed URL of the region, which is valid for minutes."""
    options = librdkafka.client_options(SETTINGS)
    assert (options["security.protocol"], options["sasl.mechanisms"]) == ("SASL_SSL", "OAUTHBEARER")
    sign = options["oauth_cb"]
    assert callable(sign)
    token, expires_s = sign("")
    assert 60 < expires_s - time.time() <= 900
    url = signed_url(token)
    assert url.hostname == f"kafka.{REGION}.amazonaws.com"
    query = parse_qs(url.query)
    assert query["Action"] == ["kafka-cluster:Connect"]
    (credential,) = query["X-Amz-Credential"]
    assert credential.startswith(f"{KEY_ID}/")
    assert f"/{REGION}/kafka-cluster/" in credential
    assert len(query["X-Amz-Signature"][0]) == 64
    assert SECRET_KEY not in url.geturl()


def test_kafka_python_gets_such_tokens_too() -> None:
    """A new one for every login."""
    options = kafka_python.client_options(SETTINGS)
    assert options["security_protocol"] == "SASL_SSL"
    login = get_sasl_mechanism(options["sasl_mechanism"])(host="b-1.example.test", **options)
    _, _, token = login.auth_bytes().decode().partition("auth=Bearer ")
    assert signed_url(token.strip("\x01")).hostname == f"kafka.{REGION}.amazonaws.com"


def test_java_s_file_for_it_is_understood() -> None:
    """As Amazon's documentation writes it; Spark's connector is refused at once."""
    settings = load(
        None,
        [
            *("security.protocol=SASL_SSL", "sasl.mechanism=AWS_MSK_IAM"),
            "sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required;",
            f"sasl.client.callback.handler.class={HANDLER}",
        ],
    )
    assert settings == SETTINGS
    with pytest.raises(UsageError, match="not supported by Spark's connector"):
        java.check_supported(settings)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials, the region, or the extra with the signer."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(iam_token.IamTokenError, match="credentials are missing"):
        iam_token.iam_token("")
    with pytest.raises(KafkaConnectionError, match="credentials are missing"):
        kafka_python.client_options(SETTINGS)["sasl_oauth_token_provider"].token()
    iam_token._signer.cache_clear()  # noqa: SLF001 - as above
    monkeypatch.delenv("AWS_REGION")
    with pytest.raises(UsageError, match="needs a region: set AWS_REGION"):
        iam_token.iam_token("")
    monkeypatch.setitem(sys.modules, "aws_msk_iam_sasl_signer", None)
    with pytest.raises(UsageError, match="needs the AWS MSK IAM signer"):
        iam_token.iam_token("")


def test_rights_are_granted_by_policies() -> None:
    """Amazon has no access rules of Kafka's for such a user."""
    advice = how_to_grant(Cluster("b-1.example.test:9098", SETTINGS), Operation.READ, "orders")
    assert "kafka-cluster:ReadData" in advice
    assert "kafka-acls" not in advice
