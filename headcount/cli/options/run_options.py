"""The argument RUN of commands about an earlier run, and the brokers that have its topic."""

from pathlib import Path

import click

from headcount.cli.options.groups import OptionGroup, grouped_option
from headcount.run.folder import RunFolder

with_run = click.argument("run", type=click.Path(path_type=Path))

with_brokers_of_run = grouped_option(
    OptionGroup.KAFKA,
    "--bootstrap-servers",
    metavar="HOST:PORT,…",
    show_default="those of the run",
    help="Kafka brokers that have the run's topic.",
)


def find_run(run: Path, reports_dir: Path) -> RunFolder:
    """Return the folder of a run, named by its path or its id. UsageError if it is not a run's."""
    path = run if run.is_dir() or len(run.parts) > 1 else reports_dir / run
    folder = RunFolder(path.absolute())
    folder.read_manifest()
    return folder
