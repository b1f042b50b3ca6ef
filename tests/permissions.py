"""Permissions: a broker that allows and denies operations on a topic."""

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourceType,
)

from headcount.kafka.topic import ensure_topic
from headcount.stack.broker import Broker
from headcount.stack.process import wait_until
from tests.conftest import NewBroker

DEADLINE_S = 120.0
Rule = tuple[ACLOperation, ACLPermissionType]

DENIED: Rule = (ACLOperation.ALL, ACLPermissionType.DENY)
DISCREET: tuple[Rule, ...] = (
    (ACLOperation.ALL, ACLPermissionType.ALLOW),
    (ACLOperation.DESCRIBE_CONFIGS, ACLPermissionType.DENY),
)


def guarded_broker(new_broker: NewBroker, topic: str, *rules: Rule) -> Broker:
    """Start a broker with a topic that can be used only according to these rules."""
    broker = new_broker(
        authorizer_class_name="org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        allow_everyone_if_no_acl_found="true",
    )
    ensure_topic(broker.cluster, topic, 1)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    pattern = ResourcePattern(ResourceType.TOPIC, topic)
    admin.create_acls([ACL("User:ANONYMOUS", "*", *rule, pattern) for rule in rules])
    # The rules take effect in the broker a moment after they are stored.
    topic_rules = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, pattern)
    wait_until(
        lambda: len(admin.describe_acls(topic_rules)[0]) == len(rules),
        DEADLINE_S,
        "the rules are in effect",
    )
    admin.close()
    return broker
