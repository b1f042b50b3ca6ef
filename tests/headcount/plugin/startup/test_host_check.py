"""The host check: a service that is provably absent is reported before the load."""

import socket
import subprocess
import sys
from pathlib import Path

from headcount.stack.ports import free_port
from tests.headcount.plugin.counting_service import counting_service

# The package imports Locust, which patches the standard library of its process.
PROGRAM = """
import sys
from headcount.errors import PartError
from headcount.plugin.startup.host_check import connect

for url in sys.argv[1:]:
    try:
        connect(url, 0.5)
        print("there")
    except PartError as error:
        print(error)
"""


def check(tmp_path: Path, *urls: str) -> list[str]:
    """Return the result for each address."""
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, str(tmp_path / "program.py"), *urls]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_the_host_is_checked(tmp_path: Path) -> None:
    """A refusal or an unknown name is reported, without the password; a slow host is not."""
    port = free_port()
    with counting_service() as service, socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        there, refused, nowhere, hanging = check(
            tmp_path,
            service.url,
            f"http://me:secret@127.0.0.1:{port}",
            "https://no-such-host.invalid/shop",
            f"http://127.0.0.1:{deaf.getsockname()[1]}",
        )
    assert there == hanging == "there"
    assert refused.startswith(f"connection refused: nothing listens at http://127.0.0.1:{port}; ")
    assert "'no-such-host.invalid' has no address" in nowhere
    assert "secret" not in refused
