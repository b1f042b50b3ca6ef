"""Permissions: what a user must be allowed to do on a topic, and the command that grants it."""

import shlex
from collections.abc import Collection
from enum import StrEnum

from cryptography import x509

from headcount.errors import PartError
from headcount.kafka.cluster import Cluster
from headcount.kafka_settings.settings import KafkaSettings, Mechanism


class Operation(StrEnum):
    """An operation on a topic: as Kafka's tools name it, and in capitals as brokers list it."""

    READ = "Read"
    DESCRIBE = "Describe"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    CREATE = "Create"
    WRITE = "Write"


def check_read(cluster: Cluster, topic: str, allowed: Collection[str] | None) -> None:
    """Check that the user may read a topic. PartError names the command that allows it.

    `allowed` are the operations that the cluster says are allowed; None if it does not say.
    """
    if allowed is not None and Operation.READ.name not in allowed:
        raise PartError(
            f"the user is not allowed to read the topic {topic!r} at {cluster}; "
            f"{how_to_grant(cluster, Operation.READ, topic)}"
        )


_IAM_ACTIONS = {
    Operation.READ: "ReadData",
    Operation.DESCRIBE: "DescribeTopic",
    Operation.DESCRIBE_CONFIGS: "DescribeTopicDynamicConfiguration",
    Operation.CREATE: "CreateTopic",
    Operation.WRITE: "WriteData",
}
"""What Amazon's policies call the operations, after `kafka-cluster:`."""


def how_to_grant(cluster: Cluster, operation: Operation, topic: str) -> str:
    """Say how to grant an operation: by a command, or with Amazon by an action of a policy."""
    if cluster.settings.mechanism is Mechanism.AWS_MSK_IAM:
        action = f"kafka-cluster:{_IAM_ACTIONS[operation]}"
        return f"to grant it: allow {action} on the topic {topic!r} in the role's IAM policy"
    principal = shlex.quote(_principal(cluster.settings))
    return (
        f"to grant it: kafka-acls --bootstrap-server {cluster} --add --allow-principal "
        f"{principal} --operation {operation} --topic {shlex.quote(topic)}"
    )


def _principal(settings: KafkaSettings) -> str:
    """Return the name that Kafka's default rules give the user, such as `User:alice`."""
    if settings.username:
        return f"User:{settings.username}"
    if settings.token_source is not None:
        return f"User:{settings.token_source.client_id}"
    if settings.key_pair is not None:
        certificate = x509.load_pem_x509_certificate(settings.key_pair.certificate_pem.encode())
        return f"User:{certificate.subject.rfc4514_string()}"
    return "User:ANONYMOUS"
