"""The options that a probe finds, in the project's file."""

import tomllib
from pathlib import Path

import pytest
from headcount_analysis.probe.fit import OptionsFit

from headcount.cli.probing.written_options import write_options
from headcount.errors import UsageError
from headcount.run.id_settings import parse_id_settings
from headcount.run.message_format import FormatSettings

FIT = OptionsFit("sold", parse_id_settings("plain", "", "key"), FormatSettings(), {})
KNOWN = {"host": "http://127.0.0.1:5000", "kafka-config": ""}
OPTIONS = {"host": "http://127.0.0.1:5000", "topic": "sold", "id-at": "key"}


def test_a_new_file(tmp_path: Path) -> None:
    """It has the options of the target and of the messages, without empty ones."""
    path = tmp_path / "headcount.toml"
    write_options(path, FIT, KNOWN)
    assert tomllib.loads(path.read_text()) == OPTIONS


def test_options_of_an_earlier_probe(tmp_path: Path) -> None:
    """An option of messages that does not fit any more has its default again."""
    path = tmp_path / "headcount.toml"
    path.write_text('format = "avro"\ncompare-at = "/a"\nusers = 3\n')
    write_options(path, FIT, KNOWN)
    assert tomllib.loads(path.read_text()) == {"users": 3, **OPTIONS}


def test_a_project_file(tmp_path: Path) -> None:
    """In pyproject.toml the options are in Headcount's table."""
    path = tmp_path / "pyproject.toml"
    path.write_text('[project]\nname = "shop"\n\n[build-system]\nrequires = []\n')
    write_options(path, FIT, KNOWN)
    assert tomllib.loads(path.read_text()) == {
        "project": {"name": "shop"},
        "build-system": {"requires": []},
        "tool": {"headcount": OPTIONS},
    }


def test_a_file_that_cannot_be_changed(tmp_path: Path) -> None:
    """The error names it, and it stays as it is."""
    path = tmp_path / "headcount.toml"
    path.write_text("users =\n")
    with pytest.raises(UsageError, match=r"cannot write .*headcount\.toml: it is not TOML"):
        write_options(path, FIT, KNOWN)
    assert path.read_text() == "users =\n"
