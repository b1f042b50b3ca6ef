"""Exposed files: those with secrets that other users of the machine can read."""

from pathlib import Path

import trustme

from headcount.kafka_settings import config_file
from headcount.kafka_settings.exposed_files import is_exposed
from tests.headcount.kafka_settings.test_config_file import LOGIN, SECRET, written


def test_a_file_that_others_can_read_is_noticed(tmp_path: Path) -> None:
    """Only if it has a secret itself."""
    path = written(tmp_path, LOGIN)
    assert config_file.readable_by_others(path) == []
    path.chmod(0o640)
    assert config_file.readable_by_others(path) == [path]
    path.write_text("security.protocol=SSL\n")
    assert config_file.readable_by_others(path) == []
    assert not is_exposed(tmp_path / "absent")


def test_so_is_a_file_that_the_settings_name(tmp_path: Path) -> None:
    """A key without a password, and where a reference leads; not a certificate."""
    leaf = trustme.CA().issue_cert("client.test")
    key, chain, password = (tmp_path / name for name in ("client.key", "client.pem", "password"))
    key.write_bytes(leaf.private_key_pem.bytes())
    chain.write_bytes(leaf.cert_chain_pems[0].bytes())
    password.write_text(SECRET)
    text = LOGIN.replace(SECRET, f"${{directory:{tmp_path}:password}}") + (
        f"ssl.key.location={key}\nssl.certificate.location={chain}\n"
    )
    for name in (key, chain, password):
        name.chmod(0o644)
    path = written(tmp_path, text)
    assert config_file.readable_by_others(path) == [key, password]
    single = [f"ssl.keystore.location={key}"]
    assert config_file.readable_by_others(None, single) == [key]
    for name in (key, password):
        name.chmod(0o600)
    assert config_file.readable_by_others(path) == []
    key.chmod(0o644)
    encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMA==\n-----END ENCRYPTED PRIVATE KEY-----\n"
    older = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMA==\n"
    key.write_text(encrypted + older)
    assert config_file.readable_by_others(path) == []
    key.write_bytes(encrypted.encode() + leaf.private_key_pem.bytes())
    assert config_file.readable_by_others(path) == [key]
