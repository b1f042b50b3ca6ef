"""Certificates for tests."""

import datetime as dt
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


def authority(name: str) -> bytes:
    """Make a certificate authority, in PEM."""
    return _self_signed(name, ec.generate_private_key(ec.SECP256R1()))


def write_server_certificate(path: Path) -> None:
    """Write a self-signed certificate for a server at 127.0.0.1, and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(_self_signed("127.0.0.1", key) + private)


def _self_signed(name: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(subject, subject, key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - DAY).not_valid_after(now + DAY)
    constraint = x509.BasicConstraints(ca=True, path_length=None)
    builder = builder.add_extension(constraint, critical=True)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = builder.add_extension(identifier, critical=False)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = builder.add_extension(here, critical=False).add_extension(_USAGE, critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    **dict.fromkeys(
        (
            *("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
            *("crl_sign", "encipher_only", "decipher_only"),
        ),
        False,
    ),
)
"""Strict verification requires key usage."""
