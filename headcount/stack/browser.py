"""The browser: prints a page as PDF with the Chromium or Chrome that is installed."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from headcount.errors import PartError
from headcount.files import write_atomically

PROGRAMS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("microsoft-edge", "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)
"""The programs that are looked for, in this order."""

TIMEOUT_S = 120.0
_OPTIONS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--no-pdf-header-footer", "--print-to-pdf-no-header"),
)
_ROOT = 0
_LONGEST_REASON = 200


def find_browser() -> str:
    """Return the program that prints. PartError if there is none."""
    for name in PROGRAMS:
        program = shutil.which(name)
        if program is not None:
            return program
    raise PartError(
        "no installed browser can print the report: install Chromium (Debian: apt "
        "install chromium) or Google Chrome, or print the page from any browser"
    )


def print_page(page: Path, target: Path, browser: str) -> None:
    """Print a local page as PDF.

    Raises PartError if the browser fails, and OSError if the PDF cannot be written.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        printed = Path(folder, "page.pdf")
        command = [
            *(browser, *_OPTIONS, *_without_sandbox()),
            *(f"--user-data-dir={folder}/profile", f"--print-to-pdf={printed}", page.as_uri()),
        ]
        reason = _run(command)
        if not printed.is_file():
            raise PartError(
                f"{browser} did not print {page}: {reason}; print the page from any browser"
            )
        write_atomically(target, printed.read_bytes())


def _without_sandbox() -> tuple[str, ...]:
    # Chromium refuses to start as root with its sandbox; for other users it stays on.
    return ("--no-sandbox",) if os.geteuid() == _ROOT else ()


def _run(command: list[str]) -> str:
    """Run the browser; return why it may have failed, such as its last line of errors."""
    try:
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"timed out after {TIMEOUT_S:g} s"
    except OSError as error:
        return str(error.strerror or error)
    lines = [line.strip() for line in ended.stderr.splitlines() if line.strip()]
    return lines[-1][:_LONGEST_REASON] if lines else f"exit code {ended.returncode}"
