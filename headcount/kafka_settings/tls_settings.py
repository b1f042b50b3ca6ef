"""Reads the certificates and keys that TLS settings give, be they librdkafka's or Java's."""

import contextlib
import re
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from headcount.errors import UsageError
from headcount.kafka_settings import certificate_files
from headcount.kafka_settings.certificate_errors import CertificateFileError
from headcount.kafka_settings.settings import KeyPair

_BOUNDARY = re.compile("-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_PROBED = "probe"
"""librdkafka's word for the machine's own authorities, instead of a file."""


def authorities(values: Mapping[str, str], client: str = "ssl") -> str | None:
    """Return the authorities as PEM; None if no setting names any. UsageError.

    `client` is the prefix of the settings: `ssl` for brokers and registries, `https` for the server
    that issues tokens.
    """
    location = values.get(f"{client}.truststore.location")
    if not location:
        is_probed = values.get(f"{client}.ca.location") == _PROBED
        return None if is_probed else _certificates(values, f"{client}.ca")
    with _naming(f"{client}.truststore.location={location}"):
        content = certificate_files.read(location)
        password = values.get(f"{client}.truststore.password")
        return certificate_files.authorities(content, password)


def _certificates(values: Mapping[str, str], prefix: str) -> str | None:
    """Return the certificates in `PREFIX.location` or `PREFIX.pem` as PEM. UsageError.

    They are authorities, or the client's own certificate with its chain. None if neither is set.
    """
    content = _content(values, prefix)
    if content is None:
        return None
    with _naming(_name_of(values, prefix)):
        return certificate_files.authorities(content, None)


def key_pair(values: Mapping[str, str]) -> KeyPair | None:
    """Return the client's certificate and key; None if no setting names any. UsageError."""
    store, key_password = values.get("ssl.keystore.location"), values.get("ssl.key.password")
    if store:
        with _naming(f"ssl.keystore.location={store}"):
            content = certificate_files.read(store)
            password = values.get("ssl.keystore.password")
            return certificate_files.key_pair(content, password, key_password)
    chain, key = _certificates(values, "ssl.certificate"), _content(values, "ssl.key")
    if chain is None and key is None:
        return None
    if chain is None or key is None:
        raise UsageError("ssl.certificate.location and ssl.key.location must be set together")
    with _naming(_name_of(values, "ssl.key")):
        key_pem = certificate_files.private_key(key, key_password)
        certificate_files.check_pair(chain, key_pem)
    return KeyPair(certificate_pem=chain, key_pem=SecretStr(key_pem))


@contextlib.contextmanager
def _naming(setting: str) -> Iterator[None]:
    """Turn an error of a file into a UsageError that names the setting."""
    try:
        yield
    except CertificateFileError as error:
        raise UsageError(f"{setting}: {error}") from None


def _content(values: Mapping[str, str], prefix: str) -> bytes | None:
    """Return the content of the file `PREFIX.location`, or `PREFIX.pem`; None if neither is set."""
    location, text = values.get(f"{prefix}.location"), values.get(f"{prefix}.pem")
    if not location:
        return _pem_bytes(text) if text else None
    with _naming(_name_of(values, prefix)):
        return certificate_files.read(location)


def _name_of(values: Mapping[str, str], prefix: str) -> str:
    """Name the setting that holds some PEM, with the path of a file but without PEM itself."""
    location = values.get(f"{prefix}.location")
    return f"{prefix}.location={location}" if location else f"{prefix}.pem"


def _pem_bytes(text: str) -> bytes:
    """Put the BEGIN and END of PEM on lines of their own; a properties file may have one line."""
    lines = _BOUNDARY.sub(lambda match: f"\n{match[0]}\n", text).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip()).encode()
