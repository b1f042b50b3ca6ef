"""Certificates and keys that settings name, by librdkafka's names and Java's."""

import contextlib
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from headcount.errors import UsageError
from headcount.kafka_settings import certificate_files
from headcount.kafka_settings.certificate_errors import CertificateFileError
from headcount.kafka_settings.settings import KeyPair


def authorities(values: Mapping[str, str]) -> str | None:
    """Return the authorities as PEM; None if no setting names any. UsageError."""
    location = values.get("ssl.truststore.location")
    if location is None:
        return pem_authorities(values, "ssl.ca")
    with _naming(f"ssl.truststore.location={location}"):
        content = certificate_files.read(location)
        return certificate_files.authorities(content, values.get("ssl.truststore.password"))


def pem_authorities(values: Mapping[str, str], prefix: str) -> str | None:
    """Return the authorities in `PREFIX.location` or `PREFIX.pem` as PEM. UsageError."""
    content = _content(values, prefix)
    if content is None:
        return None
    with _naming(_name_of(values, prefix)):
        return certificate_files.authorities(content, None)


def key_pair(values: Mapping[str, str]) -> KeyPair | None:
    """Return the client's certificate and key; None if no setting names any. UsageError."""
    store, key_password = values.get("ssl.keystore.location"), values.get("ssl.key.password")
    if store is not None:
        with _naming(f"ssl.keystore.location={store}"):
            content = certificate_files.read(store)
            password = values.get("ssl.keystore.password")
            return certificate_files.key_pair(content, password, key_password)
    chain, key = pem_authorities(values, "ssl.certificate"), _content(values, "ssl.key")
    if chain is None and key is None:
        return None
    if chain is None or key is None:
        raise UsageError("ssl.certificate.location and ssl.key.location need each other")
    with _naming(_name_of(values, "ssl.key")):
        key_pem = SecretStr(certificate_files.private_key(key, key_password))
    return KeyPair(certificate_pem=chain, key_pem=key_pem)


@contextlib.contextmanager
def _naming(setting: str) -> Iterator[None]:
    """Turn an error of a file into a UsageError that names the setting."""
    try:
        yield
    except CertificateFileError as error:
        raise UsageError(f"{setting}: {error}") from None


def _content(values: Mapping[str, str], prefix: str) -> bytes | None:
    """Return the content of a file, or of PEM in the settings; None if neither is set."""
    location, text = values.get(f"{prefix}.location"), values.get(f"{prefix}.pem")
    if location is None:
        return None if text is None else _pem_bytes(text)
    with _naming(_name_of(values, prefix)):
        return certificate_files.read(location)


def _name_of(values: Mapping[str, str], prefix: str) -> str:
    """Name the setting that holds some PEM, with the path of a file but without PEM itself."""
    location = values.get(f"{prefix}.location")
    return f"{prefix}.pem" if location is None else f"{prefix}.location={location}"


def _pem_bytes(text: str) -> bytes:
    """Return PEM in a single line, as a properties file may have it, with its lines again."""
    for label in ("CERTIFICATE", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY"):
        text = text.replace(f"-----BEGIN {label}----- ", f"-----BEGIN {label}-----\n")
        text = text.replace(f" -----END {label}-----", f"\n-----END {label}-----\n")
    return text.encode()
