"""Certificates and keys: the same, whatever format the file has."""

import ssl
import subprocess
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)

from headcount.kafka_settings.certificate_errors import CertificateFileError
from headcount.kafka_settings.certificate_files import (
    authorities,
    check_pair,
    key_pair,
    private_key,
)
from headcount.kafka_settings.settings import KeyPair
from headcount.stack.jvm.java import Java
from tests.needs import lacking

PASSWORD, KEY_PASSWORD = "store-password", "other-password"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """An authority."""
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA) -> trustme.LeafCert:
    """A client's certificate and key."""
    return authority.issue_cert("client.test")


def pkcs12_of(certificate: trustme.LeafCert, authority: trustme.CA) -> bytes:
    """A PKCS #12 store with the key, its certificate and the authority."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    own = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
    root = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    encryption = BestAvailableEncryption(PASSWORD.encode())
    return pkcs12.serialize_key_and_certificates(b"client", key, own, [root], encryption)  # type: ignore[arg-type] # trustme's keys are of such a kind


@pytest.fixture(scope="module")
def keytool(java: Java) -> Path:
    """Java's own tool for key stores."""
    path = java.home / "bin" / "keytool"
    if not path.exists():
        lacking("this Java has no keytool")
    return path


def jks(
    keytool: Path, folder: Path, authority: trustme.CA, certificate: trustme.LeafCert
) -> tuple[bytes, bytes]:
    """A trust store and a key store in Java's own format, whose key has another password."""
    (folder / "ca.pem").write_bytes(authority.cert_pem.bytes())
    (folder / "client.p12").write_bytes(pkcs12_of(certificate, authority))
    store: list[str | Path] = ["-storetype", "JKS", "-storepass", PASSWORD, "-noprompt"]
    subprocess.run(
        [
            *(keytool, "-importcert", "-alias", "ca", "-file", folder / "ca.pem"),
            *("-keystore", folder / "trust.jks", *store),
        ],
        check=True,
        capture_output=True,
    )
    subprocess.run(
        [
            *(keytool, "-importkeystore", "-srckeystore", folder / "client.p12"),
            *("-srcstoretype", "PKCS12", "-srcstorepass", PASSWORD, "-srcalias", "client"),
            *("-destkeystore", folder / "key.jks", "-deststoretype", "JKS"),
            *("-deststorepass", PASSWORD, "-destkeypass", KEY_PASSWORD, "-noprompt"),
        ],
        check=True,
        capture_output=True,
    )
    return (folder / "trust.jks").read_bytes(), (folder / "key.jks").read_bytes()


