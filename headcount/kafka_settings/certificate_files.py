"""Certificates and keys in files: PEM, PKCS #12, and Java's own format (JKS), read as PEM."""

import warnings
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.utils import CryptographyDeprecationWarning
from pydantic import SecretStr

from headcount.kafka_settings import java_key_store
from headcount.kafka_settings.certificate_errors import CertificateFileError
from headcount.kafka_settings.settings import KeyPair

_PEM = serialization.Encoding.PEM
_BEGIN = b"-----BEGIN"
_SEQUENCE = b"\x30"
"""The first byte of PKCS #12, which is a sequence in DER."""
_NO_PASSWORD = "it is encrypted: ssl.{}store.password is missing"  # noqa: S105 - of a message
_WRONG_PASSWORD = "it is not PKCS #12, or ssl.{}store.password is wrong"  # noqa: S105


def authorities(content: bytes, password: str | None) -> str:
    """Return every certificate of a file as PEM. CertificateFileError if there is none."""
    if java_key_store.is_one(content):
        certificates = java_key_store.parse(content, password).certificates
    elif _BEGIN in content:
        certificates = _certificates_of_pem(content)
    else:
        store = _pkcs12(content, password, "trust")
        first = [] if store.cert is None else [store.cert.certificate]
        certificates = [
            *first,
            *(certificate.certificate for certificate in store.additional_certs),
        ]
    if not certificates:
        raise CertificateFileError("it has no certificate")
    return _as_pem(certificates)


def key_pair(content: bytes, password: str | None, key_password: str | None) -> KeyPair:
    """Return the key and the certificates of a key store. CertificateFileError if it has none."""
    if java_key_store.is_one(content):
        store = java_key_store.parse(content, password)
        if store.protected_key is None:
            raise CertificateFileError("it has no key")
        if not (key_password or password):
            raise CertificateFileError(_NO_PASSWORD.format("key"))
        key = java_key_store.unlocked(store.protected_key, key_password or password or "")
        return _pair(_as_pem(store.chain), private_key(key, None))
    if _BEGIN in content:
        certificates = _as_pem(_certificates_of_pem(content))
        return _pair(certificates, private_key(content, key_password or password))
    pkcs = _pkcs12(content, password, "key")
    if pkcs.key is None or pkcs.cert is None:
        raise CertificateFileError("it has no key with a certificate")
    chain = [
        pkcs.cert.certificate,
        *(certificate.certificate for certificate in pkcs.additional_certs),
    ]
    return _pair(_as_pem(chain), _key_as_pem(pkcs.key))


def private_key(content: bytes, password: str | None) -> str:
    """Return a private key, PEM or DER, as unencrypted PKCS #8 in PEM. CertificateFileError."""
    load = serialization.load_pem_private_key
    if _BEGIN not in content:
        load = serialization.load_der_private_key
    try:
        key = load(content, None if password is None else password.encode())
    except TypeError:
        if password is not None:  # a password for a key without one does no harm
            return private_key(content, None)
        raise CertificateFileError("the key is encrypted: ssl.key.password is missing") from None
    except (ValueError, UnsupportedAlgorithm):
        wrong = "" if password is None else ", or ssl.key.password is wrong"
        raise CertificateFileError(f"it is not a private key{wrong}") from None
    return _key_as_pem(key)


def check_pair(certificate_pem: str, key_pem: str) -> None:
    """Check that a key is that of the first certificate. CertificateFileError."""
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    if key.public_key() != certificate.public_key():
        raise CertificateFileError("it is the key of another certificate")


def _pair(certificate_pem: str, key_pem: str) -> KeyPair:
    return KeyPair(certificate_pem=certificate_pem, key_pem=SecretStr(key_pem))


def _key_as_pem(key: PrivateKeyTypes) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(_PEM, form, serialization.NoEncryption()).decode()


def _as_pem(certificates: Iterable[x509.Certificate]) -> str:
    return "".join(certificate.public_bytes(_PEM).decode() for certificate in certificates)


def _certificates_of_pem(content: bytes) -> list[x509.Certificate]:
    try:
        # Certificates of old authorities may break today's rules; cryptography would warn of them.
        with warnings.catch_warnings(action="ignore", category=CryptographyDeprecationWarning):
            return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise CertificateFileError("it has no valid PEM certificate") from None


def _pkcs12(content: bytes, password: str | None, kind: str) -> pkcs12.PKCS12KeyAndCertificates:
    try:
        return pkcs12.load_pkcs12(content, None if password is None else password.encode())
    except (ValueError, UnsupportedAlgorithm):
        if not content.startswith(_SEQUENCE):
            raise CertificateFileError("it is neither PEM nor JKS nor PKCS #12") from None
        reason = _NO_PASSWORD.format(kind) if password is None else _WRONG_PASSWORD.format(kind)
        raise CertificateFileError(reason) from None


def read(path: str) -> bytes:
    """Read a file. CertificateFileError if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CertificateFileError(reason) from None
