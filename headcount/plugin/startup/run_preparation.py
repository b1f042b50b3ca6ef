"""Run preparation: what the master checks and writes before the first request."""

import argparse
import importlib.metadata
import os
import platform
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from locust.env import Environment
from locust.runners import MasterRunner

from headcount import __version__
from headcount.errors import UsageError
from headcount.kafka import cluster_metadata, topic
from headcount.kafka.cluster import Cluster
from headcount.kafka.missing_topic import missing_topic
from headcount.kafka.permissions import check_read
from headcount.kafka_settings.config_file import from_environment
from headcount.ledger.location import check_location
from headcount.plugin import arrival_driver, probe_load
from headcount.plugin.environment_state import state_of
from headcount.plugin.message_options import format_settings_of, id_settings_of
from headcount.plugin.options import (
    DEFAULT_SERVERS,
    check,
    http_way_of,
    recorded,
    seed_of,
    waits_of,
)
from headcount.plugin.run_folder import folder_of
from headcount.plugin.startup.host_check import check_host
from headcount.plugin.startup.user_classes import check_users
from headcount.plugin.user import LedgerUser
from headcount.run.address import without_secrets
from headcount.run.folder import RunFolder
from headcount.run.id_settings import IdSettings
from headcount.run.ids import new_tag, run_id_of
from headcount.run.manifest import JUDGED_BY_PARENT, Manifest
from headcount.run.message_format import FormatSettings
from headcount.run.outcome_rules import split as split_rules
from headcount.thresholds.grammar import Threshold

PACKAGES = ("locust", "gevent", "geventhttpclient", "kafka-python")
"""The packages whose versions the manifest names."""


@dataclass(frozen=True, slots=True)
class _CheckedOptions:
    """What was parsed from the options."""

    thresholds: tuple[Threshold, ...]
    outcome_rules: tuple[str, ...]
    ids: IdSettings
    message_format: FormatSettings
    settle_s: float
    watch_for_s: float


@dataclass(frozen=True, slots=True)
class _TopicStart:
    """The topic when the run begins; its end offsets at that moment are the run's start offsets."""

    cluster_id: str = ""
    topic_id: str | None = None
    cleanup_policy: str = ""
    offsets: dict[int, int] = field(default_factory=dict)
    epochs: dict[int, int] = field(default_factory=dict)


def prepare(environment: Environment) -> tuple[Manifest, tuple[Threshold, ...]]:
    """Check the options and write the run's manifest. Raises UsageError or PartError."""
    options = environment.parsed_options
    assert options is not None
    check_users(environment.user_classes)
    checked = _check(environment, options)
    arrival_driver.prepare(environment)
    _check_host(environment, options)
    cluster = _cluster(options)
    start = _start(environment, options, cluster)
    state_of(environment).has_run = False
    options.prepared_run, options.prepared_tag = run_id_of(options.run_id), new_tag()
    options.run_id = ""  # the next run from the web form needs a new id
    folder = folder_of(environment)
    manifest = _manifest(environment, folder, checked, cluster, start)
    folder.begin(manifest)
    return manifest, checked.thresholds


def _check(environment: Environment, options: argparse.Namespace) -> _CheckedOptions:
    """Check the options, and note in them what workers must receive. UsageError."""
    options.prepared_seed = str(seed_of(options))
    options.ledger = _checked_ledgers(options.ledger)
    thresholds = check(options, environment.user_classes)
    ids, message_format = id_settings_of(options), format_settings_of(options)
    options.schema_registry = message_format.schema_registry  # workers need no secret
    outcome_rules = tuple(rule.text for rule in split_rules(options.outcome))
    settle_s, watch_for_s = waits_of(options)
    http_way_of(os.environ)
    return _CheckedOptions(thresholds, outcome_rules, ids, message_format, settle_s, watch_for_s)


