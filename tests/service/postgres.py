"""A PostgreSQL server for a test, from Debian's packages or from PATH."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from headcount.stack.ports import free_port
from tests.needs import lacking
from tests.service.waiting import eventually

DEBIAN = Path("/usr/lib/postgresql")
PLAIN_USER = "nobody"  # PostgreSQL refuses to run as root
STOP_TIMEOUT_S = 120.0


def programs() -> Path:
    """Return the folder of `initdb` and `postgres`; skip the test if there is none."""
    installed = sorted(DEBIAN.glob("*/bin/postgres"))
    on_path = shutil.which("postgres")
    if not installed and on_path is None:
        lacking("PostgreSQL is not installed: install Debian's package postgresql")
    return (installed[-1] if installed else Path(str(on_path)).resolve()).parent


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run a server on loopback until the block ends; yield its URL for SQLAlchemy."""
    bin_folder, port = programs(), free_port()
    is_root = os.geteuid() == 0
    user = PLAIN_USER if is_root else pwd.getpwuid(os.geteuid()).pw_name
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="postgres-")))
        shutil.chown(folder, user)
        data = folder / "data"
        initdb = [bin_folder / "initdb", "-D", data, "-U", "game", "--auth=trust", "--no-sync"]
        _run_as(user, is_root, initdb, folder).wait(STOP_TIMEOUT_S)
        settings = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")
        options = [part for setting in settings for part in ("-c", setting)]
        command = [bin_folder / "postgres", "-D", data, "-p", str(port), *options]
        server = _run_as(user, is_root, command, folder)
        stack.callback(server.wait, STOP_TIMEOUT_S)
        stack.callback(server.terminate)
        ready = [str(bin_folder / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        eventually(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL")
        yield f"postgresql+psycopg://game@127.0.0.1:{port}/postgres"


def _run_as(
    user: str, is_root: bool, command: Sequence[object], folder: Path
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        list(map(str, command)),
        cwd=folder,
        user=user if is_root else None,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
