"""A secure listener of the embedded broker: TLS and SCRAM, with the file that a client needs.

It lets a service be tried with a secured cluster on one machine. The broker's plaintext listener on
the loopback address remains: with it the broker talks to itself.
"""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import trustme
from confluent_kafka.admin import (  # type: ignore[attr-defined] # it re-exports them
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from headcount.kafka_settings import certificate_files, jaas
from headcount.stack.broker import Broker
from headcount.stack.broker_config import Membership
from headcount.stack.ports import LOOPBACK, free_port

USER = "headcount"
CLIENT_FILE = "client.properties"
_NAME = "SECURE"
_MECHANISM = "SCRAM-SHA-512"
_ITERATIONS = 4096
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class SecureListener:
    """A listener, and the folder with its certificates and the client's file."""

    folder: Path
    port: int

    @property
    def client_file(self) -> Path:
        """The settings of a client, with its password."""
        return self.folder / CLIENT_FILE

    def broker_settings(self, member: Membership) -> dict[str, str]:
        """Return the broker's settings that add this listener to its own."""
        clients = f"CLIENTS://{LOOPBACK}:{member.ports[member.index]}"
        secure = f"{_NAME}://{LOOPBACK}:{self.port}"
        controller = f"CONTROLLER://{LOOPBACK}:{member.controller_ports[member.index]}"
        prefix = f"listener.name.{_NAME.lower()}"
        return {
            "listeners": f"{clients},{secure},{controller}",
            "advertised.listeners": f"{clients},{secure}",
            "listener.security.protocol.map": (
                f"CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,{_NAME}:SASL_SSL"
            ),
            f"{prefix}.ssl.keystore.type": "PEM",
            f"{prefix}.ssl.keystore.location": str(self.folder / "server.pem"),
            f"{prefix}.sasl.enabled.mechanisms": _MECHANISM,
            f"{prefix}.{_MECHANISM.lower()}.sasl.jaas.config": jaas.write(jaas.SCRAM, {}),
        }

    def add_user(self, broker: Broker) -> None:
        """Create the user with a new password, and write the client's file."""
        password = secrets.token_urlsafe(24)
        add_scram_user(broker, USER, password)
        self.client_file.touch(mode=0o600)
        self.client_file.write_text(self._client_settings(password), "utf-8")

    def _client_settings(self, password: str) -> str:
        return (
            f"bootstrap.servers={LOOPBACK}:{self.port}\n"
            "security.protocol=SASL_SSL\n"
            f"ssl.ca.location={self.folder / 'authority.pem'}\n"
            f"sasl.mechanism={_MECHANISM}\n"
            f"sasl.username={USER}\n"
            f"sasl.password={password}\n"
        )


@contextlib.contextmanager
def secure_listener() -> Iterator[SecureListener]:
    """Make certificates for a listener in a private folder, which is removed after the block."""
    with TemporaryDirectory(prefix="headcount-secure-") as folder:
        path = Path(folder)
        authority = trustme.CA()
        write_server(path / "server.pem", authority.issue_cert(LOOPBACK, "localhost"))
        authority.cert_pem.write_to_path(str(path / "authority.pem"))
        yield SecureListener(path, free_port())


def write_server(path: Path, certificate: trustme.LeafCert) -> None:
    """Write a key and its certificates for a broker, which reads keys as PKCS #8 only."""
    key = certificate_files.private_key(certificate.private_key_pem.bytes(), None)
    chain = b"".join(part.bytes() for part in certificate.cert_chain_pems).decode()
    path.write_text(key + chain, "ascii")


def add_scram_user(broker: Broker, user: str, password: str) -> None:
    """Over the broker's plaintext listener, create a user who logs in with SCRAM-SHA-512."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, _ITERATIONS)
    change = UserScramCredentialUpsertion(user, info, password.encode())
    for future in admin.alter_user_scram_credentials([change]).values():
        future.result(timeout=_TIMEOUT_S)
