"""The argument RUN of commands about an earlier run, and the brokers that have its topic."""

from collections.abc import Iterator
from pathlib import Path

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from headcount.cli.configuration.option_file import find_option_file
from headcount.cli.options.groups import OptionGroup, grouped_option
from headcount.errors import UsageError
from headcount.run.folder import RunFolder

REPORTS_DIR = "reports-dir"
_BEFORE_FILES = frozenset({ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT})


def complete_runs(
    ctx: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the run ids that begin with a word, or with its last part if it contains commas."""
    if "/" in incomplete:
        return [CompletionItem(incomplete, type="dir")]
    before, comma, last = incomplete.rpartition(",")
    names = sorted(_run_ids(_reports_dir(ctx)), reverse=True)
    return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(last)]


def _reports_dir(ctx: click.Context) -> Path:
    """Return the folder with the runs, before the command line is complete."""
    chosen = Path(ctx.params.get("reports_dir") or "reports")
    if ctx.get_parameter_source("reports_dir") in _BEFORE_FILES:
        return chosen
    try:
        options = find_option_file(Path(), None)
    except UsageError:
        return chosen
    return chosen if options is None else Path(str(options.shared.get(REPORTS_DIR, chosen)))


def _run_ids(reports_dir: Path) -> Iterator[str]:
    if reports_dir.is_dir():
        yield from (path.parent.name for path in reports_dir.glob("*/run.json"))


with_run = click.argument("run", type=click.Path(path_type=Path), shell_complete=complete_runs)

with_brokers_of_run = grouped_option(
    OptionGroup.KAFKA,
    "--bootstrap-servers",
    metavar="HOST:PORT,…",
    show_default="those of the run",
    help="Kafka brokers that have the run's topic.",
)


def find_run(run: Path, reports_dir: Path) -> RunFolder:
    """Return the folder of a run, named by path or by id. UsageError if there is no such run."""
    path = run if run.is_dir() or len(run.parts) > 1 else reports_dir / run
    folder = RunFolder(path.absolute())
    folder.read_manifest()
    return folder
