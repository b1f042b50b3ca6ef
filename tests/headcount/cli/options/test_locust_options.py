"""Options after `--` are Locust's, or are refused with what to write instead."""

import pytest

from headcount.cli.options.locust_options import BY_RUN, BY_UP, WebPlace, refuse_decided, web_place
from headcount.errors import UsageError


@pytest.mark.parametrize(
    ("extra", "name", "remedy"),
    [
        (["--users", "5"], "--users", "write it before --"),
        (["-u5"], "-u", "write it before --, as an option of headcount run"),
        (["--tags", "a", "--run-time=9s"], "--run-time", "write it before --"),
        (["-f", "other.py"], "-f", "headcount run FILE"),
        (["--topic", "orders"], "--topic", "write it before --"),
        (["--web-port", "8090"], "--web-port", "headcount up has one"),
        (["--worker"], "--worker", "plain Locust"),
    ],
)
def test_what_run_decides(extra: list[str], name: str, remedy: str) -> None:
    """In every spelling; options that only Locust has pass."""
    with pytest.raises(
        UsageError, match=f"headcount run does not accept {name} after --: "
    ) as error:
        refuse_decided("run", extra, BY_RUN)
    assert remedy in str(error.value)


@pytest.mark.parametrize(
    "extra",
    [
        ["--tags", "night", "--exit-code-on-error", "1", "--csv", "own"],
        ["--master", "--expect-workers", "4", "--master-bind-host", "10.0.0.1"],
        ["--headless", "--verify", "--mistakes", "0.1", "Player"],
    ],
)
def test_what_is_left_to_locust(extra: list[str]) -> None:
    """Its own options, those of the locustfile, and those that change nothing."""
    refuse_decided("run", extra, BY_RUN)


@pytest.mark.parametrize("extra", [["--headless"], ["--host=http://x"], ["--locustfile", "a.py"]])
def test_what_up_decides(extra: list[str]) -> None:
    """It always has a web UI, and its own target."""
    with pytest.raises(UsageError, match="headcount up does not accept "):
        refuse_decided("up", extra, BY_UP)
    refuse_decided("up", ["-u", "5", "-t", "9s", "--processes", "2"], BY_UP)  # the form's defaults


def test_where_the_web_ui_listens() -> None:
    """As Locust parses it, with the base path."""
    assert web_place(["--tags", "a"]) == WebPlace()
    place = web_place(["-P", "8090", "--web-host=::1", "--web-base-path", "/load", "--tls-cert=c"])
    assert place == WebPlace(8090, "::1", "/load", has_tls=True)
    assert place.url("::1", 8090) == "https://[::1]:8090/load"
    assert web_place([]).url("127.0.0.1", 8089) == "http://127.0.0.1:8089"


@pytest.mark.parametrize("extra", [["--web-port", "x"], ["--web-port"], ["-P", "0"], ["-P70000"]])
def test_an_invalid_port(extra: list[str]) -> None:
    """It is reported before anything starts."""
    with pytest.raises(UsageError, match="--web-port after -- must be"):
        web_place(extra)
