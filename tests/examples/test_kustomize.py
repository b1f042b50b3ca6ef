"""What kustomize makes of the examples for Kubernetes: each variant is valid, hardened, and fits.

No cluster is needed: `kubectl kustomize`, or kustomize itself, prints what would be applied.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from tests.examples import test_kubernetes as rules
from tests.examples.test_kubernetes import FOLDER, KUBERNETES, Manifest, pod
from tests.needs import lacking

LAPTOP = FOLDER.with_name("kubernetes_laptop")
STRIMZI = {"kubernetes": "strimzi", "kubernetes/verify": "../strimzi"}
"""The component of a secured cluster, as each kustomization names it."""

CLUSTER = ("kubernetes", "kubernetes/verify")
ON_A_LAPTOP = ("kubernetes_laptop", "kubernetes_laptop/verify")
PROGRAMS = (("kubectl", "kustomize"), ("kustomize", "build"))
WORKLOADS = {"Deployment", "StatefulSet", "Job"}
_UNITS = {"": 1.0, "m": 0.001, "Mi": 1 / 1_024, "Gi": 1.0}


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the examples with secrets, as a user has it."""
    for folder in (FOLDER, LAPTOP):
        shutil.copytree(folder, tmp_path / folder.name)
    example = tmp_path / "kubernetes" / "secrets.env.example"
    shutil.copy(example, example.with_name("secrets.env"))
    return tmp_path


def built(folder: Path) -> list[Manifest]:
    """Return the manifests that kustomize makes of a folder."""
    command = next((item for item in PROGRAMS if shutil.which(item[0])), None)
    if command is None:
        lacking("kustomize is needed: install kubectl or kustomize")
    done = subprocess.run(
        [*command, str(folder)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return list(YAML(typ="safe").load_all(done.stdout))


def workloads_of(manifests: Sequence[Manifest]) -> list[Manifest]:
    """Return those that create pods."""
    return [item for item in manifests if item["kind"] in WORKLOADS]


def check(manifests: Sequence[Manifest]) -> None:
    """Check every manifest against the API's schema, and the pods against the house's rules."""
    assert manifests
    for manifest in manifests:
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    for workload in workloads_of(manifests):
        rules.test_hardened(workload)
        rules.test_resources_and_probes(workload)


def total(manifests: Sequence[Manifest], resource: str) -> float:
    """Return what the pods request of a resource: cores or GiB."""
    return sum(
        int(item["spec"].get("replicas", 1)) * _amount(one["resources"]["requests"][resource])
        for item in workloads_of(manifests)
        for one in pod(item)["containers"]
    )


def storage(manifests: Sequence[Manifest]) -> float:
    """Return the GiB of all volumes that are claimed."""
    claims = [(1, item) for item in manifests if item["kind"] == "PersistentVolumeClaim"]
    claims += [
        (item["spec"].get("replicas", 1), claim)
        for item in workloads_of(manifests)
        for claim in item["spec"].get("volumeClaimTemplates", [])
    ]
    return sum(
        number * _amount(claim["spec"]["resources"]["requests"]["storage"])
        for number, claim in claims
    )


def _amount(quantity: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\D*)", str(quantity)).groups()  # type: ignore[union-attr]
    return float(number) * _UNITS[unit]


@pytest.mark.parametrize("name", [*CLUSTER, *ON_A_LAPTOP])
def test_a_kustomization(copied: Path, name: str) -> None:
    """Each kustomization makes valid manifests, whose pods keep the rules."""
    check(built(copied / name))


@pytest.mark.parametrize("name", STRIMZI)
def test_the_secured_variant(copied: Path, name: str) -> None:
    """With Strimzi's component no broker is ours, and those who connect have its secrets."""
    path = copied / name / "kustomization.yaml"
    path.write_text(f"{path.read_text()}components: [{STRIMZI[name]}]\n")
    manifests = built(copied / name)
    check(manifests)
    names = {item["metadata"]["name"] for item in workloads_of(manifests)}
    assert not names & {"kafka", "topic"}
    for workload in workloads_of(manifests):
        if workload["metadata"]["name"] in {"locust", "service", "verify"}:
            volumes = {item["name"]: item for item in pod(workload)["volumes"]}
            assert volumes["kafka-user"]["secret"] == {"secretName": "headcount"}
            (container,) = pod(workload)["containers"]
            variables = {item["name"]: item.get("value") for item in container["env"]}
            config = {name for name in variables if name.endswith("_KAFKA_CONFIG")}
            assert {variables[name] for name in config} == {"/etc/kafka/client/client.properties"}


def test_what_is_requested(copied: Path) -> None:
    """The README's totals are the sums, and the laptop's variant fits a laptop."""
    text = " ".join((FOLDER / "README.md").read_text().split())
    for names in (CLUSTER, ON_A_LAPTOP):
        manifests = [item for name in names for item in built(copied / name)]
        cores, memory_gib = total(manifests, "cpu"), total(manifests, "memory")
        figures = (
            f"{cores:.1f} cores, {memory_gib:.1f} GiB of memory and {storage(manifests):g} GiB"
        )
        assert figures in text
        if names == ON_A_LAPTOP:
            assert cores <= 4
            assert memory_gib <= 8


def test_the_laptop_needs_no_store_and_one_broker(copied: Path) -> None:
    """Nothing is kept in an object store, and nothing waits for a second broker."""
    manifests = built(copied / "kubernetes_laptop")
    (settings,) = (item for item in manifests if item["kind"] == "ConfigMap")
    assert "s3://" not in str(settings)
    assert settings["data"]["HEADCOUNT_BOOTSTRAP_SERVERS"] == "kafka-0.kafka:9092"
    (kafka,) = (item for item in manifests if item["kind"] == "StatefulSet" and _is_kafka(item))
    assert kafka["spec"]["replicas"] == 1
    variables = {item["name"]: item.get("value") for item in pod(kafka)["containers"][0]["env"]}
    copies = {name for name in variables if re.search("REPLICATION_FACTOR|MIN_ISR|INSYNC", name)}
    assert len(copies) == 7
    assert {variables[name] for name in copies} == {"1"}
    assert variables["KAFKA_CONTROLLER_QUORUM_VOTERS"] == "0@kafka-0.kafka:9093"
    worker = next(item for item in manifests if item["metadata"]["name"] == "locust-worker")
    mounts = {item["mountPath"] for item in pod(worker)["containers"][0]["volumeMounts"]}
    assert "/app/reports" in mounts
    (judge,) = built(copied / "kubernetes_laptop" / "verify")[-1:]
    assert "--spark-master" not in str(pod(judge)["containers"][0]["command"])


def _is_kafka(manifest: Manifest) -> bool:
    return bool(manifest["metadata"]["name"] == "kafka")
