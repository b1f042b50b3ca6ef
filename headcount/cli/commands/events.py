"""`headcount events`: the game's events in a run's part of the topic, filtered."""

import contextlib
import functools
import os
from pathlib import Path
from typing import Any

import click
from headcount_analysis.read import topic_range
from headcount_analysis.spark.session import open_session, sql
from headcount_analysis.state.game import export
from headcount_analysis.state.game.events import Wanted, game_events, matching
from headcount_service.catalogue import Attribute, Choice, load_catalogue
from pyspark.sql import DataFrame
from pyspark.sql.types import DataType, LongType, StringType
from rich.table import Table
from rich.text import Text

from headcount.cli.options.groups import (
    GroupedCommand,
    GroupedOption,
    OptionGroup,
    grouped_command,
    grouped_option,
)
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.output_options import with_quiet, with_reports_dir
from headcount.cli.options.run_options import find_run, with_brokers_of_run, with_run
from headcount.cli.options.spark_options import with_spark
from headcount.cli.options.verify_options import VerifyOptions
from headcount.cli.platform import platform
from headcount.cli.verifying.spark_config import session_config
from headcount.cli.verifying.verification import brokers
from headcount.cli.verifying.verify_request import VerifyRequest
from headcount.console import Console
from headcount.errors import UsageError

_EXAMPLES = """
\b
Examples:
  headcount events RUN --item sword --metal iron
  headcount events RUN --type checkout --player 5t0xk2v9qd.0.o17
  headcount events RUN --guild knights --output knights.csv
"""
_SHOWN = ("event_id", "event_type", "player_id", "guild", "item", "quantity", "total")


class ByCatalogue(GroupedCommand):
    """A command with an option for the item, and one for each attribute of items."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return its own parameters, and those of the catalogue. Raises CatalogueError."""
        own = super().get_params(ctx)
        return [*own[:2], *_options(), *own[2:]]


@functools.cache
def _options() -> tuple[click.Option, ...]:
    catalogue = load_catalogue()
    described = (
        _filter(name.replace("_", "-"), f"attribute_{name}", _type(kinds))
        for name, kinds in catalogue.attributes.items()
    )
    return _filter("item", "item", click.Choice(sorted(catalogue.items))), *described


def _filter(name: str, parameter: str, kind: click.ParamType[Any]) -> click.Option:
    return GroupedOption(
        [f"--{name}", parameter],
        type=kind,
        group=OptionGroup.FILTER,
        help=f"Events of this {name}.",
    )


def _type(kinds: tuple[Attribute, ...]) -> click.ParamType[Any]:
    values = sorted({value for kind in kinds if isinstance(kind, Choice) for value in kind.values})
    return click.Choice(values) if values else click.INT


@grouped_command(cls=ByCatalogue, epilog=_EXAMPLES)
@with_run
@grouped_option(
    OptionGroup.FILTER,
    "--type",
    "event_type",
    metavar="NAME",
    help="Events of this type, such as purchase or checkout.",
)
@grouped_option(
    OptionGroup.FILTER, "--player", "player_id", metavar="ID", help="Events of this player."
)
@grouped_option(OptionGroup.FILTER, "--guild", metavar="NAME", help="Events of this guild.")
@grouped_option(
    OptionGroup.OUTPUT,
    "--limit",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    metavar="N",
    help="Rows to print.",
)
@grouped_option(
    OptionGroup.OUTPUT,
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write all rows to a .csv or .parquet file.",
)
@with_brokers_of_run
@with_kafka_options
@with_spark
@with_reports_dir
@with_quiet
def events(
    *,
    run: Path,
    event_type: str | None,
    item: str | None,
    player_id: str | None,
    guild: str | None,
    limit: int,
    output: Path | None,
    bootstrap_servers: str | None,
    kafka_options: KafkaOptions,
    spark_master: str,
    spark_heap: str,
    spark_conf: dict[str, str],
    reports_dir: Path,
    quiet: bool,
    **attributes: str | int | None,
) -> None:
    """Show the game's events in RUN's part of the topic that match the filters."""
    folder = find_run(run, reports_dir)
    if output is not None:
        export.check_path(output)
    described = {name.removeprefix("attribute_"): value for name, value in attributes.items()}
    filters = {name: value for name, value in described.items() if value is not None}
    wanted = Wanted(event_type, item, player_id, guild, filters)
    console = Console(quiet=quiet)
    verify_options = VerifyOptions(spark_master, spark_heap, spark_conf=spark_conf)
    request = VerifyRequest(folder, verify_options, bootstrap_servers, kafka=kafka_options.settings)
    ready = platform({**os.environ, **kafka_options.environ}, console)
    manifest, end = folder.read_manifest(), folder.read_end()
    if end is None:
        raise UsageError(f"the run is not judged yet: headcount verify {folder.path}")
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(brokers(request, manifest, ready))
        offsets = topic_range.OffsetRange(manifest.topic, manifest.start_offsets, end.end_offsets)
        config = session_config(folder, verify_options, ready, events=offsets.size)
        spark = stack.enter_context(open_session(config))
        source = topic_range.read(
            sql(spark), cluster, offsets, with_headers=manifest.id_location.is_in_headers
        )
        published = game_events(topic_range.messages(source), _types(), manifest.id_location)
        _show(matching(published, wanted), limit, output, console)


def _types() -> dict[str, DataType]:
    return {
        name: StringType() if any(isinstance(kind, Choice) for kind in kinds) else LongType()
        for name, kinds in load_catalogue().attributes.items()
    }


def _show(matches: DataFrame, limit: int, output: Path | None, console: Console) -> None:
    with console.step("Reading the topic"):
        kept = matches.cache()
        rows, shown = kept.count(), kept.limit(limit).collect()
    used = [name for name in kept.columns if any(row[name] is not None for row in shown)]
    columns = [name for name in used if name in _SHOWN or name in _types()]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.replace("_", " "))
    for row in shown:
        table.add_row(*(Text("" if row[name] is None else str(row[name])) for name in columns))
    if shown:
        console.result(table)
    console.result(f"{rows:,} rows" + (f", {len(shown):,} shown" if len(shown) < rows else ""))
    if output is not None:
        try:
            export.write(kept, output)
        except OSError as error:
            raise UsageError(f"cannot write {output}: {error.strerror or error}") from None
        console.result(f"Written: {output}")
