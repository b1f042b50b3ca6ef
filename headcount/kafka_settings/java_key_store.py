"""Java's own format of key stores (JKS), read without Java.

Its layout is that of `sun.security.provider.JavaKeyStore` in OpenJDK: a magic number, entries of
certificates (tag 2) or keys (tag 1), and a SHA-1 digest over password and content.
"""

import hashlib
import struct
from dataclasses import dataclass, field

from cryptography import x509

from headcount.kafka_settings.certificate_errors import CertificateFileError

_MAGIC = b"\xfe\xed\xfe\xed"
_SALT = b"Mighty Aphrodite"
_KEY, _CERTIFICATE = 1, 2


@dataclass(slots=True)
class JavaKeyStore:
    """The entries of a file: certificates, and the last key with its chain, still encrypted."""

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
        """Read a length in a format of `struct`, then that many bytes; return the bytes."""
        size = self.number(form)
        self.at += size
        return self.content[self.at - size : self.at]


def is_one(content: bytes) -> bool:
    """Return whether a file has Java's own format."""
    return content.startswith(_MAGIC)


def parse(content: bytes, password: str | None) -> JavaKeyStore:
    """Read a file; its digest is checked if there is a password. CertificateFileError."""
    if password is not None:
        digest = hashlib.sha1(_java_bytes(password) + _SALT + content[:-20])  # noqa: S324
        if digest.digest() != content[-20:]:
            raise CertificateFileError("its password is wrong")
    try:
        return _entries(_StoreContent(content, len(_MAGIC)))
    except (struct.error, ValueError):
        raise CertificateFileError("it is a damaged Java key store") from None


def _entries(reader: _StoreContent) -> JavaKeyStore:
    store = JavaKeyStore()
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


def unlocked(protected: bytes, password: str) -> bytes:
    """Decrypt a key of a JKS file, as `sun.security.provider.KeyProtector` does."""
    info = _encrypted_data(protected)
    salt, encrypted, check = info[:20], info[20:-20], info[-20:]
    stream, block, secret = b"", salt, _java_bytes(password)
    while len(stream) < len(encrypted):
        block = hashlib.sha1(secret + block).digest()  # noqa: S324 - the format's own
        stream += block
    key = bytes(a ^ b for a, b in zip(encrypted, stream, strict=False))
    if hashlib.sha1(secret + key).digest() != check:  # noqa: S324
        raise CertificateFileError("the password of its key is wrong")
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
