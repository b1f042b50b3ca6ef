"""The trust store: lets Java trust the certificate authorities that Python trusts.

A runtime brings authorities of its own. Behind a proxy that inspects TLS those are not enough,
though the machine's own bundle, which Python uses, has the proxy's.
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
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.\d+")  # the only names that OpenSSL reads in a folder


def trust_options(environ: Mapping[str, str], cache: Path) -> list[str]:
    """The options that make a JVM trust what Python trusts; the store is made where it is missing.

    Raises:
        PartError: The bundle that SSL_CERT_FILE or SSL_CERT_DIR names cannot be used.
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
    """Every file of certificates that Python's `ssl` would read, with its content."""
    paths = ssl.get_default_verify_paths()
    file, folder = environ.get("SSL_CERT_FILE"), environ.get("SSL_CERT_DIR")
    if file:
        yield Path(file), _read(Path(file), "SSL_CERT_FILE")
    if folder:
        yield from _hashed_files(folder)
    if file or folder:
        return
    found = False
    if Path(paths.openssl_cafile).is_file():
        found = True
        yield Path(paths.openssl_cafile), Path(paths.openssl_cafile).read_bytes()
    for path, content in _hashed_files(paths.openssl_capath):
        found = True
        yield path, content
    if not found:
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
            f"{variable}={path} cannot be read: {error.strerror}; mend or unset it"
        ) from error


def _digest(bundles: Mapping[Path, bytes]) -> str:
    digest = hashlib.sha256()
    for content in bundles.values():
        digest.update(content)
    return digest.hexdigest()[:16]


def _certificates(bundles: Mapping[Path, bytes]) -> dict[str, x509.Certificate]:
    """The certificates by fingerprint: a bundle and a folder hold many of them twice."""
    found: dict[str, x509.Certificate] = {}
    for path, content in bundles.items():
        blocks = _CERTIFICATE.findall(content)
        if len(blocks) != content.count(_BEGIN):
            raise PartError(f"the certificates in {path} are cut off: restore the file")
        for block in blocks:
            certificate = _parsed(block)
            if certificate is not None:
                found[hashlib.sha256(block).hexdigest()] = certificate
    if not found:
        names = ", ".join(str(path) for path in bundles) or "any folder that Python reads"
        raise PartError(
            f"no certificate in {names}: let SSL_CERT_FILE name a file of PEM certificates"
        )
    return found


def _parsed(block: bytes) -> x509.Certificate | None:
    """The certificate, or None: bundles hold old ones that strict parsers refuse, and few need."""
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
