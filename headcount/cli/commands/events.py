"""`headcount events`: the game's events in a run's part of the topic, filtered."""

import functools
from pathlib import Path
from typing import Any

import click
from headcount_service.catalogue import Attribute, Choice, load_catalogue

from headcount.cli.options.groups import (
    GroupedCommand,
    GroupedOption,
    OptionGroup,
    grouped_command,
    grouped_option,
)
from headcount.cli.options.kafka_options import KafkaOptions, with_kafka_options
from headcount.cli.options.output_options import with_quiet, with_reports_dir
from headcount.cli.options.run_argument import find_run, with_brokers_of_run, with_run
from headcount.cli.options.spark_options import with_spark
from headcount.cli.options.verify_options import VerifyOptions
from headcount.console import Console
from headcount.gc_control import permanent_objects

_EXAMPLES = """
\b
Examples:
  headcount events RUN --item sword --metal iron
  headcount events RUN --type checkout --player 5t0xk2v9qd.0.o17
  headcount events RUN --guild knights --output knights.csv
"""


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
        help=f"Events with this {name}.",
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
    """Show the game events of RUN that match the filters."""
    folder = find_run(run, reports_dir)
    described = {name.removeprefix("attribute_"): value for name, value in attributes.items()}
    filters = {name: value for name, value in described.items() if value is not None}
    # Imported late because they load slowly: --help and a refused option do not need them.
    with permanent_objects():
        from headcount_analysis.state.game.events import Wanted  # noqa: PLC0415

        from headcount.cli.game_events import EventsOutput, show_events  # noqa: PLC0415

    show_events(
        folder,
        Wanted(event_type, item, player_id, guild, filters),
        EventsOutput(limit, output, Console(quiet=quiet)),
        verify_options=VerifyOptions(spark_master, spark_heap, spark_conf=spark_conf),
        bootstrap_servers=bootstrap_servers,
        kafka_options=kafka_options,
    )
