"""Runs scenarios by hand: `python -m tests.faults [NAME …]`."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from headcount.cli.platform import platform
from headcount.console import Console
from tests.faults.result import perform, table
from tests.faults.scenarios import SCENARIOS

PAGE = Path("docs/faults.md")
_BEGIN = "<!-- `make faults` writes the rest of this page. -->\n"


def main() -> int:
    """Run the scenarios, print the table, and report each wrong verdict."""
    names = [fault.name for fault in SCENARIOS]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"scenarios: {', '.join(names)}")
    chosen = parser.parse_args().names
    if unknown := set(chosen) - set(names):
        parser.error(f"unknown scenario: {', '.join(sorted(unknown))}")
    ready = platform(dict(os.environ), Console(quiet=True))
    results = []
    for scenario in SCENARIOS:
        if chosen and scenario.name not in chosen:
            continue
        sys.stderr.write(f"{scenario.name}: {scenario.what}\n")
        folder = Path(tempfile.mkdtemp(prefix=f"headcount-{scenario.name}-"))
        results.append(perform(scenario, ready, folder))
        if results[-1].broken:
            sys.stderr.write(f"  WRONG: {'; '.join(results[-1].broken)} (in {folder})\n")
        else:
            shutil.rmtree(folder)
    text = table(results)
    sys.stdout.write(text)
    wrong = any(result.broken for result in results)
    if not chosen and not wrong:
        head = PAGE.read_text().partition(_BEGIN)[0]
        PAGE.write_text(f"{head}{_BEGIN}\n{text}")
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