def _check_host(environment: Environment, options: argparse.Namespace) -> None:
    """Check that the service answers, if `headcount` started Locust and this host sends requests.

    Raises UsageError if it does not answer.
    """
    is_here = options.processes or not isinstance(environment.runner, MasterRunner)
    if JUDGED_BY_PARENT in os.environ and is_here:
        # Not for remote workers: their route to the host may differ.
        check_host(environment)


def _start(environment: Environment, options: argparse.Namespace, cluster: Cluster) -> _TopicStart:
    """Describe the topic; or prepare a probe, whose command watches the topics itself."""
    if options.probe_requests:
        state_of(environment).probe = probe_load.prepare(environment, int(options.probe_requests))
        return _TopicStart()
    return _topic_start(cluster, options.topic)


def _manifest(
    environment: Environment,
    folder: RunFolder,
    checked: _CheckedOptions,
    cluster: Cluster,
    start: _TopicStart,
) -> Manifest:
    options = environment.parsed_options
    assert options is not None
    return Manifest(
        run_id=folder.run_id,
        created_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        headcount_version=__version__,
        scenario=str(environment.locustfile),
        host=without_secrets(environment.host or LedgerUser.host),
        bootstrap_servers=cluster.bootstrap_servers,
        cluster_id=start.cluster_id,
        topic=options.topic,
        topic_id=start.topic_id,
        cleanup_policy=start.cleanup_policy,
        start_offsets=start.offsets,
        start_epochs=start.epochs,
        ledger=folder.ledger_of(options.ledger, options.prepared_tag),
        broker_data=options.broker_data or None,
        database=options.database_file or None,
        promise=options.promise,
        id_form=checked.ids.form,
        id_header=checked.ids.header,
        id_at=str(checked.ids.location),
        message_format=checked.message_format.name,
        compare_at=checked.message_format.compare_at,
        schema_registry=checked.message_format.schema_registry,
        trace_url=options.trace_url,
        thresholds=tuple(threshold.text for threshold in checked.thresholds),
        outcome_rules=checked.outcome_rules,
        settle_s=checked.settle_s,
        watch_for_s=checked.watch_for_s,
        options=_kept_options(environment, options),
        versions=_versions(has_own_broker=bool(options.broker_data)),
        tag=options.prepared_tag,
    )


def _kept_options(environment: Environment, options: argparse.Namespace) -> dict[str, Any]:
    shape = type(environment.shape_class).__name__ if environment.shape_class else None
    return {**recorded(options), "seed": int(options.prepared_seed), "shape": shape}


def _topic_start(cluster: Cluster, name: str) -> _TopicStart:
    """Describe the topic. UsageError if there is none, PartError if it cannot be read."""
    described = topic.describe(cluster, name)
    if described is None:
        raise UsageError(missing_topic(name, cluster, "create it, or name another with --topic"))
    check_read(cluster, name, described.operations)
    return _TopicStart(
        cluster_metadata.cluster_id(cluster),
        described.topic_id,
        described.cleanup_policy or "",
        *topic.end_offsets_and_epochs(cluster, name),
    )


def _cluster(options: argparse.Namespace) -> Cluster:
    """Return the cluster of the option, else of the settings, else the default. UsageError."""
    settings = from_environment(os.environ)
    servers = options.bootstrap_servers or settings.bootstrap_servers or DEFAULT_SERVERS
    return Cluster(servers, settings)


def _versions(*, has_own_broker: bool) -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    if has_own_broker:
        # Imported only for a broker that the `headcount` command has started.
        from headcount.stack.jvm.jars_lock import read_lock  # noqa: PLC0415

        versions["kafka"] = next(
            jar.version for jar in read_lock() if jar.artifact.startswith("kafka_")
        )
    return {"python": platform.python_version(), **versions}


def _checked_ledgers(text: str) -> str:
    """Check the ledgers' location; make it absolute for workers in other folders. UsageError."""
    if not text or "://" in text:
        return text and check_location("--ledger", text)
    return str(Path(text).absolute())
