"""Typical mistakes in a first locustfile are reported in one line, with the remedy."""

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
    """Run a scenario that cannot start, and return its one line of error."""
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


def test_users_that_are_not_ledger_users(tmp_path: Path) -> None:
    """The error names Locust's users, and the class to derive from."""
    line = generator(tmp_path, HTTP_USER)
    assert "no user class in the locustfile is a LedgerUser, got Web (HttpUser)" in line
    assert "from headcount.plugin import LedgerUser" in line
    assert "event=" in line


@pytest.mark.parametrize(
    "add", ["parser.add_argument", "parser.add_argument_group('mine').add_argument"]
)
def test_an_option_of_the_same_name(tmp_path: Path, add: str) -> None:
    """The error names it, wherever it is added."""
    assert "the locustfile adds the option --topic" in generator(
        tmp_path, OWN_OPTION.format(add=add)
    )


def test_an_option_defined_before_the_plugin(tmp_path: Path) -> None:
    """If the plugin is imported second, in plain Locust, its own option causes the conflict."""
    first, plugin, *rest = OWN_OPTION.format(add="parser.add_argument").strip().splitlines()
    scenario = "\n".join((first, *rest[:3], plugin, *rest[3:]))
    assert "the option --topic" in generator(tmp_path, scenario, module="locust")


def test_connections_that_may_send_twice(tmp_path: Path) -> None:
    """The replacement named in the error is exported."""
    line = generator(tmp_path, SHARED_POOL)
    assert "Buyer.client_pool is a HTTPClientPool" in line
    assert "from headcount.plugin import OnceOnlyPool" in line
    shared = SHARED_POOL.replace("HTTPClientPool", "OnceOnlyPool")
    shared = shared.replace("geventhttpclient.client", "headcount.plugin")
    assert "--seed must be" in generator(tmp_path, shared, "--seed", "x")  # the pool is accepted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import locust\nimport nowhere_to_be_found\n", "nowhere_to_be_found' (shop.py:2)"),
        ("import locust\ndef f():\n    return {}['a']\nf()\n", "KeyError: 'a' (shop.py:3)"),
        ("import locust\nimport helper\n", "helper.py:1)"),
    ],
)
def test_a_locustfile_that_cannot_be_loaded(tmp_path: Path, text: str, message: str) -> None:
    """The error and its line are named, also in an imported module."""
    (tmp_path / "helper.py").write_text("class\n")
    line = generator(tmp_path, text)
    assert "the locustfile cannot be loaded: " in line
    assert message in line
