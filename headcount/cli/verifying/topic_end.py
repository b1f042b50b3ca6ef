"""Where a run's part of the topic ends: as recorded before, or as the brokers report now."""

import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from headcount_analysis.ledger.run_ledger import ledger_parts
from headcount_analysis.read.settling_policy import Reach, Waits

from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.verifying.game_database import GameDatabase, account, await_outbox, find
from headcount.cli.verifying.settling_clock import SinceAnswer, TopicSettling
from headcount.cli.verifying.topic_now import epoch_ends
from headcount.cli.verifying.verify_request import VerifyRequest
from headcount.console import Console, Step
from headcount.errors import EvidenceError
from headcount.kafka import topic
from headcount.kafka.cluster import Cluster
from headcount.kafka.missing_topic import missing_topic
from headcount.kafka.topic import TopicDescription
from headcount.ledger.location import open_location
from headcount.ledger.reader import GeneratorLedger, with_later_reservations
from headcount.ledger.seal_age import seal_age_s
from headcount.noun_counts import number
from headcount.run.folder import RunFolder
from headcount.run.manifest import End, Manifest

REPLICATION_TIMEOUT_S = 60.0
"""Longer than a leader waits for a replica that hangs.

The leader waits `replica.lag.time.max.ms`, plus up to half of that until it notices.
"""
POLL_S = 0.2
TRIES = 5
"""How often the end is recorded again while the service still changes its database."""


@dataclass(frozen=True, slots=True)
class RunEnd:
    """Records how far a run's topic reaches, with the ledger and the database at that moment."""

    folder: RunFolder
    cluster: Cluster
    manifest: Manifest
    parts: Sequence[GeneratorLedger]
    database: GameDatabase | None
    console: Console
    step: Step

    def record(self) -> Reach:
        """Record the end of the run's part of the topic. Raises EvidenceError and PartError."""
        for _ in range(TRIES):
            progress = await_outbox(self.database, self.console)
            described = self._described()
            end = record_end(
                self.cluster, self.manifest.topic, self.parts, self.folder.begun or (), self.step
            )
            reading = account(self.database, progress, self.folder)
            if not reading.is_moving:
                break
        parts = as_of(end, self.folder, self.manifest, self.parts)
        return Reach(
            end,
            parts,
            reading.database,
            described.topic_id,
            dict(described.leader_epochs),
            epoch_ends(self.cluster, self.manifest, described),
        )

    def _described(self) -> TopicDescription:
        name = self.manifest.topic
        described = topic.describe(self.cluster, name)
        if described is None:
            raise EvidenceError(missing_topic(name, self.cluster, "its messages are gone"))
        return described


def end_of_run(
    request: VerifyRequest,
    cluster: Cluster,
    manifest: Manifest,
    parts: Sequence[GeneratorLedger],
    console: Console,
) -> tuple[Reach, TopicSettling | None]:
    """Return the recorded end of the run.

    If none is final, record the end now, and also return what waits for later events.
    """
    folder = request.folder
    database = find(folder, manifest, request.database_url or request.verify_options.database_url)
    recorded = None if request.until_latest else folder.read_end()
    if recorded is not None and recorded.is_final(part.generator for part in parts):
        known = as_of(recorded, folder, manifest, parts)
        return Reach(recorded, known, account(database, None, folder).database), None
    location = open_location(folder.ledger_location(manifest))
    since = SinceAnswer(None if request.saw_the_end else seal_age_s(*location, folder.begun))
    began_s, progress = time.monotonic(), await_outbox(database, console)
    if progress is not None and not progress.unpublished and time.monotonic() - began_s > POLL_S:
        since.restart()
    with console.step("Waiting for the last events") as step:
        now = RunEnd(folder, cluster, manifest, parts, database, console, step)
        waits = _waits(request.verify_options, manifest)
        settling = TopicSettling(now.record, folder.write_end, waits, since)
        return settling.begin(), settling


def recording_in_time(
    reach: Reach, settling: TopicSettling | None
) -> contextlib.AbstractContextManager[None]:
    """Record the end when the settle time is over, even if Spark is still starting.

    Does nothing if the run has a database, which must be read at the moment when the judgement
    records the end.
    """
    if settling is None or reach.database.is_due or reach.database.stored is not None:
        return contextlib.nullcontext()
    return settling.recording_in_time()


def as_of(
    end: End, folder: RunFolder, manifest: Manifest, parts: Sequence[GeneratorLedger]
) -> Sequence[GeneratorLedger]:
    """Return `parts`; if the end is not sealed, with what generators have reserved since.

    The events of those reservations may lie before the end.
    """
    if end.sealed:
        return parts
    return with_later_reservations(list(parts), ledger_parts(folder, manifest))


def _waits(verify_options: VerifyOptions, manifest: Manifest) -> Waits:
    """Return the waiting times: the command's options, or else the run's own."""
    settle_s, watch_for_s = verify_options.settle_s, verify_options.watch_for_s
    return Waits(
        manifest.settle_s if settle_s is None else settle_s,
        manifest.watch_for_s if watch_for_s is None else watch_for_s,
    )


def record_end(
    cluster: Cluster,
    name: str,
    parts: Sequence[GeneratorLedger],
    begun: Iterable[int],
    step: Step,
) -> End:
    """Record where the topic ends; everything acknowledged by now lies before it.

    `begun` are the generators that made requests. Raises PartError.
    """
    offsets, unreadable = _replicated(cluster, name, step)
    sealed = tuple(part.generator for part in parts if part.seal)
    generators = {*begun, *(part.generator for part in parts)}
    return End(
        end_offsets=offsets,
        log_start_offsets=topic.beginning_offsets(cluster, name),
        read_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        sealed=bool(parts) and generators == set(sealed),
        unreadable=unreadable,
        generators=sealed,
    )


def _replicated(cluster: Cluster, name: str, step: Step) -> tuple[dict[int, int], dict[int, int]]:
    """Wait until consumers can read all that the leaders have now.

    Returns the end offsets, and by partition how many messages are still unreadable. Later messages
    are not waited for. If a replica hangs, the leader waits for it until it has dropped out of the
    in-sync replicas.
    """
    written = topic.written_offsets(cluster, name)
    deadline = time.monotonic() + REPLICATION_TIMEOUT_S
    while True:
        offsets = topic.end_offsets(cluster, name)
        behind = {number: end - offsets.get(number, 0) for number, end in written.items()}
        unreadable = {number: count for number, count in behind.items() if count > 0}
        if not unreadable or time.monotonic() >= deadline:
            return offsets, unreadable
        step.update(f"not replicated yet: {number(sum(unreadable.values()), 'message')}")
        time.sleep(POLL_S)
