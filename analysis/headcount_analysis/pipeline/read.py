"""Reading: loads the ledger, and reads the run's part of the topic into rows, by block."""

from dataclasses import dataclass

from headcount.ledger.event_digest import names_of
from headcount.run.manifest import Manifest
from headcount_analysis.batches.expected import MAX_SHAPES, Expected
from headcount_analysis.formats.message_format import MessageFormat
from headcount_analysis.ledger.asked_shapes import AskedShapes
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.ledger.run_ledger import ledger_parts, load_ledger
from headcount_analysis.pipeline.cache import RunCache
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.table_places import Places
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.read.topic_cache import TopicRequest
from headcount_analysis.read.topic_rows import TopicRows
from headcount_analysis.spark.tables import keep_only


@dataclass(frozen=True, slots=True)
class RunRead:
    """What was read from a run: its ledger's overview, and its messages by block."""

    ledger: Ledger
    topic: TopicRows


def read(plan: VerificationPlan, tools: Tools, places: Places, cache: RunCache) -> RunRead:
    """Read the ledger and the topic, except what is cached. Raises EvidenceError and OSError."""
    tools.progress("reading the ledger")
    parts = plan.parts
    if parts is None:
        parts = ledger_parts(plan.folder, plan.manifest, cache.ledger)
    ledger = load_ledger(plan.folder, plan.manifest, parts, cache.ledger)
    request = TopicRequest(
        ledger=ledger,
        expected=expected_messages(plan.manifest, ledger, tools.message_format),
        offsets=plan.offsets,
        leader_epochs=plan.seen.leader_epochs,
        place=places.arrivals,
    )
    tools.progress("reading the topic")
    topic = cache.topic.read(tools.source, request)
    keep_only(places.arrivals, topic.files)
    return RunRead(ledger, topic)


def expected_messages(
    manifest: Manifest, ledger: Ledger, message_format: MessageFormat
) -> Expected:
    """Derive from the ledger what the run's messages should look like."""
    shapes, asked_shapes = ledger.state.shapes, None
    if len(shapes) > MAX_SHAPES:
        shapes, asked_shapes = (), _asked_shapes(ledger)
    return Expected(
        ids=manifest.ids,
        location=manifest.id_location,
        asked={state.generator: state.asked for state in ledger.state.generators},
        shapes=shapes,
        asked_shapes=asked_shapes,
        id_header=manifest.id_header,
        message_format=message_format,
    )


def _asked_shapes(ledger: Ledger) -> AskedShapes:
    names = {name for shape in ledger.state.shapes for name in names_of(shape)}
    segments = tuple(segment.name for segment in ledger.segments)
    return AskedShapes(ledger.location, segments, frozenset(names))
