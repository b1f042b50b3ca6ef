"""docker-compose.yml, .env and the Dockerfiles are checked against schema and code.

No container engine is needed: the program of each container parses its own command.
"""

import ast
import functools
import importlib
import importlib.metadata
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from headcount_service.settings import PREFIX, Settings
from packaging.requirements import Requirement
from ruamel.yaml import YAML

from headcount.cli.main import COMMANDS, cli
from headcount.compose import COMPOSE as COMPOSE_VARIABLE
from headcount.kafka.topic import TOPIC_CONFIG
from headcount.stack import broker_config
from headcount.stack.broker import Broker
from headcount.stack.jvm.java import BUNDLED
from headcount.stack.ports import free_port
from scripts.images.requirements import requirements

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILES = ("service/Dockerfile", "locustfiles/Dockerfile", "analysis/Dockerfile")
BUILT = ("service", "locust", "analysis")
LOCUST = ("locust", "worker")

# Locust patches the standard library when it is imported, so it runs in a separate process.
LOCUST_SCRIPT = """
import json, sys
import headcount.plugin
from headcount.plugin.hooks import STOP_TIMEOUT_S
from locust.argument_parser import get_parser
from locust.env import Environment
parser = get_parser(default_config_files=[])
options = parser.parse_args(sys.argv[1:])
environment = Environment(parsed_options=options)
environment.create_local_runner()
ui = environment.create_web_ui(delayed_start=True)
print(json.dumps({
    "known": sorted(parser._option_string_actions),
    "options": vars(options),
    "default_port": parser.get_default("web_port"),
    "stop_timeout_s": STOP_TIMEOUT_S,
    "root": ui.app.test_client().get("/").status_code,
}, default=str))
"""


# ---- reading


@functools.cache
def dot_env() -> dict[str, str]:
    """The variables of .env."""
    lines = (ROOT / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def resolved(text: str, values: dict[str, str]) -> str:
    """Replace each variable with its value."""
    return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], text)


@functools.cache
def compose() -> dict[str, Any]:
    """The content of docker-compose.yml, as an engine would read it."""
    content: dict[str, Any] = YAML(typ="safe").load(resolved(COMPOSE.read_text(), dot_env()))
    for service in content["services"].values():
        variables = service.get("environment", {})
        variables |= {name: str(value) for name, value in variables.items()}
    return content


def services() -> dict[str, dict[str, Any]]:
    """The services by name."""
    by_name: dict[str, dict[str, Any]] = compose()["services"]
    return by_name


