"""The example for Kubernetes: valid by the API's schemas, hardened, and consistent.

The tests need no cluster: each container's command line is parsed by the program that it starts.
"""

import functools
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import javaproperties
import kubernetes_validate
import pytest
from click.testing import CliRunner
from headcount_service.settings import PREFIX, Settings
from ruamel.yaml import YAML

from headcount.cli.commands.verify import verify
from headcount.kafka.topic import TOPIC_CONFIG
from headcount.kafka_settings.names import CARRIED, SECRET, canonical
from headcount.kafka_settings.secret_references import is_reference
from tests.test_compose import dot_env

FOLDER = Path(__file__).parents[2] / "examples" / "kubernetes"
KUBERNETES = "1.34"
OURS = {"headcount-service", "headcount-load", "headcount-analysis"}
NOT_PROBED = {"topic", "verify", "locust-worker"}  # two exit by themselves; one has no port

# Locust patches the standard library when it is imported, so it runs in its own process.
ASK_LOCUST = """
import sys
import headcount.plugin
from locust.argument_parser import get_parser
get_parser(default_config_files=[]).parse_args(sys.argv[1:])
"""

Manifest = dict[str, Any]


def read(path: Path) -> list[Manifest]:
    """Read the documents of a file."""
    return list(YAML(typ="safe").load_all(path.read_text()))


@functools.cache
def kustomizations() -> dict[str, Manifest]:
    """Return the kustomizations, by folder."""
    folders = (FOLDER, FOLDER / "verify")
    return {str(folder): read(folder / "kustomization.yaml")[0] for folder in folders}


@functools.cache
def manifests() -> list[Manifest]:
    """Return every manifest that kustomize applies."""
    return [
        manifest
        for folder, kustomization in kustomizations().items()
        for name in kustomization["resources"]
        for manifest in read(Path(folder) / name)
    ]


def named(manifest: Manifest) -> str:
    """Return a manifest's name in kubectl's notation."""
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def of_kind(*kinds: str) -> list[Manifest]:
    """Return the manifests of some kinds."""
    return [manifest for manifest in manifests() if manifest["kind"] in kinds]


def workloads() -> list[Manifest]:
    """Return the manifests that create pods."""
    return of_kind("Deployment", "StatefulSet", "Job")


def pod(workload: Manifest) -> Manifest:
    """Return the specification of a workload's pods."""
    spec: Manifest = workload["spec"]["template"]["spec"]
    return spec


def container(name: str) -> Manifest:
    """Return a container by its name."""
    (match,) = (
        spec
        for workload in workloads()
        for spec in pod(workload)["containers"]
        if spec["name"] == name
    )
    return dict(match)


def generated(kind: str) -> dict[str, set[str]]:
    """Return the keys that kustomize generates, by name; secrets' keys are from the example."""
    return {
        generator["name"]: set(variables(Path(folder) / env))
        for folder, kustomization in kustomizations().items()
        for generator in kustomization.get(kind, [])
        for env in generator["envs"]
    }


def variables(path: Path) -> dict[str, str]:
    """Read a file of variables."""
    source = path if path.name != "secrets.env" else path.with_name("secrets.env.example")
    lines = [line for line in source.read_text().splitlines() if line and line[0] != "#"]
    return dict(line.split("=", 1) for line in lines)


def selected(selector: Manifest) -> set[str]:
    """Return the names of the workloads whose pods a selector selects."""
    labels = selector.get("matchLabels", {})
    wanted = {labels["app"]} if "app" in labels else set()
    for expression in selector.get("matchExpressions", []):
        assert (expression["key"], expression["operator"]) == ("app", "In")
        wanted |= set(expression["values"])
    apps = {workload["spec"]["template"]["metadata"]["labels"]["app"] for workload in workloads()}
    assert wanted <= apps, wanted - apps
    return wanted or apps


def test_every_file_is_applied() -> None:
    """kustomization.yaml lists every file."""
    for folder, kustomization in kustomizations().items():
        there = {path.name for path in Path(folder).glob("*.yaml")} - {"kustomization.yaml"}
        assert there == set(kustomization["resources"])


@pytest.mark.parametrize("manifest", manifests(), ids=named)
def test_the_schema(manifest: Manifest) -> None:
    """Every manifest matches the API's schema, without unknown fields."""
    kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


