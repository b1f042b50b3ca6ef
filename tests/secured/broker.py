"""A secured broker: TLS with a client certificate, three logins over TLS, and access rules."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined] # it re-exports them
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import ensure_topic
from headcount.kafka_settings import certificate_files, config_file, jaas
from headcount.kafka_settings.java import ALLOWED_URLS
from headcount.stack.broker import Broker
from headcount.stack.broker_config import BrokerConfig, Membership
from headcount.stack.ports import LOOPBACK, free_port
from headcount.stack.secure_listener import add_scram_user, write_server
from tests.conftest import NewConfig
from tests.secured.token_server import AUDIENCE, TokenServer, token_server

PASSWORD = "pass;word-not-to-be-seen"  # noqa: S105 - of a test
CLIENT_SECRET = "client-secret%41+not:to=be seen"  # noqa: S105
KEY_PASSWORD = "key-password-not-to-be-seen"  # noqa: S105
USER, CLIENT_ID, CLIENT = "alice", "headcount", "client.test"
LISTENERS = ("mtls", "plain", "scram", "oauth")
_UNUSABLE = ("otherhost", "expired", "renamed")
"""Listeners whose certificates are wrong, the last one's for the name that it advertises."""
_PROTOCOLS = dict.fromkeys(("mtls", *_UNUSABLE), "SSL") | dict.fromkeys(LISTENERS[1:], "SASL_SSL")
_VALIDATOR = "org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallbackHandler"


@dataclass(frozen=True, slots=True)
class SecuredBroker:
    """A running broker; `broker` has a plaintext listener, for a super user."""

    broker: Broker
    folder: Path
    ports: dict[str, int]
    tokens: TokenServer

    def servers(self, listener: str) -> str:
        """The address of a listener."""
        return f"{LOOPBACK}:{self.ports[listener]}"

    def config(self, listener: str, **changes: str) -> Path:
        """Write a client's file for a listener; changes name settings, with _ for each dot."""
        named = {name.replace("_", "."): value for name, value in changes.items()}
        path = self.folder / f"{listener}-{len(list(self.folder.glob('*.properties')))}.properties"
        lines = (f"{name}={value}\n" for name, value in (self._settings(listener) | named).items())
        path.touch(mode=0o600)
        path.write_text("".join(lines))
        return path

    def cluster(self, listener: str, **changes: str) -> Cluster:
        """A listener with the settings of such a file."""
        return Cluster(self.servers(listener), config_file.load(self.config(listener, **changes)))

    def _settings(self, listener: str) -> dict[str, str]:
        common = {
            "bootstrap.servers": self.servers(listener),
            "security.protocol": _PROTOCOLS[listener],
            "ssl.ca.location": str(self.folder / "authority.pem"),
        }
        return (
            common
            | {
                **{name: {} for name in _UNUSABLE},
                "mtls": {
                    "ssl.certificate.location": str(self.folder / "client.pem"),
                    "ssl.key.location": str(self.folder / "client.key"),
                    "ssl.key.password": KEY_PASSWORD,
                },
                "plain": {
                    "sasl.mechanism": "PLAIN",
                    "sasl.username": USER,
                    "sasl.password": PASSWORD,
                },
                "scram": {
                    "sasl.mechanism": "SCRAM-SHA-512",
                    "sasl.username": USER,
                    "sasl.password": PASSWORD,
                },
                "oauth": {
                    "sasl.mechanism": "OAUTHBEARER",
                    "sasl.oauthbearer.method": "oidc",
                    "sasl.oauthbearer.token.endpoint.url": self.tokens.token_url,
                    "sasl.oauthbearer.client.id": CLIENT_ID,
                    "sasl.oauthbearer.client.secret": CLIENT_SECRET,
                    "https.ca.location": str(self.folder / "authority.pem"),
                },
            }[listener]
        )

    def secrets(self) -> list[str]:
        """Return what must not be seen: passwords, tokens, and the beginnings of a client's key."""
        opened = (self.folder / "client-open.key").read_bytes()
        keys = (opened.decode(), certificate_files.private_key(opened, None))
        passwords = (PASSWORD, CLIENT_SECRET, KEY_PASSWORD)
        return [*passwords, *(key.splitlines()[1] for key in keys), *self.tokens.tokens]

    def allow(self, topic: str, operations: Iterable[AclOperation]) -> None:
        """Create a topic, and let every user of the listeners do these operations on it."""
        ensure_topic(self.broker.cluster, topic, 4, timeout_s=120)
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap_servers})
        users = (f"User:{USER}", f"User:{CLIENT_ID}", f"User:{CLIENT}")
        rules = [
            AclBinding(
                *(ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, user, "*"),
                *(operation, AclPermissionType.ALLOW),
            )
            for user in users
            for operation in operations
        ]
        for future in admin.create_acls(rules).values():
            future.result(timeout=60)


