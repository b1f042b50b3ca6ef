"""What a newcomer's locustfile lacks is said in one line, with what to write instead."""

import subprocess
import sys
from pathlib import Path

import pytest

HTTP_USER = """
from locust import HttpUser, task
class Web(HttpUser):
    @task
    def buy(self):
        self.client.post("/buy", json={})
"""
OWN_OPTION = """
from locust import events, task
from headcount.plugin import LedgerUser
@events.init_command_line_parser.add_listener
def add(parser):
    {add}("--topic", default="mine")
class Buyer(LedgerUser):
    @task
    def buy(self):
        pass
"""
SHARED_POOL = """
from geventhttpclient.client import HTTPClientPool
from locust import task
from headcount.plugin import LedgerUser
class Buyer(LedgerUser):
    client_pool = HTTPClientPool(concurrency=10)
    @task
    def buy(self):
        pass
"""


def generator(
    folder: Path, scenario: str, *options: str, module: str = "headcount.locust_main"
) -> str:
    """Run a scenario that cannot begin, and return the one line that it is told in."""
    (folder / "shop.py").write_text(scenario)
    command = [sys.executable, "-m", module, "--headless", "-f", str(folder / "shop.py")]
    command += ["-t", "1s", "--bootstrap-servers", "127.0.0.1:1", *options]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, cwd=folder
    )
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("headcount: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return lines[0]


def test_users_that_are_no_ledger_users(tmp_path: Path) -> None:
    """Locust's own users are named with what to derive from instead."""
    line = generator(tmp_path, HTTP_USER)
    assert "no user of the locustfile is a LedgerUser, got Web (HttpUser)" in line
    assert "from headcount.plugin import LedgerUser" in line
    assert "event=" in line


@pytest.mark.parametrize(
    "add", ["parser.add_argument", "parser.add_argument_group('mine').add_argument"]
)
def test_an_option_of_the_same_name(tmp_path: Path, add: str) -> None:
    """It is named, wherever it is added."""
    assert "the locustfile adds the option --topic" in generator(
        tmp_path, OWN_OPTION.format(add=add)
    )


def test_an_option_of_the_same_name_that_comes_first(tmp_path: Path) -> None:
    """Locust alone meets it when the plugin adds its own, where the import comes second."""
    first, plugin, *rest = OWN_OPTION.format(add="parser.add_argument").strip().splitlines()
    scenario = "\n".join((first, *rest[:3], plugin, *rest[3:]))
    assert "the option --topic" in generator(tmp_path, scenario, module="locust")


def test_connections_that_may_send_twice(tmp_path: Path) -> None:
    """What to write instead is exported."""
    line = generator(tmp_path, SHARED_POOL)
    assert "Buyer.client_pool is a HTTPClientPool" in line
    assert "from headcount.plugin import OnceOnlyPool" in line
    shared = SHARED_POOL.replace("HTTPClientPool", "OnceOnlyPool")
    shared = shared.replace("geventhttpclient.client", "headcount.plugin")
    assert "--seed must be" in generator(tmp_path, shared, "--seed", "x")  # it comes so far


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import locust\nimport nowhere_to_be_found\n", "nowhere_to_be_found' (shop.py:2)"),
        ("import locust\ndef f():\n    return {}['a']\nf()\n", "KeyError: 'a' (shop.py:3)"),
        ("import locust\nimport helper\n", "helper.py:1)"),
    ],
)
def test_a_locustfile_that_cannot_be_loaded(tmp_path: Path, text: str, told: str) -> None:
    """The error and its line are named, in a module of the user's own too."""
    (tmp_path / "helper.py").write_text("class\n")
    line = generator(tmp_path, text)
    assert "the locustfile cannot be loaded: " in line
    assert told in line
