"""The options of a probe's findings, written into the option file of a project."""

from collections.abc import Mapping
from pathlib import Path

from headcount_analysis.probe.fit import OptionsFit

from headcount.cli.configuration.option_file import PROJECT_FILE, PROJECT_TABLE
from headcount.cli.configuration.option_text import Value, with_options
from headcount.errors import UsageError
from headcount.files import write_atomically

_OF_MESSAGES = frozenset({"id-header", "id-form", "id-at", "format", "compare-at"}) | frozenset(
    {"schema-registry"}
)
"""Options that are reset to their default unless the findings name them."""


def write_options(path: Path, fit: OptionsFit, known: Mapping[str, Value]) -> None:
    """Write the options that fit, and those of the probed target, into an option file.

    In pyproject.toml they are in the table [tool.headcount]. UsageError if the file cannot be
    written, or is not TOML.
    """
    fitting = {flag.removeprefix("--"): value for flag, value in fit.options}
    options = {name: value for name, value in {**known, **fitting}.items() if value}
    try:
        text = path.read_text("utf-8") if path.exists() else ""
        table = PROJECT_TABLE if path.name == PROJECT_FILE else ()
        changed = with_options(text, options, _OF_MESSAGES - options.keys(), table)
        write_atomically(path, changed)
    except (OSError, UnicodeDecodeError, UsageError) as error:
        raise UsageError(f"cannot write {path}: {error}") from None