@contextlib.contextmanager
def secured_broker(new_config: NewConfig, folder: Path) -> Iterator[SecuredBroker]:
    """Run a broker with the four listeners for the block."""
    authority = trustme.CA()
    _write_certificates(authority, folder)
    certificate = authority.issue_cert(LOOPBACK)
    with token_server(CLIENT_ID, CLIENT_SECRET, certificate) as tokens:
        config, ports = _config(new_config, folder, tokens)
        with Broker(config) as broker:
            add_scram_user(broker, USER, PASSWORD)
            yield SecuredBroker(broker, folder, ports, tokens)


def _write_certificates(authority: trustme.CA, folder: Path) -> None:
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    server = authority.issue_cert(LOOPBACK, "localhost")
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    for name, certificate in {
        "server": server,
        "otherhost": authority.issue_cert("elsewhere.test"),
        "expired": authority.issue_cert(LOOPBACK, not_before=long_ago, not_after=long_ago),
        "renamed": authority.issue_cert(LOOPBACK),
    }.items():
        write_server(folder / f"{name}.pem", certificate)
    client = authority.issue_cert(CLIENT, common_name=CLIENT)
    client.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    (folder / "client.key").write_bytes(_encrypted(client.private_key_pem.bytes()))
    (folder / "client-open.key").write_bytes(client.private_key_pem.bytes())


def _encrypted(key_pem: bytes) -> bytes:
    key = load_pem_private_key(key_pem, None)
    encryption = BestAvailableEncryption(KEY_PASSWORD.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _config(
    new_config: NewConfig, folder: Path, tokens: TokenServer
) -> tuple[BrokerConfig, dict[str, int]]:
    (member,) = Membership.of_cluster(1)
    ports = {name: free_port() for name in _PROTOCOLS}
    bound = [f"CLIENTS://{LOOPBACK}:{member.ports[0]}"]
    bound += [f"{name.upper()}://{LOOPBACK}:{port}" for name, port in ports.items()]
    protocols = [f"{name.upper()}:{protocol}" for name, protocol in _PROTOCOLS.items()]
    controller = f"CONTROLLER://{LOOPBACK}:{member.controller_ports[0]}"
    settings = {
        "listeners": ",".join((*bound, controller)),
        "advertised.listeners": ",".join(
            place.replace(LOOPBACK, "localhost") if place.startswith("RENAMED") else place
            for place in bound
        ),
        "listener.security.protocol.map": ",".join(
            ("CLIENTS:PLAINTEXT", "CONTROLLER:PLAINTEXT", *protocols)
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "server.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "authority.pem"),
        **{
            f"listener.name.{name}.ssl.keystore.{key}": value
            for name in _UNUSABLE
            for key, value in (("type", "PEM"), ("location", str(folder / f"{name}.pem")))
        },
        "listener.name.mtls.ssl.client.auth": "required",
        "listener.name.mtls.ssl.principal.mapping.rules": r"RULE:^.*CN=([^,]+).*$/$1/,DEFAULT",
        "listener.name.plain.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.plain.plain.sasl.jaas.config": jaas.write(
            jaas.PLAIN, {f"user_{USER}": PASSWORD}
        ),
        "listener.name.scram.sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.scram.scram-sha-512.sasl.jaas.config": jaas.write(jaas.SCRAM, {}),
        "listener.name.oauth.sasl.enabled.mechanisms": "OAUTHBEARER",
        "listener.name.oauth.oauthbearer.sasl.jaas.config": jaas.write(jaas.OAUTH, {}),
        "listener.name.oauth.oauthbearer.sasl.server.callback.handler.class": _VALIDATOR,
        "listener.name.oauth.oauthbearer.connections.max.reauth.ms": "10000",
        "sasl.oauthbearer.jwks.endpoint.url": tokens.keys_url,
        "sasl.oauthbearer.expected.audience": AUDIENCE,
        "sasl.oauthbearer.expected.issuer": tokens.url,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    config = new_config(folder / "broker")
    return (
        BrokerConfig(
            config.java,
            config.jars,
            config.data_dir,
            config.environ,
            membership=member,
            settings=settings,
            jvm_options=(f"-D{ALLOWED_URLS}={tokens.keys_url}",),
        ),
        ports,
    )
