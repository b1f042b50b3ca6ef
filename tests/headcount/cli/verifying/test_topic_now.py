"""The topic now: for which partitions it asks where the start's leader epochs ended."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from headcount.cli.verifying import topic_now
from headcount.kafka.cluster import Cluster
from headcount.kafka.topic import TopicDescription
from tests.manifests import MANIFEST

CLUSTER = Cluster("127.0.0.1:1")


@pytest.mark.parametrize(
    ("start_epochs", "leader_epochs", "topic_id", "requested"),
    [
        ({0: 4, 1: 4}, {0: 4, 1: 5}, "topic", {1: 4}),
        ({0: 4, 1: 4}, {0: 4, 1: 4}, "topic", None),
        ({0: 4}, {0: 3}, "topic", None),
        ({0: 4}, {}, "topic", None),
        ({}, {0: 5}, "topic", None),
        ({0: 4}, {0: 5}, None, None),
        ({0: 4}, {0: 5}, "recreated", None),
    ],
)
def test_only_a_later_leader_of_the_same_topic_can_have_truncated_it(
    monkeypatch: pytest.MonkeyPatch,
    start_epochs: dict[int, int],
    leader_epochs: dict[int, int],
    topic_id: str | None,
    requested: dict[int, int] | None,
) -> None:
    """Nothing is asked about other partitions, nor if an epoch or the topic's id is unknown."""
    asked: list[Mapping[int, int]] = []

    def epoch_ends(_cluster: Cluster, _name: str, epochs: Mapping[int, int]) -> dict[int, int]:
        asked.append(epochs)
        return dict.fromkeys(epochs, 3)

    monkeypatch.setattr("headcount.kafka.leader_requests.epoch_ends", epoch_ends)
    manifest = replace(MANIFEST, start_epochs=start_epochs)
    described = TopicDescription("events", topic_id, 2, 1, None, None, None, leader_epochs)
    ends = topic_now.epoch_ends(CLUSTER, manifest, described)
    assert ends == dict.fromkeys(requested or {}, 3)
    assert asked == ([] if requested is None else [requested])


def test_without_the_topic_s_id_at_the_start_nothing_is_asked() -> None:
    """No broker is asked at all: the address does not exist."""
    manifest = replace(MANIFEST, topic_id=None, start_epochs={0: 4})
    described = TopicDescription("events", None, 1, 1, None, None, None, {0: 5})
    assert topic_now.epoch_ends(CLUSTER, manifest, described) == {}
