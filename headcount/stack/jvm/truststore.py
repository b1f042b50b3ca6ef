"""The trust store: lets Java trust the certificate authorities that Python trusts.

A Java runtime brings authorities of its own. Behind a proxy that inspects TLS they do not suffice:
only the machine's bundle, which Python uses, includes the proxy's authority.
"""

import hashlib
import os
import re
import ssl
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    serialize_java_truststore,
)
from cryptography.utils import CryptographyDeprecationWarning

from headcount.errors import PartError
from headcount.files import write_atomically
from headcount.stack.cache import made_folder

PASSWORD = "changeit"  # noqa: S105 - Java's own default: the store holds public certificates only

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+")  # OpenSSL reads no other files in a folder


def trust_options(environ: Mapping[str, str], cache: Path) -> list[str]:
    """Return the JVM options for a trust store with Python's authorities; create it if missing.

    Raises:
        PartError: The certificates cannot be read, are truncated, or there are none.
    """
    bundles = dict(_bundles(environ))
    store = made_folder(cache / "trust") / f"{_digest(bundles)}.p12"
    if not store.exists():
        content = _pkcs12(_certificates(bundles))
        write_atomically(store, content)
    return [
        f"-Djavax.net.ssl.trustStore={store}",
        "-Djavax.net.ssl.trustStoreType=PKCS12",
        f"-Djavax.net.ssl.trustStorePassword={PASSWORD}",
    ]


def _bundles(environ: Mapping[str, str]) -> Iterator[tuple[Path, bytes]]:
    """Yield every certificate file that Python's `ssl` would read, with its content."""
    paths = ssl.get_default_verify_paths()
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    if file:
        yield Path(file), _read(Path(file), "SSL_CERT_FILE")
    if folder:
        yield from _hashed_files(folder)
    if file or folder:
        return
    has_default = False
    if Path(paths.openssl_cafile).is_file():
        has_default = True
        yield Path(paths.openssl_cafile), Path(paths.openssl_cafile).read_bytes()
    for path, content in _hashed_files(paths.openssl_capath):
        has_default = True
        yield path, content
    if not has_default:
        yield Path(certifi.where()), Path(certifi.where()).read_bytes()


def _hashed_files(folders: str) -> Iterator[tuple[Path, bytes]]:
    for folder in filter(None, folders.split(os.pathsep)):
        for path in sorted(Path(folder).glob("*.[0-9]*")):
            if _HASHED_NAME.fullmatch(path.name) and path.is_file():
                yield path, path.read_bytes()


def _read(path: Path, variable: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PartError(
            f"{variable}={path} cannot be read: {error.strerror}; correct or unset it"
        ) from error


def _digest(bundles: Mapping[Path, bytes]) -> str:
    digest = hashlib.sha256()
    for content in bundles.values():
        digest.update(content)
    return digest.hexdigest()[:16]


def _certificates(bundles: Mapping[Path, bytes]) -> dict[str, x509.Certificate]:
    """Parse the certificates, keyed by fingerprint: bundle and folder often hold the same ones."""
    certificates: dict[str, x509.Certificate] = {}
    for path, content in bundles.items():
        blocks = _CERTIFICATE.findall(content)
        if len(blocks) != content.count(_BEGIN):
            raise PartError(f"the certificates in {path} are truncated: restore the file")
        for block in blocks:
            certificate = _parse(block)
            if certificate is not None:
                certificates[hashlib.sha256(block).hexdigest()] = certificate
    if not certificates:
        names = ", ".join(str(path) for path in bundles) or "any folder that Python reads"
        raise PartError(
            f"no certificate in {names}: set SSL_CERT_FILE to a file of PEM certificates"
        )
    return certificates


def _parse(block: bytes) -> x509.Certificate | None:
    """Parse a certificate; None for one, often an old one, that a strict parser rejects."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        try:
            return x509.load_pem_x509_certificate(block)
        except ValueError:
            return None


def _pkcs12(certificates: Mapping[str, x509.Certificate]) -> bytes:
    entries: Iterable[PKCS12Certificate] = (
        PKCS12Certificate(certificate, alias.encode())
        for alias, certificate in certificates.items()
    )
    return serialize_java_truststore(list(entries), BestAvailableEncryption(PASSWORD.encode()))
