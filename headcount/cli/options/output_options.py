"""Where runs and ledgers are written, and what a command prints."""

from pathlib import Path

import click

from headcount.cli.options.groups import OptionGroup, grouped_option
from headcount.errors import UsageError
from headcount.run.ids import new_run_id

with_reports_dir = grouped_option(
    OptionGroup.OUTPUT,
    "--reports-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    default=Path("reports"),
    envvar="HEADCOUNT_REPORTS_DIR",
    show_envvar=True,
    show_default=True,
    help="Folder with one folder for each run.",
)


def made_folder(reports_dir: Path, command: str) -> Path:
    """Make a folder for output other than a run. UsageError if that fails."""
    folder = reports_dir.absolute() / f"{command}-{new_run_id()}"
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise UsageError(f"cannot make {folder}: {error.strerror}; choose --reports-dir") from None
    return folder


def checked_location(
    _context: click.Context, parameter: click.Parameter, location: str | None
) -> str | None:
    """Check a folder or URL, and return it. If it cannot be used, UsageError names the option."""
    if not location:
        return location
    from headcount.ledger.location import check_location  # noqa: PLC0415 - it loads slowly

    return check_location(parameter.opts[0], location)


with_ledger = grouped_option(
    OptionGroup.OUTPUT,
    "--ledger",
    default="",
    metavar="PLACE",
    envvar="HEADCOUNT_LEDGER",
    show_envvar=True,
    show_default="the run's folder",
    callback=checked_location,
    help="Folder or URL for the ledgers.",
)

with_json = grouped_option(
    OptionGroup.OUTPUT,
    "--json",
    "as_json",
    is_flag=True,
    help="Print the content of verdict.json, and nothing else on stdout.",
)

with_quiet = grouped_option(
    OptionGroup.OUTPUT, "-q", "--quiet", is_flag=True, help="Print the result and nothing else."
)

with_links = grouped_option(
    OptionGroup.OUTPUT,
    "--links",
    default="",
    metavar="URL",
    show_default="the runs' folder",
    help="Base address of the page's links to RUN/report.html.",
)

with_json_document = grouped_option(
    OptionGroup.OUTPUT,
    "--json",
    "as_json",
    is_flag=True,
    help="Print one JSON document, and nothing else on stdout.",
)
