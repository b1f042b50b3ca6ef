"""State: compares the expected state, the state the topic implies, and the database's state."""

from dataclasses import replace

from pyspark import StorageLevel
from pyspark.sql import DataFrame

from headcount.ledger.event_types import UNKNOWN
from headcount_analysis.ledger.overview import Ledger
from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.pipeline.table_places import FATES_FOLDER
from headcount_analysis.pipeline.tools import Tools
from headcount_analysis.read import topic_range
from headcount_analysis.spark.object_store import spark_url
from headcount_analysis.spark.session import sql
from headcount_analysis.state import comparison
from headcount_analysis.state.differences import StateCheck
from headcount_analysis.state.game.economy import Economy, economy
from headcount_analysis.state.game.effects import EVENT_TYPES, effects, implied
from headcount_analysis.state.game.events import parsed

EFFECTS_FOLDER = "effects.parquet"


def compare_state(
    plan: VerificationPlan, tools: Tools, ledger: Ledger
) -> tuple[StateCheck, Economy | None]:
    """Compare the three accounts of the state, and sum up the game's economy.

    Returns:
        The check, and the economy: None if the effect of an event type is unknown.
    """
    unknown = sorted(set(ledger.state.changing_types) - EVENT_TYPES - {UNKNOWN})
    if unknown:
        why = f"the effect of events of type {', '.join(unknown)} is unknown"
        has_known = not EVENT_TYPES.isdisjoint(ledger.state.changing_types)
        is_due = has_known or plan.database.stored is not None
        return StateCheck(why_not=why, is_due=is_due), None
    messages = topic_range.messages(tools.source.frame(plan.offsets))
    # Both the effects and the economy use the events; this way the topic is read only once.
    events = parsed(messages, {}, plan.manifest.id_location).persist(StorageLevel.DISK_ONLY)
    try:
        return _compared(plan, tools, ledger, events)
    finally:
        events.unpersist()


def _compared(
    plan: VerificationPlan, tools: Tools, ledger: Ledger, events: DataFrame
) -> tuple[StateCheck, Economy]:
    owners = plan.owner_prefix
    changes = tools.tables.keep(effects(events, owners), EFFECTS_FOLDER)
    owned = comparison.owned_changes(sql(tools.spark), ledger)
    check = comparison.compare(
        expected=comparison.expectations(owned, _fates(tools)),
        implied=changes,
        stored=_stored(plan, tools),
        torn=[part.generator for part in ledger.state.torn],
    )
    if plan.database.stored is None and check.numbers:
        check = replace(check, why_not=plan.database.why_not, is_due=plan.database.is_due)
    return check, economy(events, implied(changes), owners)


def _fates(tools: Tools) -> DataFrame:
    place = spark_url(tools.tables.kept(FATES_FOLDER))
    return sql(tools.spark).read.option("__globPaths__", "false").parquet(place)


def _stored(plan: VerificationPlan, tools: Tools) -> DataFrame | None:
    if plan.database.stored is None:
        return None
    url = tools.tables.share(plan.database.stored)
    return comparison.stored_account(sql(tools.spark), url, plan.owner_prefix)
