"""The configuration of a run, without possible secrets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

from headcount.run.address import without_secrets
from headcount.run.manifest import Manifest
from headcount.run.secret_names import LEFT_OUT, is_secret
from headcount.run.utc import clock_text
from headcount.time_span import span_text
from headcount_analysis.judge import watched
from headcount_analysis.report.model import Report


def configuration(report: Report) -> dict[str, Mapping[str, str]]:
    """Return all known facts by heading and name."""
    return {
        "The run": dict(_run(report)),
        "Options": dict(_options(report.manifest.options)),
        "Limits (--allow)": {
            name.replace("_", " "): _limit(limit) for name, limit in asdict(report.limits).items()
        },
        "Versions": dict(report.versions),
    }


def _limit(limit: int | Sequence[str] | None) -> str:
    if limit is None:
        return "not judged"
    return f"{limit:,}" if isinstance(limit, int) else ", ".join(limit) or "none"


def _run(report: Report) -> Iterator[tuple[str, str]]:
    manifest = report.manifest
    yield "Run", report.run_id
    yield "Scenario", manifest.scenario
    yield "Service", without_secrets(manifest.host)
    yield "Delivery promise", manifest.promise or "not stated"
    yield "Seed", str(manifest.options.get("seed", "not stated"))
    yield "Brokers", manifest.bootstrap_servers
    yield "Cluster", manifest.cluster_id
    yield "Topic", f"{manifest.topic}, cleanup.policy={manifest.cleanup_policy or 'not known'}"
    yield "Ids", f"{manifest.id_form}, sent in {manifest.id_header}"
    yield "Ids in messages", manifest.id_location.phrase
    yield "Format of messages", _format(manifest)
    yield "Ledger", without_secrets(manifest.ledger)
    yield "Started", clock_text(manifest.created_at)
    yield "Ended", clock_text(report.end.read_at)
    yield "Topic after the last response", watched(report.end) or "watched for an unknown time"
    if report.end.settle_s is not None:
        yield "Time for events to arrive (--settle)", span_text(report.end.settle_s)
    yield "Verified", clock_text(report.verified_at)


def _format(manifest: Manifest) -> str:
    at = f", compared at {manifest.compare_at}" if manifest.compare_at else ""
    registry = f", schemas of {manifest.schema_registry}" if manifest.schema_registry else ""
    return f"{manifest.message_format}{at}{registry}"


def _options(options: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(options.items()):
        text = LEFT_OUT if is_secret(name) else _plain(value)
        yield name.replace("_", " "), text


def _plain(value: object) -> str:
    if value is None or value == "":
        return "not set"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    text = str(value)
    return without_secrets(text) if "://" in text else text
