"""`headcount report`: finds a run's report, or saves it as PDF."""

import os
from pathlib import Path

from headcount.cli.options.groups import OptionGroup, grouped_command, grouped_option
from headcount.cli.options.output_options import with_reports_dir
from headcount.cli.options.run_argument import find_run, with_run
from headcount.compose import shown_path, typed_command
from headcount.console import Console
from headcount.errors import UsageError
from headcount.stack.browser import find_browser, print_page

_EXAMPLES = """
\b
Examples:
  headcount report 20261123-221530-k7qz          print the path of the run's report
  headcount report reports/RUN --pdf             write reports/RUN/report.pdf
"""


@grouped_command(epilog=_EXAMPLES)
@with_run
@grouped_option(
    OptionGroup.OUTPUT,
    "--pdf",
    is_flag=True,
    help="Write report.pdf beside it, with the Chromium or Chrome that is installed.",
)
@with_reports_dir
def report(*, run: Path, pdf: bool, reports_dir: Path) -> None:
    """Print the path of RUN's report, or save the report as PDF.

    The report is that of the last verification; headcount verify RUN writes a new one.
    """
    folder = find_run(run, reports_dir)
    page = folder.path / "report.html"
    if not page.is_file():
        path = shown_path(folder.path, os.environ)
        verify = typed_command(f"headcount verify {path}", os.environ)
        raise UsageError(f"{path} has no report yet: {verify}")
    console = Console()
    if not pdf:
        console.result(f"Report: {shown_path(page, os.environ)}")
        return
    target = page.with_suffix(".pdf")
    browser = find_browser()
    try:
        with console.step("Printing the report"):
            print_page(page, target, browser)
    except OSError as error:
        raise UsageError(f"cannot write {target}: {error.strerror or error}") from None
    console.result(f"Report: {shown_path(target, os.environ)}")
