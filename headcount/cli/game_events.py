"""The game's events in a run's part of the topic: read with Spark, filtered, printed, exported."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from headcount_analysis.pipeline.plan import VerificationPlan
from headcount_analysis.read import topic_range
from headcount_analysis.spark.session import open_session, sql
from headcount_analysis.state.game import export
from headcount_analysis.state.game.events import Wanted, game_events, matching
from headcount_service.catalogue import Choice, load_catalogue
from pyspark.sql import DataFrame, Row
from pyspark.sql.types import DataType, LongType, StringType
from rich.table import Table
from rich.text import Text

from headcount.cli.options.kafka_options import KafkaOptions
from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.platform import platform
from headcount.cli.verifying.spark_config import session_config
from headcount.cli.verifying.topic_now import topic_now
from headcount.cli.verifying.verification import brokers
from headcount.cli.verifying.verify_request import VerifyRequest
from headcount.compose import shown_path, typed_command
from headcount.console import Console
from headcount.errors import UsageError
from headcount.kafka_settings import java
from headcount.noun_counts import number
from headcount.run.folder import RunFolder

_SHOWN = ("event_id", "event_type", "player_id", "guild", "item", "quantity", "total")


@dataclass(frozen=True, slots=True)
class EventsOutput:
    """Where events go: at most `limit` rows to the console, and all rows to a file if named."""

    limit: int
    path: Path | None
    console: Console


def show_events(
    folder: RunFolder,
    wanted: Wanted,
    output: EventsOutput,
    *,
    verify_options: VerifyOptions,
    bootstrap_servers: str | None,
    kafka_options: KafkaOptions,
) -> None:
    """Print and export the events of a run that match a filter.

    Raises:
        UsageError: The run's end is not recorded yet, or the file cannot be written.
        PartError: Spark cannot start, or no broker answers.
    """
    if output.path is not None:
        export.check_path(output.path)
    java.check_supported(kafka_options.settings)
    request = VerifyRequest(folder, verify_options, bootstrap_servers, kafka=kafka_options.settings)
    ready = platform({**os.environ, **kafka_options.environ}, output.console)
    manifest, end = folder.read_manifest(), folder.read_end()
    if end is None:
        command = f"headcount verify {shown_path(folder.path, os.environ)}"
        raise UsageError(f"the run is not judged yet: {typed_command(command, os.environ)}")
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(brokers(request, manifest, ready))
        offsets = VerificationPlan(folder, manifest, end, seen=topic_now(cluster, manifest)).offsets
        config = session_config(folder, verify_options, ready, events=offsets.size)
        spark = stack.enter_context(open_session(config))
        source = topic_range.read(
            sql(spark), cluster, offsets, with_headers=manifest.id_location.is_in_headers
        )
        published = game_events(topic_range.messages(source), _types(), manifest.id_location)
        _show(matching(published, wanted), output)


def _types() -> dict[str, DataType]:
    return {
        name: StringType() if any(isinstance(kind, Choice) for kind in kinds) else LongType()
        for name, kinds in load_catalogue().attributes.items()
    }


def _show(matches: DataFrame, output: EventsOutput) -> None:
    console = output.console
    with console.step("Reading the topic"):
        kept = matches.cache()
        rows, shown = kept.count(), kept.limit(output.limit).collect()
    if shown:
        console.result(_table(kept.columns, shown))
    console.result(number(rows, "row") + (f", {len(shown):,} shown" if len(shown) < rows else ""))
    if output.path is not None:
        try:
            export.write(kept, output.path)
        except OSError as error:
            reason = error.strerror or error
            raise UsageError(f"cannot write {output.path}: {reason}") from None
        console.result(f"Written: {output.path}")


def _table(names: Sequence[str], rows: Sequence[Row]) -> Table:
    """Make a table of the columns that have a value in any of the rows."""
    used = [name for name in names if any(row[name] is not None for row in rows)]
    columns = [name for name in used if name in _SHOWN or name in _types()]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.replace("_", " "))
    for row in rows:
        table.add_row(*(Text("" if row[name] is None else str(row[name])) for name in columns))
    return table