@functools.cache
def instructions(dockerfile: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, each with its value."""
    lines = (ROOT / dockerfile).read_text().splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", text).splitlines()
    split = [line.partition(" ") for line in joined if line.strip()]
    return [(name.upper(), rest.strip()) for name, _, rest in split]


def values_of(dockerfile: str, name: str) -> list[str]:
    """The values of the instructions with this name."""
    return [rest for instruction, rest in instructions(dockerfile) if instruction == name]


def arguments(dockerfile: str) -> dict[str, str]:
    """The build arguments with their defaults."""
    return dict(value.split("=", 1) for value in values_of(dockerfile, "ARG"))


def environment(dockerfile: str) -> dict[str, str]:
    """The environment variables that the image sets."""
    pairs = [pair for value in values_of(dockerfile, "ENV") for pair in shlex.split(value)]
    return dict(pair.split("=", 1) for pair in pairs)


def command_of(service: str) -> list[str]:
    """The command of a service's container: the service's own, or the image's."""
    own: list[str] | None = services()[service].get("command")
    if own is not None:
        return own
    cmd: list[str] = json.loads(values_of(services()[service]["build"]["dockerfile"], "CMD")[-1])
    return cmd


def seconds(duration: str) -> float:
    """Parse a duration in seconds, the only unit used."""
    assert duration.endswith("s")
    return float(duration[:-1])


def options_of(command: list[str]) -> dict[str, str]:
    """The options of a command, each written as `--name=value`."""
    parts = (part.partition("=") for part in command[1:])
    return {name: value for name, _, value in parts}


def code_of(command: list[str]) -> str | None:
    """The Python code that a command runs with `-c`."""
    return command[command.index("-c") + 1] if "python" in command[0] and "-c" in command else None


@functools.cache
def parsed_by_locust(service: str) -> dict[str, Any]:
    """Parse the command of one of Locust's services with Locust and the plugin."""
    done = subprocess.run(
        [sys.executable, "-c", LOCUST_SCRIPT, *command_of(service)[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    parsed: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return parsed


def run_gunicorn(*options: str) -> subprocess.CompletedProcess[str]:
    """Run the service's gunicorn command in the environment of its container."""
    program, *rest = command_of("service")
    assert program == "gunicorn"
    inherited = {name: it for name, it in os.environ.items() if not name.startswith(PREFIX)}
    return subprocess.run(
        [sys.executable, "-m", program, *rest, *options],
        cwd=ROOT / "service",  # the contents of the image's working directory
        env=inherited
        | environment("service/Dockerfile")
        | services()["service"]["environment"]
        # The image's PATH does not apply here.
        | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def schema_errors(document: Path) -> str:
    """Check a document against the Compose Specification; return errors, or an empty text."""
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", str(document)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr


# ---- the file


def test_schema(tmp_path: Path) -> None:
    """The file conforms to the Compose Specification, as written and with .env's values."""
    assert schema_errors(COMPOSE) == ""
    (tmp_path / "resolved.json").write_text(json.dumps(compose()))
    assert schema_errors(tmp_path / "resolved.json") == ""


def test_variables() -> None:
    """Every variable that is used is in .env, and every one in .env is used."""
    text = COMPOSE.read_text()
    assert set(re.findall(r"\$\{(\w+)\}", text)) == set(dot_env())
    assert text.count("$") == len(re.findall(r"\$\{\w+\}", text)), (
        "write ${NAME}, without a default"
    )


def test_sources() -> None:
    """Every mounted folder and every Dockerfile exists."""
    for name, service in services().items():
        for volume in service.get("volumes", []):
            if isinstance(volume, dict) and volume["type"] == "bind":
                assert (ROOT / volume["source"]).is_dir(), f"{name}: {volume['source']}"
    assert {name for name, spec in services().items() if "build" in spec} == set(BUILT)
    assert {services()[name]["build"]["dockerfile"] for name in BUILT} == set(DOCKERFILES)


def test_gates() -> None:
    """Every part but the broker waits until the parts that it depends on are healthy or done."""
    for name, service in services().items():
        gates = service.get("depends_on", {})
        assert gates or name == "kafka", f"{name} waits for nothing"
        for before, gate in gates.items():
            has_check = "healthcheck" in services()[before]
            wanted = "service_healthy" if has_check else "service_completed_successfully"
            assert gate == {"condition": wanted}, f"{name} after {before}"
            assert has_check or before == "topic", f"{before} never ends by itself"


def test_limits() -> None:
    """Every part has limits, can write only to volumes, and is not restarted when it dies."""
    for name, service in services().items():
        limits = service["deploy"]["resources"]["limits"]
        assert limits["memory"], name
        assert 100 < int(limits["pids"]) < 10_000, name
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "restart" not in service, name
        assert not service.get("privileged"), name


def test_health_checks_are_rare() -> None:
    """Once a part is healthy, its check runs once a minute; the start does not wait that long."""
    for name, service in services().items():
        if _checked(service):
            check = service["healthcheck"]
            assert seconds(check["interval"]) >= 60, name
            assert seconds(check["start_interval"]) <= 2, name
            assert seconds(check["start_period"]) >= 60, name


@pytest.mark.e2e
def test_the_broker_s_check(broker: Broker) -> None:
    """It holds for a real broker, and starts no JVM; it fails where none listens."""
    program, *command = services()["kafka"]["healthcheck"]["test"][1:]
    inside = "/dev/tcp/kafka/9092"
    assert (program, command[0]) == ("bash", "-c")
    assert inside in command[1]

    def exit_code(address: str) -> int:
        script = command[1].replace(inside, f"/dev/tcp/{address.replace(':', '/')}")
        return subprocess.run([program, "-c", script], check=False, capture_output=True).returncode

    assert exit_code(broker.bootstrap_servers) == 0
    assert exit_code(f"127.0.0.1:{free_port()}") != 0


def test_nothing_is_left_behind() -> None:
    """No part has an anonymous volume, which `down` would leave, except one that `--rm` removes."""
    for name, service in services().items():
        volumes = [item for item in service.get("volumes", []) if item["type"] == "volume"]
        anonymous = [item["target"] for item in volumes if "source" not in item]
        assert anonymous == (["/tmp"] if name == "analysis" else [])  # noqa: S108 - in a container
    assert services()["analysis"]["profiles"] == ["verify"]
    for name in ("kafka", "topic"):
        targets = {item["target"] for item in services()[name]["volumes"]}
        assert targets >= KAFKA_VOLUMES, name


KAFKA_VOLUMES = {"/etc/kafka/secrets", "/var/lib/kafka/data", "/mnt/shared/config"}
"""The volumes that Kafka's image declares; the engine makes one for each that has no mount."""


def test_commands_are_typed_in_compose() -> None:
    """Parts that print commands and paths know Compose's command, with the files of a variant."""
    secured = YAML(typ="rt").load((ROOT / "examples" / "compose" / "secured.yml").read_text())
    for name in (*LOCUST, "analysis"):
        assert services()[name]["environment"][COMPOSE_VARIABLE] == "docker compose"
        variant = secured["services"][name]["environment"][COMPOSE_VARIABLE]
        assert variant == "docker compose -f docker-compose.yml -f examples/compose/secured.yml"


def test_published_on_loopback() -> None:
    """Ports are published only on loopback."""
    published = [port for service in services().values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []


def test_examples() -> None:
    """The commands in the file's first comment name existing services and subcommands."""
    head = COMPOSE.read_text().split("\nname:")[0]
    (scaled,) = re.findall(r"--scale (\w+)=", head)
    assert scaled in LOCUST
    ((service, command),) = re.findall(r"docker compose run --rm (\w+) (headcount \S+ \S+)", head)
    assert services()[service]["profiles"] == ["verify"]
    _, subcommand, run = command.split()
    assert run.isupper()
    assert subcommand in COMMANDS
    (port,) = re.findall(r"http://127\.0\.0\.1:(\d+)", head)
    assert port == dot_env()["HEADCOUNT_WEB_PORT"]


# ---- versions

_TAGGED = r"[a-z]+(/[a-z]+)?:\d+\.\d+\.\d+(-[a-z-]+)?"
_DIGEST = r"@sha256:[0-9a-f]{64}"


def test_images_are_pinned() -> None:
    """An image of others has a full version and a digest, no registry host; ours have one name."""
    own = {name: services()[name]["image"] for name in (*BUILT, "worker")}
    images = {service["image"] for service in services().values()} - set(own.values())
    for image in images | {dot_env()["PYTHON_IMAGE"]}:
        assert re.fullmatch(f"{_TAGGED}{_DIGEST}", image), image
    assert {services()[name]["image"] for name in ("kafka", "topic")} == images
    assert own["locust"] == own["worker"]
    assert services()["worker"]["pull_policy"] == "never"
    assert len(set(own.values())) == len(DOCKERFILES)


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_base_image(dockerfile: str) -> None:
    """An image is made of .env's Python, which is named by its digest, and of no other image."""
    froms = [item.split()[0] for item in values_of(dockerfile, "FROM")]
    assert froms[0] == "${PYTHON_IMAGE}"
    assert set(froms) - {"scratch"} == {"${PYTHON_IMAGE}"}
    pinned = dot_env()["PYTHON_IMAGE"]
    assert re.fullmatch(f"{_TAGGED}{_DIGEST}", pinned)
    assert arguments(dockerfile)["PYTHON_IMAGE"] == pinned


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_labels(dockerfile: str) -> None:
    """An image says what it is, of which version, under which licence, and where it comes from."""
    text = " ".join(values_of(dockerfile, "LABEL"))
    labels = dict(pair.split("=", 1) for pair in shlex.split(text))
    prefix = "org.opencontainers.image."
    (name,) = {services()[item]["image"] for item in BUILT if _builds(item, dockerfile)}
    assert labels[f"{prefix}title"] == name
    assert labels[f"{prefix}version"] == importlib.metadata.version("headcount")
    assert (
        labels[f"{prefix}licenses"]
        == importlib.metadata.metadata("headcount")["License-Expression"]
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert labels.get(f"{prefix}source") == project.get("urls", {}).get("Source")
    assert labels[f"{prefix}description"]


def _builds(service: str, dockerfile: str) -> bool:
    return bool(services()[service]["build"]["dockerfile"] == dockerfile)


# ---- Kafka


def test_no_zookeeper() -> None:
    """Kafka runs in KRaft mode, and no file mentions ZooKeeper."""
    assert services()["kafka"]["environment"]["KAFKA_PROCESS_ROLES"] == "broker,controller"
    for path in (COMPOSE, ROOT / ".env", *(ROOT / dockerfile for dockerfile in DOCKERFILES)):
        assert "zookeeper" not in path.read_text().lower(), path


def test_kafka_settings() -> None:
    """The container's broker has the embedded one's settings, except for names and paths."""
    settings = broker_config._SETTINGS  # noqa: SLF001 - the only definition
    alone = settings.replace("{nodes}", "1").replace("{min_insync}", "1")
    lines = alone.splitlines()
    embedded = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    variables = services()["kafka"]["environment"]
    contained = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in variables.items()
        if name.startswith("KAFKA_")
        and name != "KAFKA_HEAP_OPTS"  # a JVM option, not a Kafka setting
    }
    own = {name for name in embedded if "{" in embedded[name]} | {"listener.security.protocol.map"}
    assert contained.keys() == embedded.keys()
    assert {name: contained[name] for name in contained.keys() - own} == {
        name: embedded[name] for name in embedded.keys() - own
    }


def test_kafka_addresses() -> None:
    """Every client of Kafka uses the listener that is advertised to its network."""
    kafka = services()["kafka"]
    listeners = _listeners(kafka["environment"]["KAFKA_LISTENERS"])
    advertised = _listeners(kafka["environment"]["KAFKA_ADVERTISED_LISTENERS"])
    inside = advertised["CLIENTS"]
    assert inside == f"{kafka['hostname']}{listeners['CLIENTS']}"
    (published,) = kafka["ports"]
    host, port, target = published.split(":")
    assert (advertised["HOST"], listeners["HOST"]) == (f"{host}:{port}", f":{target}")
    assert advertised["HOST"] == Settings.model_fields["bootstrap_servers"].default[0]
    assert {
        inside,
        services()["service"]["environment"]["SERVICE_BOOTSTRAP_SERVERS"],
        options_of(command_of("topic"))["--bootstrap-server"],
        *(parsed_by_locust(name)["options"]["bootstrap_servers"] for name in LOCUST),
    } == {inside}
    assert f"/dev/tcp/{inside.replace(':', '/')}" in kafka["healthcheck"]["test"][-1]


def _listeners(text: str) -> dict[str, str]:
    return dict(listener.split("://") for listener in text.split(","))


def test_topic() -> None:
    """The topic is created as Headcount creates it, and the other services use it."""
    command = command_of("topic")
    configs = [part.removeprefix("--config=") for part in command if part.startswith("--config=")]
    assert dict(config.split("=", 1) for config in configs) == TOPIC_CONFIG
    options = options_of(command)
    defaults = _defaults("run")
    assert int(options["--partitions"]) == defaults["partitions"]
    assert int(options["--replication-factor"]) == defaults["replication"]
    names = {
        options["--topic"],
        services()["service"]["environment"]["SERVICE_TOPIC"],
        *(parsed_by_locust(name)["options"]["topic"] for name in LOCUST),
    }
    assert names == {dot_env()["HEADCOUNT_TOPIC"]}


# ---- the service


def test_service_settings() -> None:
    """Each SERVICE_ variable is a setting of the service, which accepts all of them together."""
    variables = environment("service/Dockerfile") | services()["service"]["environment"]
    settings = {name.removeprefix(PREFIX) for name in variables if name.startswith(PREFIX)}
    assert settings <= {name.upper() for name in Settings.model_fields}
    assert settings >= {"BOOTSTRAP_SERVERS", "TOPIC", "HOST", "PORT"}
    checked = run_gunicorn("--check-config")
    assert checked.returncode == 0, checked.stderr


def test_service_stops_in_time() -> None:
    """A container has longer to stop than gunicorn's workers."""
    config = run_gunicorn("--print-config").stdout
    (graceful,) = set(re.findall(r"^graceful_timeout\s+= (\d+)", config, re.MULTILINE))
    assert seconds(services()["service"]["stop_grace_period"]) > int(graceful)


def test_service_port() -> None:
    """Published port, Locust's host and health check use the port in the service's settings."""
    default = str(Settings.model_fields["port"].default)
    service = services()["service"]
    (published,) = service["ports"]
    assert published == f"127.0.0.1:{default}:{default}"
    assert service["environment"]["SERVICE_PORT"] == default
    assert values_of("service/Dockerfile", "EXPOSE") == [default]
    assert parsed_by_locust("locust")["options"]["host"] == f"http://service:{default}"
    assert _health_url("service") == f"http://127.0.0.1:{default}/readyz"


def test_health_route() -> None:
    """The health check uses a route that the service has."""
    script = (
        "import json\nfrom headcount_service.wsgi import app\n"
        "print(json.dumps([rule.rule for rule in app.url_map.iter_rules()]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=os.environ | services()["service"]["environment"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "/" + _health_url("service").split("/", 3)[3] in json.loads(done.stdout)


def _health_url(service: str) -> str:
    code = code_of(services()[service]["healthcheck"]["test"][1:])
    assert code is not None
    (url,) = re.findall(r"http://[^\"']+", code)
    return str(url)


# ---- Locust


@pytest.mark.parametrize("service", LOCUST)
def test_locust_command(service: str) -> None:
    """Locust or the plugin knows the full name of each option, and the scenario exists."""
    command = command_of(service)
    assert command[0] == "locust"
    parsed = parsed_by_locust(service)
    assert options_of(command).keys() <= set(parsed["known"])
    assert (ROOT / options_of(command)["--locustfile"]).is_file()


def test_locust_image_command() -> None:
    """The default scenario of the image exists."""
    command = json.loads(values_of("locustfiles/Dockerfile", "CMD")[-1])
    assert (ROOT / options_of(command)["--locustfile"]).is_file()


def test_master_and_workers() -> None:
    """Workers find the master, run its scenario, and write to its folder, ./reports."""
    master, worker = (parsed_by_locust(name)["options"] for name in LOCUST)
    assert (master["master"], worker["worker"]) == (True, True)
    assert worker["master_host"] == "locust"
    shared = ("locustfile", "bootstrap_servers", "topic", "reports_dir")
    assert [master[name] for name in shared] == [worker[name] for name in shared]
    for name, built in {"locust": "locust", "worker": "locust", "analysis": "analysis"}.items():
        (workdir,) = values_of(services()[built]["build"]["dockerfile"], "WORKDIR")[1:]
        mounts = {item["target"]: item.get("source") for item in services()[name]["volumes"]}
        assert mounts[f"{workdir}/{master['reports_dir']}"] == "./reports", name


def test_web_ui() -> None:
    """The web UI is published at Locust's port, answers the health check, and stops in time."""
    parsed = parsed_by_locust("locust")
    default = parsed["default_port"]
    assert services()["locust"]["ports"] == [f"127.0.0.1:{default}:{default}"]
    assert (parsed["options"]["web_host"], parsed["options"]["web_port"]) == ("0.0.0.0", default)  # noqa: S104
    assert _health_url("locust") == f"http://127.0.0.1:{default}/"
    assert parsed["root"] == 200
    for name in LOCUST:
        assert seconds(services()[name]["stop_grace_period"]) > parsed["stop_timeout_s"]


# ---- the judge


def command_named(name: str) -> click.Command:
    """Return the `headcount` command with this name."""
    command = cli.get_command(click.Context(cli), name)
    assert command is not None, name
    return command


def _defaults(subcommand: str) -> dict[str | None, Any]:
    return {option.name: option.default for option in command_named(subcommand).params}


def test_headcount_command() -> None:
    """The commands of the judge and its image exist, and know their options."""
    for command in (
        command_of("analysis"),
        json.loads(values_of("analysis/Dockerfile", "CMD")[-1]),
    ):
        assert command[0] == "headcount"
        subcommand = command_named(command[1])
        known = {name for parameter in subcommand.params for name in parameter.opts} | {
            "-h",
            "--help",
        }
        assert {part for part in command[2:] if part.startswith("-")} <= known


def test_headcount_variables() -> None:
    """The code reads each HEADCOUNT_ variable of the images and of the Compose file."""
    code = "".join(path.read_text() for path in (ROOT / "headcount").rglob("*.py"))
    variables = environment("analysis/Dockerfile")
    for name in (*LOCUST, "analysis"):
        variables |= services()[name]["environment"]
    named = {name for name in variables if name.startswith("HEADCOUNT_")}
    assert named
    options = set(_variables_of_options())
    assert {name for name in named - options if f'"{name}"' not in code} == set()
    assert variables["HEADCOUNT_JAVA"] == BUNDLED


def _variables_of_options() -> Iterator[str]:
    for name in COMMANDS:
        for option in command_named(name).params:
            envvar = option.envvar
            yield from (envvar,) if isinstance(envvar, str) else envvar or ()


def test_spark_memory() -> None:
    """The judge's memory limit is at least twice its default heap."""
    heap = _defaults("verify")["spark_heap"]
    limit = services()["analysis"]["deploy"]["resources"]["limits"]["memory"]
    assert _mebibytes(limit) >= 2 * _mebibytes(heap)


def _mebibytes(size: str) -> int:
    return int(size[:-1]) * {"m": 1, "g": 1024}[size[-1]]


# ---- the Dockerfiles


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_copied(dockerfile: str) -> None:
    """Each source of a COPY exists, and .dockerignore includes it."""
    included = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    for rest in values_of(dockerfile, "COPY"):
        *sources, _target = rest.split()
        if not sources[0].startswith("--from="):
            assert [item for item in sources if not (ROOT / item).exists()] == [], rest
            assert [item for item in sources if not _is_below(item, included)] == [], rest


def _is_below(path: str, folders: set[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_locked(dockerfile: str) -> None:
    """Packages, and what builds them, are installed only from the lock file with hashes."""
    runs = " ".join(values_of(dockerfile, "RUN"))
    (installed,) = re.findall(r"uv pip install [^&]* --constraint requirements\.lock[^&]*", runs)
    assert "--verify-hashes" in installed
    for command in re.findall(r"pip install [^&]*", runs):
        assert re.search(r"--require-hashes|--verify-hashes|--no-deps", command), command
    for command in re.findall(r"uv pip install [^&]*", runs):
        assert "--build-constraints requirements.lock" in command, command
    (extras,) = re.findall(r"requirements\.py ([\w -]+) >", runs)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = requirements(project, extras.split())
    assert lines
    assert [line for line in lines if Requirement(line).name == project["name"]] == []


def test_uv_is_locked() -> None:
    """The lock file has uv with hashes, on the lines that the Dockerfiles extract.

    It also has what builds the packages that come as sources, and the project's own wheel.
    """
    lock = (ROOT / "requirements.lock").read_text()
    assert re.search(r"^setuptools==", lock, re.MULTILINE)
    assert re.search(r"^hatchling==", lock, re.MULTILINE)
    assert re.search(
        r"^uv==\S+ \\\n( +--hash=sha256:\w{64} \\\n)* +--hash=sha256:\w{64}$", lock, re.MULTILINE
    )


@pytest.mark.parametrize("dockerfile", DOCKERFILES)
def test_user(dockerfile: str) -> None:
    """The container's last user is not root."""
    name, rest = [
        instruction
        for instruction in instructions(dockerfile)
        if instruction[0] in {"FROM", "USER"}
    ][-1]
    assert name == "USER"
    user = resolved(rest, arguments(dockerfile)).split(":")[0]
    assert user not in {"root", "0"}
    assert user.isdecimal() or re.search(rf"useradd .*--uid [1-9]\d* .*{user}", _runs(dockerfile))


def _runs(dockerfile: str) -> str:
    return "\n".join(values_of(dockerfile, "RUN"))


def test_build_arguments() -> None:
    """Every build argument exists in the Dockerfile."""
    for name in BUILT:
        build = services()[name]["build"]
        assert build["args"].keys() <= arguments(build["dockerfile"]).keys(), name
        assert "PYTHON_IMAGE" in build["args"], name


def test_python_code() -> None:
    """Python code in Dockerfiles and health checks compiles, and its imports exist."""
    checks = [
        service["healthcheck"]["test"][1:] for service in services().values() if _checked(service)
    ]
    runs = [
        json.loads(run) for path in DOCKERFILES for run in values_of(path, "RUN") if run[0] == "["
    ]
    codes = [code for code in map(code_of, checks + runs) if code is not None]
    assert len(codes) == 4
    for code in codes:
        for module, name in _imported(code):
            assert name is None or hasattr(importlib.import_module(module), name), code


def _checked(service: dict[str, Any]) -> bool:
    return "healthcheck" in service


def _imported(code: str) -> Iterator[tuple[str, str | None]]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            assert node.module is not None
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)


def test_the_secured_variant_fits() -> None:
    """It changes existing services only, and names the client's file to each that needs it."""
    override = YAML(typ="rt").load((ROOT / "examples" / "compose" / "secured.yml").read_text())
    assert set(override["services"]) == set(services())
    variables = {"service": "SERVICE_KAFKA_CONFIG"} | dict.fromkeys(
        ("locust", "worker", "analysis"), "HEADCOUNT_KAFKA_CONFIG"
    )
    for name, variable in variables.items():
        (volume,) = override["services"][name]["volumes"]
        path = override["services"][name]["environment"][variable]
        assert path == f"{volume['target']}/client.properties"
        assert volume["read_only"]
    for name in ("kafka", "topic"):
        assert override["services"][name]["profiles"] == ["embedded"]
