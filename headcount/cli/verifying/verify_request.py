"""The request for a verification: which run is judged, and against what."""

from dataclasses import dataclass, fields

from headcount_analysis.judge import Limits

from headcount.cli.options.verify_options import VerifyOptions
from headcount.errors import UsageError
from headcount.kafka_settings.settings import PLAINTEXT, KafkaSettings
from headcount.run.folder import RunFolder


@dataclass(frozen=True, slots=True)
class VerifyRequest:
    """Which run is judged, and against what.

    `saw_the_end` says that this process watched the generators until they sealed, so it need not
    trust another host's clock for that moment. `kafka` says how to connect to the brokers, unless
    they are the run's own, restarted.
    """

    folder: RunFolder
    verify_options: VerifyOptions
    bootstrap_servers: str | None
    until_latest: bool = False
    database_url: str | None = None
    saw_the_end: bool = False
    kafka: KafkaSettings = PLAINTEXT


def limits_of(verify_options: VerifyOptions) -> Limits:
    """Return what the run allows. UsageError names a class that does not exist."""
    try:
        return Limits(late_after_ms=verify_options.late_after_ms, **verify_options.allow)
    except TypeError:
        known = ", ".join(field.name for field in fields(Limits) if field.name != "late_after_ms")
        raise UsageError(f"--allow takes {known}; got {', '.join(verify_options.allow)}") from None
