"""The files that `headcount init` writes: valid by their own tools."""

import ast
import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from ruamel.yaml import YAML

from headcount.cli.configuration.option_defaults import option_defaults
from headcount.cli.configuration.option_file import OptionFile
from headcount.cli.main import cli
from headcount.cli.scaffold.answers import (
    CiSystem,
    ProjectAnswers,
    parse_body,
    parse_brokers,
    parse_path,
    parse_start,
)
from headcount.cli.scaffold.files import CI_FILES, project_files
from headcount.errors import UsageError
from headcount.stack.ports import free_port
from tests.ci.script_platforms import SERVER, STARTS, bash

ANSWERS = ProjectAnswers(
    host="http://127.0.0.1:5000",
    method="POST",
    path="/v1/orders?dry-run=no",
    body={"item": "it's new \\ ü", "notes": None, "parts": [{"id": 1, "paid": True}] * 9},
    bootstrap_servers="127.0.0.1:9092",
    topic="orders",
    locustfile="locustfile.py",
    ci=CiSystem.GITHUB,
    start="python 'my shop.py' 5000 # comment",
)
SCHEMAS = {CiSystem.GITHUB: "vendor.github-workflows", CiSystem.GITLAB: "vendor.gitlab-ci"}


@pytest.mark.parametrize("body", [ANSWERS.body, None], ids=["body", "no body"])
def test_the_scenario(body: Any, tmp_path: Path) -> None:
    """It is Python that ruff accepts as formatted, with the body as its value."""
    text = project_files(replace(ANSWERS, body=body))["locustfile.py"]
    path = tmp_path / "locustfile.py"
    path.write_text(text)
    command = [
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--isolated",
        "--line-length=100",
        "--check",
        str(path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    values = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Assign)]
    literals = [ast.literal_eval(value) for value in values if isinstance(value, ast.Dict)]
    assert literals == ([] if body is None else [body])
    assert 'event_type="orders")' in text


def test_the_options() -> None:
    """Each is one that `headcount run` takes."""
    table = tomllib.loads(project_files(ANSWERS)["headcount.toml"])
    options = OptionFile(Path("headcount.toml"), table, {"run": table.pop("run")})
    run = cli.get_command(click.Context(cli), "run")
    assert run is not None
    defaults = option_defaults(options, "run", run, set)
    assert (defaults["host"], defaults["topic"], defaults["users"]) == (
        *(ANSWERS.host, ANSWERS.topic),
        "10",
    )


@pytest.mark.parametrize("ci", SCHEMAS)
def test_the_job(ci: CiSystem, tmp_path: Path) -> None:
    """With and without a command that starts the service, it matches the CI system's schema."""
    paths = []
    for number, start in enumerate((ANSWERS.start, "")):
        text = project_files(replace(ANSWERS, ci=ci, start=start))[CI_FILES[ci]]
        assert ("headcount up --broker-only --topic orders" in text) == bool(start)
        paths.append(tmp_path / f"{number}.yml")
        paths[-1].write_text(text)
    schema = ("--builtin-schema", SCHEMAS[ci])
    transforms = ("--data-transform", "gitlab-ci") if ci is CiSystem.GITLAB else ()
    command = [sys.executable, "-m", "check_jsonschema", *schema, *transforms, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("start", "code"), STARTS.values(), ids=STARTS)
def test_the_start_of_the_service(start: str, code: int, tmp_path: Path) -> None:
    """The job waits for a broker and a service; a service that fails ends it with its log."""
    program, port = tmp_path / "headcount", free_port()
    program.write_text("#!/bin/sh\nsleep 0.2\necho 'Kafka    127.0.0.1:9092'\nexec sleep 30\n")
    program.chmod(0o755)
    answers = replace(ANSWERS, host=f"http://127.0.0.1:{port}", start=start.format(port=port))
    environ = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "GITHUB_ENV": os.devnull}
    ended, log = bash(_start_script(answers), {**os.environ, **environ}, tmp_path)
    assert ended == code
    assert ("no port" in log) == (code != 0)


def _start_script(answers: ProjectAnswers) -> str:
    """Return the script of GitHub's step that starts a broker and the service."""
    text = project_files(answers)[CI_FILES[CiSystem.GITHUB]]
    steps = YAML(typ="safe").load(text)["jobs"]["headcount"]["steps"]
    (script,) = (step["run"] for step in steps if step.get("name") == "Broker and service")
    assert isinstance(script, str)
    return script