def same_key(pair: KeyPair, certificate: trustme.LeafCert) -> bool:
    """Return whether a pair has the certificate's own key."""
    wanted = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    read = load_pem_private_key(pair.key_pem.get_secret_value().encode(), None)
    form = (Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return read.private_bytes(*form) == wanted.private_bytes(*form)


def test_pkcs12_and_pem_say_the_same(authority: trustme.CA, certificate: trustme.LeafCert) -> None:
    """Key, certificate and authorities are read from either."""
    store = pkcs12_of(certificate, authority)
    pem = certificate.private_key_and_cert_chain_pem.bytes()
    for pair in (key_pair(store, PASSWORD, None), key_pair(pem, None, None)):
        assert pair.certificate_pem.startswith(certificate.cert_chain_pems[0].bytes().decode())
        assert same_key(pair, certificate)
    assert authority.cert_pem.bytes().decode() in authorities(store, PASSWORD)


@pytest.mark.e2e
def test_java_s_own_format_is_read(
    keytool: Path, tmp_path: Path, authority: trustme.CA, certificate: trustme.LeafCert
) -> None:
    """A trust store, and a key with a password of its own, as keytool writes them."""
    trust, keys = jks(keytool, tmp_path, authority, certificate)
    assert authorities(trust, PASSWORD) == authority.cert_pem.bytes().decode()
    assert authorities(trust, None) == authorities(trust, PASSWORD)
    pair = key_pair(keys, PASSWORD, KEY_PASSWORD)
    assert same_key(pair, certificate)
    assert pair.certificate_pem.startswith(certificate.cert_chain_pems[0].bytes().decode())
    with pytest.raises(CertificateFileError, match="its password is wrong"):
        authorities(trust, "wrong")
    with pytest.raises(CertificateFileError, match="the password of its key is wrong"):
        key_pair(keys, PASSWORD, PASSWORD)
    with pytest.raises(CertificateFileError, match=r"ssl\.keystore\.password is missing"):
        key_pair(keys, None, None)
    with pytest.raises(CertificateFileError, match="damaged"):
        authorities(trust[:-60], None)


def test_a_key_loses_its_password(certificate: trustme.LeafCert) -> None:
    """It is kept in memory only, in the one form that every client reads."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    encryption = BestAvailableEncryption(KEY_PASSWORD.encode())
    for encoding in (Encoding.PEM, Encoding.DER):
        encrypted = key.private_bytes(encoding, PrivateFormat.PKCS8, encryption)
        plain = private_key(encrypted, KEY_PASSWORD)
        assert plain.startswith("-----BEGIN PRIVATE KEY-----")
        with pytest.raises(CertificateFileError, match=r"ssl\.key\.password is missing"):
            private_key(encrypted, None)
        with pytest.raises(CertificateFileError, match=r"ssl\.key\.password is wrong"):
            private_key(encrypted, "wrong")
    assert private_key(certificate.private_key_pem.bytes(), "needless") == plain


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no valid PEM"),
        (b"just text", "neither PEM nor JKS"),
        (b"", "neither PEM nor JKS"),
    ],
)
def test_a_file_without_certificates_is_refused(content: bytes, reason: str) -> None:
    """The message says what is wrong with it."""
    with pytest.raises(CertificateFileError, match=reason):
        authorities(content, None)


def test_a_key_of_another_certificate_is_refused(authority: trustme.CA) -> None:
    """Before a client is refused for it."""
    one, other = authority.issue_cert("one.test"), authority.issue_cert("other.test")
    key = private_key(one.private_key_pem.bytes(), None)
    chain = one.cert_chain_pems[0].bytes().decode()
    check_pair(chain, key)
    with pytest.raises(CertificateFileError, match="the key of another certificate"):
        check_pair(other.cert_chain_pems[0].bytes().decode(), key)


def test_old_authorities_are_read_without_warnings(authority: trustme.CA) -> None:
    """A machine's own may be older than today's rules, by which serial numbers are positive."""
    certificate = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    size = certificate.serial_number.bit_length() // 8 + 1
    serial = certificate.serial_number.to_bytes(size, "big")
    old = certificate.public_bytes(Encoding.DER).replace(serial, b"\x80" + serial[1:], 1)
    pem = ssl.DER_cert_to_PEM_cert(old)
    assert authorities(pem.encode(), None) == pem


def test_a_pair_does_not_show_its_key(certificate: trustme.LeafCert) -> None:
    """Its text, which an error may contain, has the certificate only."""
    pair = key_pair(certificate.private_key_and_cert_chain_pem.bytes(), None, None)
    assert "PRIVATE KEY" not in repr(pair)


@pytest.mark.e2e
def test_a_trust_store_of_keytool_s_default_format(
    keytool: Path, tmp_path: Path, authority: trustme.CA
) -> None:
    """PKCS #12, with an authority and no key."""
    (tmp_path / "ca.pem").write_bytes(authority.cert_pem.bytes())
    store = tmp_path / "trust.p12"
    subprocess.run(
        [
            *(keytool, "-importcert", "-alias", "ca", "-file", tmp_path / "ca.pem"),
            *("-keystore", store, "-storepass", PASSWORD, "-noprompt"),
        ],
        check=True,
        capture_output=True,
    )
    assert authorities(store.read_bytes(), PASSWORD) == authority.cert_pem.bytes().decode()
    with pytest.raises(CertificateFileError, match=r"ssl\.truststore\.password is wrong"):
        authorities(store.read_bytes(), "wrong")
    with pytest.raises(CertificateFileError, match=r"ssl\.truststore\.password is missing"):
        authorities(store.read_bytes(), None)