@pytest.mark.parametrize("workload", workloads(), ids=named)
def test_hardened(workload: Manifest) -> None:
    """Pods meet the restricted Pod Security Standard, and can write only to volumes."""
    spec = pod(workload)
    context = spec["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False  # its variables look like settings of the parts
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    for of_container in spec["containers"]:
        own = of_container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["readOnlyRootFilesystem"] is True
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not own.get("privileged")


@pytest.mark.parametrize("workload", workloads(), ids=named)
def test_resources_and_probes(workload: Manifest) -> None:
    """Each container has requests, limits and, if possible, probes."""
    for spec in pod(workload)["containers"]:
        assert {"cpu", "memory"} <= spec["resources"]["requests"].keys()
        assert "memory" in spec["resources"]["limits"]
        probes = {"startupProbe", "readinessProbe", "livenessProbe"} & spec.keys()
        assert len(probes) == (0 if spec["name"] in NOT_PROBED else 3)


def test_the_namespace_is_restricted() -> None:
    """So the cluster itself rejects a pod that is not."""
    (namespace,) = of_kind("Namespace")
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


def references(node: Any) -> Iterator[tuple[str, str, str | None]]:
    """Yield each reference: the kind, the name and, if there is one, the key."""
    if isinstance(node, list):
        for child in node:
            yield from references(child)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name in {"configMapRef", "configMapKeyRef"}:
            yield "configMapGenerator", value["name"], value.get("key")
        elif name in {"secretRef", "secretKeyRef"}:
            yield "secretGenerator", value["name"], value.get("key")
        elif name == "secret":
            for item in value["items"]:
                yield "secretGenerator", value["secretName"], item["key"]
        else:
            yield from references(value)


@pytest.mark.parametrize("workload", workloads(), ids=named)
def test_references(workload: Manifest) -> None:
    """All settings, secrets, volumes and variables that a workload refers to exist."""
    for kind, name, key in references(pod(workload)):
        assert name in generated(kind), name
        assert key is None or key in generated(kind)[name], key
    claims = {claim["metadata"]["name"] for claim in of_kind("PersistentVolumeClaim")}
    volumes = pod(workload).get("volumes", [])
    assert {
        pod_volume["persistentVolumeClaim"]["claimName"]
        for pod_volume in volumes
        if "persistentVolumeClaim" in pod_volume
    } <= claims
    own = {
        template["metadata"]["name"]
        for template in workload["spec"].get("volumeClaimTemplates", [])
    }
    for spec in pod(workload)["containers"]:
        mounted = {mount["name"] for mount in spec.get("volumeMounts", [])}
        assert mounted == {volume["name"] for volume in volumes} | own
        known = {variable["name"] for variable in spec.get("env", [])}
        for kind, name, _ in references(spec.get("envFrom", [])):
            known |= generated(kind)[name]
        texts = [*spec.get("command", []), *spec.get("args", [])]
        texts += [variable.get("value", "") for variable in spec.get("env", [])]
        assert {name for text in texts for name in re.findall(r"\$\((\w+)\)", text)} <= known


def test_no_secret_is_written_down() -> None:
    """Passwords and keys come from secrets, and the example has no values."""
    assert of_kind("Secret") == []
    assert set(variables(FOLDER / "secrets.env").values()) == {""}
    for workload in workloads():
        for spec in pod(workload)["containers"]:
            for variable in spec.get("env", []):
                if re.search("PASSWORD$|KEY", variable["name"]):
                    assert "secretKeyRef" in variable["valueFrom"], variable
                assert not re.search(r"://\w+:(?!\$\()", variable.get("value", "")), variable


def test_ingress() -> None:
    """By default nothing may connect; every policy and service selects existing pods."""
    policies = {policy["metadata"]["name"]: policy["spec"] for policy in of_kind("NetworkPolicy")}
    assert policies["nothing"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    for name, spec in policies.items():
        assert selected(spec["podSelector"])
        for rule in spec.get("ingress", []):
            assert all(selected(peer["podSelector"]) for peer in rule["from"]), name
    for service in of_kind("Service"):
        (app,) = selected({"matchLabels": service["spec"]["selector"]})
        ports = {port["containerPort"] for port in container(app)["ports"]}
        assert {port["port"] for port in service["spec"]["ports"]} <= ports, app
        assert app in {
            name
            for policy_spec in policies.values()
            for name in selected(policy_spec["podSelector"])
        }


def test_images() -> None:
    """The kustomizations name our images; others are named by digest, and Kafka is Compose's."""
    images = {spec["image"] for workload in workloads() for spec in pod(workload)["containers"]}
    tagged = {renamed["name"] for one in kustomizations().values() for renamed in one["images"]}
    assert {image for image in images if ":" not in image} == tagged == OURS
    assert dot_env()["KAFKA_IMAGE"] in images
    for image in images - OURS:
        assert re.search("@sha256:[0-9a-f]{64}$", image), image


def test_brokers() -> None:
    """Every broker is a voter; all but one have each acknowledged event; events are kept."""
    (kafka,) = (
        workload for workload in of_kind("StatefulSet") if workload["metadata"]["name"] == "kafka"
    )
    nodes = kafka["spec"]["replicas"]
    env = {variable["name"]: variable.get("value") for variable in container("kafka")["env"]}
    voters = [f"{index}@kafka-{index}.kafka:9093" for index in range(nodes)]
    assert env["KAFKA_CONTROLLER_QUORUM_VOTERS"] == ",".join(voters)
    assert env["KAFKA_DEFAULT_REPLICATION_FACTOR"] == str(nodes)
    assert env["KAFKA_MIN_INSYNC_REPLICAS"] == str(nodes - 1)
    servers = variables(FOLDER / "settings.env")["HEADCOUNT_BOOTSTRAP_SERVERS"]
    assert servers == ",".join(f"kafka-{index}.kafka:9092" for index in range(nodes))
    topic = container("topic")["command"]
    assert f"--replication-factor={nodes}" in topic
    assert {f"--config={name}={value}" for name, value in TOPIC_CONFIG.items()} <= set(topic)


def test_the_service_stops_gently() -> None:
    """The pod leaves the service before gunicorn stops, which has its whole time for requests."""
    (service,) = (item for item in of_kind("Deployment") if item["metadata"]["name"] == "service")
    command = container("service")["lifecycle"]["preStop"]["exec"]["command"]
    assert command[0] == "sleep"
    graceful_s = gunicorn_config()["graceful_timeout"]
    grace_s = pod(service)["terminationGracePeriodSeconds"]
    assert grace_s > int(command[1]) + graceful_s


def gunicorn_config() -> dict[str, Any]:
    """Return gunicorn's configuration of the service."""
    path = FOLDER.parents[1] / "service" / "headcount_service" / "gunicorn.conf.py"
    return runpy.run_path(str(path))


def test_the_service_s_variables_are_settings() -> None:
    """Each variable with the service's prefix is a setting: it does not start with any other."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    names = {variable["name"] for variable in container("service")["env"]}
    assert {name for name in names if name.startswith(PREFIX)} <= known


@pytest.mark.parametrize("name", ["locust", "locust-worker"])
def test_locust_knows_its_options(name: str) -> None:
    """Every option of master and workers is Locust's or the plugin's."""
    command = [sys.executable, "-c", ASK_LOCUST, *container(name)["command"][1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_verify_knows_its_options() -> None:
    """The command for `verify` parses, and its settings fit."""
    program, name, *arguments = container("verify")["command"]
    assert (program, name) == ("headcount", "verify")
    settings = variables(FOLDER / "settings.env")
    parsed = verify.make_context("verify", list(arguments), auto_envvar_prefix=None)
    assert parsed.params["spark_conf"]["spark.executor.memory"] == "8g"
    assert settings["HEADCOUNT_TABLES"].startswith("s3://")
    done = CliRunner().invoke(verify, [*arguments, "--no-such-option"])
    assert done.exit_code == 2


def test_strimzi_s_component_fits() -> None:
    """Its patches add to lists that the workloads have; its settings hold no secret."""
    (component,) = read(FOLDER / "strimzi" / "kustomization.yaml")
    by_name = {named(workload).rpartition("/")[2]: workload for workload in workloads()}
    targets = 0
    for patch in component["patches"]:
        names = patch["target"]["name"].split("|")
        assert set(names) <= {named(manifest).rpartition("/")[2] for manifest in manifests()}
        content: Any = read(FOLDER / "strimzi" / patch["path"])[0]
        operations: list[dict[str, Any]] = content if isinstance(content, list) else []
        for operation in operations:
            for name in names:
                targets += 1
                place: Any = by_name[name]
                path = operation["path"].strip("/").split("/")
                for step in path[:-1]:
                    place = place[int(step) if step.isdigit() else step]
                assert isinstance(place, list)
                assert (operation["op"], path[-1]) == ("add", "-")
    assert targets == 3 * 7
    settings = (FOLDER / "strimzi" / "client.properties").read_text()
    for name, value in javaproperties.loads(settings).items():
        assert canonical(name) in CARRIED
        assert canonical(name) not in SECRET or is_reference(value)