@pytest.mark.parametrize("ci", CI_FILES)
@pytest.mark.parametrize(
    ("servers", "start", "is_started", "comment"),
    [
        (
            *("localhost:19092", "./shop", True),
            (
                "The job starts a broker with the topic orders, and then the service. The broker's "
                "address is in BOOTSTRAP_SERVERS, for the service, and in "
                "HEADCOUNT_BOOTSTRAP_SERVERS, which overrides localhost:19092 from headcount.toml."
            ),
        ),
        (
            *("kafka-1.test:9092,kafka-2.test:9092", "./shop", False),
            (
                "The job starts the service, but no broker. It must be able to reach Kafka at "
                "kafka-1.test:9092,kafka-2.test:9092, and the topic orders must exist there. The "
                "run reads this address from headcount.toml, the service from BOOTSTRAP_SERVERS."
            ),
        ),
        (
            *("127.0.0.1:9092", "", False),
            (
                "The job starts neither the service nor a broker. It must be able to reach "
                "http://127.0.0.1:5000 and Kafka at 127.0.0.1:9092, which headcount.toml names. "
                "A service or broker at localhost must run in the job itself: for a job that "
                "starts it, remove this file"
            ),
        ),
    ],
    ids=["here", "elsewhere", "nothing"],
)
def test_the_job_fits_the_brokers(
    ci: CiSystem, servers: str, start: str, comment: str, *, is_started: bool
) -> None:
    """It starts a broker in place of a local one only, and says what it needs."""
    answers = replace(ANSWERS, ci=ci, start=start, bootstrap_servers=servers)
    text = project_files(answers)[CI_FILES[ci]]
    assert comment in " ".join(text.replace("\n#", "").split())
    assert ("headcount up --broker-only" in text) == is_started
    assert ("HEADCOUNT_BOOTSTRAP_SERVERS=" in text) == is_started
    assert (f"export BOOTSTRAP_SERVERS={servers}\n" in text) == (bool(start) and not is_started)
    assert all(len(line) <= 120 for line in text.splitlines() if line.startswith("#"))


def test_the_run_uses_the_broker_of_the_job(tmp_path: Path) -> None:
    """The address that the broker prints reaches the service and the later steps."""
    program = tmp_path / "headcount"
    program.write_text("#!/bin/sh\necho 'Kafka    127.0.0.1:41'\nexec sleep 30\n")
    program.chmod(0o755)
    port = free_port()
    start = f"echo $BOOTSTRAP_SERVERS > seen; {SERVER} {port}"
    answers = replace(ANSWERS, host=f"http://127.0.0.1:{port}", start=start)
    kept = tmp_path / "kept"
    environ = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "GITHUB_ENV": str(kept)}
    code, log = bash(_start_script(answers), {**os.environ, **environ}, tmp_path)
    assert code == 0, log
    assert (tmp_path / "seen").read_text() == "127.0.0.1:41\n"
    assert kept.read_text() == "HEADCOUNT_BOOTSTRAP_SERVERS=127.0.0.1:41\n"


@pytest.mark.parametrize("text", ["", "kafka", "kafka:x", "a:1,", "a:1 b:2", "a:1\nb:2", "[x]:1"])
def test_invalid_broker_lists(text: str) -> None:
    """The error names them; spaces around a comma do no harm."""
    with pytest.raises(UsageError, match="--bootstrap-servers must be host:port"):
        parse_brokers(text)
    assert parse_brokers("a:1, [::1]:2") == "a:1,[::1]:2"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/join-guild/", "join_guild"),
        ("/orders/17", "orders"),
        ("/", "request"),
        ("/1/2", "request"),
    ],
)
def test_the_event_type(path: str, name: str) -> None:
    """It is the last word of the path."""
    assert replace(ANSWERS, path=path).event_type == name


@pytest.mark.parametrize("text", ["orders", "/a b", '/"""', "/a\\"])
def test_an_invalid_path(text: str) -> None:
    """The error names it."""
    with pytest.raises(UsageError, match="--path must begin with /"):
        parse_path(text)


@pytest.mark.parametrize("text", ["", "[1]", '{"a": NaN}', "{'a': 1}"])
def test_an_invalid_body(text: str) -> None:
    """A request that publishes an event has a JSON object; one without a body ignores the text."""
    with pytest.raises(UsageError, match="--body must be"):
        parse_body(text, "POST")
    assert parse_body(text, "GET") is None


def test_a_start_command_of_several_lines() -> None:
    """It would break the job's file."""
    with pytest.raises(UsageError, match="--start must be one line"):
        parse_start("a\nb")
