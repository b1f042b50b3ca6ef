"""`headcount report`: finds the page, and prints it with the browser that is there."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from headcount.cli.commands.report import report
from headcount.errors import PartError, UsageError
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest

PRINTS = """
for each in "$@"; do case "$each" in --print-to-pdf=*) echo "%PDF $*" > "${each#*=}";; esac; done
"""
FAILS = "echo 'no usable sandbox' >&2; exit 1"


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A verified run."""
    folder = RunFolder(tmp_path / "run-1")
    folder.create()
    folder.write_manifest(
        Manifest("run-1", "", "1", "a.py", "http://h", "b:1", "c", "t", "i", "delete", {0: 0})
    )
    (folder.path / "report.html").write_text("<!DOCTYPE html><title>run-1</title>")
    return folder


def browser(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a browser the only program on the path; with an empty script there is none."""
    programs = folder / "bin"
    programs.mkdir()
    if script:
        program = programs / "chromium"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs))


def test_the_path_of_the_page_is_printed(folder: RunFolder) -> None:
    """For a run named by its id, too."""
    for name in (str(folder.path), "run-1"):
        done = CliRunner().invoke(report, [name, "--reports-dir", str(folder.path.parent)])
        assert done.exit_code == 0, done.output
        assert f"Report: {folder.path / 'report.html'}" in done.output


def test_the_page_is_printed_as_pdf(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The browser gets the page's URL; what it printed lies beside the page."""
    browser(tmp_path, PRINTS, monkeypatch)
    done = CliRunner().invoke(report, [str(folder.path), "--pdf"])
    assert done.exit_code == 0, done.output
    printed = (folder.path / "report.pdf").read_text()
    assert printed.startswith("%PDF --headless")
    assert (folder.path / "report.html").as_uri() in printed


@pytest.mark.parametrize(
    ("script", "message"),
    [("", "no installed browser can print"), (FAILS, "no usable sandbox")],
)
def test_without_a_working_browser_one_line_says_so(
    folder: RunFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    message: str,
) -> None:
    """It names a remedy, and an earlier file stays."""
    (folder.path / "report.pdf").write_text("earlier")
    browser(tmp_path, script, monkeypatch)
    done = CliRunner().invoke(report, [str(folder.path), "--pdf"])
    assert isinstance(done.exception, PartError)
    assert message in str(done.exception)
    assert "print the page from any browser" in str(done.exception)
    assert "\n" not in str(done.exception)
    assert (folder.path / "report.pdf").read_text() == "earlier"


def test_a_run_without_a_report_is_not_verified(folder: RunFolder) -> None:
    """The error names the command that verifies it."""
    (folder.path / "report.html").unlink()
    done = CliRunner().invoke(report, [str(folder.path), "--pdf"])
    assert isinstance(done.exception, UsageError)
    assert f"headcount verify {folder.path}" in str(done.exception)
