"""Certificates and keys in files: PEM, PKCS #12, and Java's own format (JKS), read as PEM."""

from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12
from pydantic import SecretStr

from headcount.kafka_settings import java_key_store
from headcount.kafka_settings.certificate_errors import CertificateFileError
from headcount.kafka_settings.settings import KeyPair

_PEM = serialization.Encoding.PEM
_BEGIN = b"-----BEGIN"


def authorities(content: bytes, password: str | None) -> str:
    """Return every certificate of a file as PEM. CertificateFileError if there is none."""
    if java_key_store.is_one(content):
        certificates = java_key_store.parse(content, password).certificates
    elif _BEGIN in content:
        certificates = _certificates_of_pem(content)
    else:
        store = _pkcs12(content, password)
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
        key = java_key_store.unlocked(store.protected_key, key_password or password or "")
        return _pair(_as_pem(store.chain), private_key(key, None))
    if _BEGIN in content:
        certificates = _as_pem(_certificates_of_pem(content))
        return _pair(certificates, private_key(content, key_password or password))
    pkcs = _pkcs12(content, password)
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


def _pair(certificate_pem: str, key_pem: str) -> KeyPair:
    return KeyPair(certificate_pem=certificate_pem, key_pem=SecretStr(key_pem))


def _key_as_pem(key: PrivateKeyTypes) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(_PEM, form, serialization.NoEncryption()).decode()


def _as_pem(certificates: Iterable[x509.Certificate]) -> str:
    return "".join(certificate.public_bytes(_PEM).decode() for certificate in certificates)


def _certificates_of_pem(content: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise CertificateFileError("it has no valid PEM certificate") from None


def _pkcs12(content: bytes, password: str | None) -> pkcs12.PKCS12KeyAndCertificates:
    try:
        return pkcs12.load_pkcs12(content, None if password is None else password.encode())
    except ValueError:
        raise CertificateFileError(
            "it is neither PEM nor JKS; if it is PKCS #12, its password is wrong"
        ) from None


def read(path: str) -> bytes:
    """Read a file. CertificateFileError if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CertificateFileError(reason) from None
