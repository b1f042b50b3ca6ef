"""`headcount doctor`: prints what is ok, and each problem with its remedy."""

import shutil
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from headcount.cli.commands import doctor as doctor_module
from headcount.cli.commands.doctor import doctor
from headcount.stack.broker import Broker

pytestmark = pytest.mark.e2e


def asked(reports: Path, *options: str, **environ: str) -> Result:
    """Run the command."""
    command = ["--reports-dir", str(reports), *options]
    return CliRunner().invoke(doctor, command, standalone_mode=False, env=environ)


def test_all_is_well(tmp_path: Path, broker: Broker, cache: Path) -> None:
    """After a run, everything is there, and a broker that answers is named."""
    result = asked(tmp_path, "--bootstrap-servers", broker.bootstrap_servers)
    assert result.return_value == 0, result.output
    assert "ok" in result.output.split()
    assert "problem" not in result.output
    assert f"{broker.cluster_id}, PLAINTEXT" in result.output
    for name in ("Python", "Java", "cache", "disk of the reports", "port of the service"):
        assert name in result.output
    assert str(cache) in result.output


def test_a_cache_that_cannot_be_made(tmp_path: Path) -> None:
    """The message names the variable that fixes it."""
    (tmp_path / "file").write_text("")
    result = asked(tmp_path, HEADCOUNT_CACHE=str(tmp_path / "file" / "cache"))
    assert result.return_value == 5
    assert "set HEADCOUNT_CACHE to a writable folder" in result.output


def test_a_fresh_cache(tmp_path: Path) -> None:
    """Missing jars are not an error."""
    result = asked(tmp_path, HEADCOUNT_CACHE=str(tmp_path / "cache"))
    assert result.return_value == 0, result.output
    assert "the first run fetches them" in result.output


def test_no_java(tmp_path: Path) -> None:
    """HEADCOUNT_JAVA names a folder without Java."""
    result = asked(tmp_path, HEADCOUNT_JAVA=str(tmp_path))
    assert result.return_value == 5
    assert "no usable Java 17 or newer" in result.output


def test_no_broker(tmp_path: Path) -> None:
    """Nothing listens at the address."""
    result = asked(tmp_path, "--bootstrap-servers", "127.0.0.1:1")
    assert result.return_value == 5
    assert "127.0.0.1:1" in result.output


def test_a_disk_that_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how much space is free, and how much is needed."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**29))
    result = asked(tmp_path)
    assert result.return_value == 5
    assert "0.5 GiB free" in result.output
    assert "free at least 2 GiB" in result.output


def test_a_port_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not an error: another port is used."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(doctor_module, "_PORTS", {"Kafka": port})
        result = asked(tmp_path)
    assert result.return_value == 0, result.output
    assert f"{port} is in use; a run will pick a free port" in result.output
