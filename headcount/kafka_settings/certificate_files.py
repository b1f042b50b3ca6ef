"""Certificates and keys in files: PEM, PKCS #12, and Java's own format (JKS), read as PEM.

The layout of a JKS file is that of `sun.security.provider.JavaKeyStore` in OpenJDK: a magic number,
entries of certificates (tag 2) or keys (tag 1), and a SHA-1 digest over password and content.
"""

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import pkcs12

_JKS_MAGIC = b"\xfe\xed\xfe\xed"
_JKS_SALT = b"Mighty Aphrodite"
_KEY, _CERTIFICATE = 1, 2
_PEM = serialization.Encoding.PEM
_BEGIN = b"-----BEGIN"


class CertificateFileError(Exception):
    """A file cannot be used; the message says why, without any of its content."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A client's certificate with its chain, and its key (PKCS #8, not encrypted), as PEM."""

    certificate_pem: str
    key_pem: str = field(repr=False)


def authorities(content: bytes, password: str | None) -> str:
    """Return every certificate of a file as PEM. CertificateFileError if there is none."""
    if content.startswith(_JKS_MAGIC):
        certificates = _jks(content, password).certificates
    elif _BEGIN in content:
        certificates = _certificates_of_pem(content)
    else:
        store = _pkcs12(content, password)
        first = [] if store.cert is None else [store.cert.certificate]
        certificates = [*first, *(each.certificate for each in store.additional_certs)]
    if not certificates:
        raise CertificateFileError("it has no certificate")
    return _as_pem(certificates)


def key_pair(content: bytes, password: str | None, key_password: str | None) -> KeyPair:
    """Return the key and the certificates of a key store. CertificateFileError if it has none."""
    if content.startswith(_JKS_MAGIC):
        store = _jks(content, password)
        if store.protected_key is None:
            raise CertificateFileError("it has no key")
        key = _unlocked(store.protected_key, key_password or password or "")
        return KeyPair(_as_pem(store.chain), private_key(key, None))
    if _BEGIN in content:
        certificates = _as_pem(_certificates_of_pem(content))
        return KeyPair(certificates, private_key(content, key_password or password))
    pkcs = _pkcs12(content, password)
    if pkcs.key is None or pkcs.cert is None:
        raise CertificateFileError("it has no key with a certificate")
    chain = [pkcs.cert.certificate, *(each.certificate for each in pkcs.additional_certs)]
    return KeyPair(_as_pem(chain), _key_as_pem(pkcs.key))


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


def _key_as_pem(key: PrivateKeyTypes) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(_PEM, form, serialization.NoEncryption()).decode()


def _as_pem(certificates: Iterable[x509.Certificate]) -> str:
    return "".join(each.public_bytes(_PEM).decode() for each in certificates)


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
            "it is neither PEM nor JKS, and PKCS #12 only with another password"
        ) from None


@dataclass(slots=True)
class _JavaStore:
    """The entries of a JKS file."""

    certificates: list[x509.Certificate] = field(default_factory=list)
    chain: list[x509.Certificate] = field(default_factory=list)
    protected_key: bytes | None = None


@dataclass(slots=True)
class _StoreContent:
    content: bytes
    at: int = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f">{form}", self.content, self.at)
        self.at += struct.calcsize(f">{form}")
        return int(value)

    def bytes(self, form: str) -> bytes:
        """Read a length in a format of `struct`, and as many bytes."""
        size = self.number(form)
        self.at += size
        return self.content[self.at - size : self.at]


def _jks(content: bytes, password: str | None) -> _JavaStore:
    if password is not None:
        digest = hashlib.sha1(_java_bytes(password) + _JKS_SALT + content[:-20])  # noqa: S324
        if digest.digest() != content[-20:]:
            raise CertificateFileError("its password is another one")
    try:
        return _entries(_StoreContent(content, len(_JKS_MAGIC)))
    except (struct.error, ValueError):
        raise CertificateFileError("it is a damaged key store of Java") from None


def _entries(reader: _StoreContent) -> _JavaStore:
    store = _JavaStore()
    reader.number("i")  # version
    for _ in range(reader.number("i")):
        tag = reader.number("i")
        reader.bytes("H")  # alias
        reader.number("q")  # date
        if tag == _CERTIFICATE:
            store.certificates.append(_java_certificate(reader))
        elif tag == _KEY:
            store.protected_key = reader.bytes("i")
            store.chain = [_java_certificate(reader) for _ in range(reader.number("i"))]
        else:
            raise CertificateFileError("it has entries other than certificates and keys")
    return store


def _java_certificate(reader: _StoreContent) -> x509.Certificate:
    reader.bytes("H")  # type, X.509
    return x509.load_der_x509_certificate(reader.bytes("i"))


def _unlocked(protected: bytes, password: str) -> bytes:
    """Decrypt a key of a JKS file, as `sun.security.provider.KeyProtector` does."""
    info = _encrypted_data(protected)
    salt, encrypted, check = info[:20], info[20:-20], info[-20:]
    stream, block, secret = b"", salt, _java_bytes(password)
    while len(stream) < len(encrypted):
        block = hashlib.sha1(secret + block).digest()  # noqa: S324 - the format's own
        stream += block
    key = bytes(a ^ b for a, b in zip(encrypted, stream, strict=False))
    if hashlib.sha1(secret + key).digest() != check:  # noqa: S324
        raise CertificateFileError("the password of its key is another one")
    return key


def _encrypted_data(info: bytes) -> bytes:
    """Return the octets of an EncryptedPrivateKeyInfo (RFC 5958): its last DER element."""
    outer, _ = _der_content(info)
    _, algorithm_end = _der_content(outer)
    data, _ = _der_content(outer[algorithm_end:])
    return data


def _der_content(content: bytes) -> tuple[bytes, int]:
    """Return the content of the first DER element, and where the element ends."""
    length, start = content[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(content[2:start], "big")
    return content[start : start + length], start + length


def _java_bytes(password: str) -> bytes:
    return password.encode("utf-16-be")


def read(path: str) -> bytes:
    """Read a file. CertificateFileError if it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CertificateFileError(reason) from None
