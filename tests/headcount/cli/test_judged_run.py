"""A judged run: what an interrupt leaves, and what can be done with it."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from pyarrow.fs import LocalFileSystem

from headcount.ledger.writer import LedgerWriter
from headcount.run.folder import RunFolder
from headcount.run.manifest import Generators
from tests.manifests import MANIFEST

# The package has a function of that name.
main_module = importlib.import_module("headcount.cli.main")
module = importlib.import_module("headcount.cli.judged_run")


def leave(folder: RunFolder, evidence: str) -> None:
    """Write what a run may have left when it was interrupted."""
    if evidence == "nothing":
        return
    folder.write_manifest(replace(MANIFEST, run_id=folder.run_id, ledger="ledger"))
    if evidence == "manifest":
        return
    writer = LedgerWriter(LocalFileSystem(), str(folder.path / "ledger"), MANIFEST.tag, 0)
    writer.open()
    folder.write_generators(Generators((0,)))
    if evidence == "seal":
        writer.seal(0)


@pytest.mark.parametrize("evidence", ["nothing", "manifest", "ledger", "seal"])
def test_an_interrupted_run_that_can_be_judged(
    evidence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The message names the command, but only if a generator has sealed its ledger."""
    folder = RunFolder(tmp_path / "run-1")

    def interrupt(*_: object) -> None:
        leave(folder, evidence)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "platform", interrupt)
    options = ["--run-id", "run-1", "--reports-dir", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", ["headcount", "run", *options])
    with pytest.raises(SystemExit) as ended:
        main_module.main()
    assert ended.value.code == 130
    remedy = f"; to judge what was recorded: headcount verify {folder.path}" * (evidence == "seal")
    stderr = capsys.readouterr().err
    assert (
        f"headcount: interrupted; everything that Headcount started has been stopped{remedy}\n"
        in stderr
    )


@pytest.mark.parametrize(
    "command", [["run", "--follow", "--bootstrap-servers", "127.0.0.1:9"], ["shell"]]
)
def test_what_spark_s_connector_lacks_is_said_first(
    command: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Before anything starts, and before a run has a folder."""
    monkeypatch.chdir(tmp_path)
    settings = ["-X", "security.protocol=SASL_SSL", "-X", "sasl.mechanism=AWS_MSK_IAM"]
    monkeypatch.setattr(sys, "argv", ["headcount", *command, *settings])
    with pytest.raises(SystemExit) as ended:
        main_module.main()
    assert ended.value.code == 2
    assert "AWS_MSK_IAM is not supported by Spark's connector" in capsys.readouterr().err
    assert not (tmp_path / "reports").exists()
