"""The catalogue: formats by name, those of Headcount and those of other packages."""

import pickle
import sys
import tomllib
from pathlib import Path

import pytest
from headcount_analysis.formats.catalogue import GROUP, OWN, format_in, format_of, known_formats
from headcount_analysis.formats.message_format import IdText, reads_headers

from headcount.errors import UsageError
from headcount.kafka_settings.config_file import ASSIGNMENTS_VARIABLE
from headcount.kafka_settings.registry_settings import RegistrySettings
from headcount.run.message_format import FormatSettings
from tests.analysis.formats.records import made, record

ROOT = Path(__file__).parents[3]


def test_pyproject_and_the_table_agree() -> None:
    """The formats are declared as entry points, exactly as the catalogue has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["entry-points"][GROUP] == OWN


def test_an_unknown_format_is_refused_with_those_that_are_known() -> None:
    """The error names the option, the formats and the value."""
    with pytest.raises(UsageError, match=r"--format must be one of json, .*raw.*; got 'xml'"):
        format_of(FormatSettings("xml"))


@pytest.mark.parametrize("name", OWN)
def test_each_format_can_be_loaded(name: str) -> None:
    """The table names classes that exist."""
    assert callable(known_formats()[name].load())


def test_each_format_has_all_that_a_reader_asks_for() -> None:
    """Headers are read only for formats that depend on them."""
    registry = RegistrySettings(url="http://127.0.0.1:1")
    for name in OWN:
        made_format = format_of(FormatSettings(name), registry)
        assert made_format.id_text in IdText
        assert isinstance(made_format.compares_content, bool)
        assert reads_headers(made_format) == (name not in {"json", "raw"}), name


def test_a_registry_s_settings_are_read_only_where_one_is_asked() -> None:
    """An unknown setting of a registry in the file does not stop a run of JSON from working."""
    unknown = {ASSIGNMENTS_VARIABLE: "schema.registry.ssl.protocol=TLSv1.3"}
    assert format_in(FormatSettings("json"), unknown).decode(record(b"{}")).event == {}
    with pytest.raises(
        UsageError, match=r"schema\.registry\.ssl\.protocol is not a schema registry"
    ):
        format_in(FormatSettings("avro"), unknown)
    url = {ASSIGNMENTS_VARIABLE: "schema.registry.url=http://127.0.0.1:1"}
    assert reads_headers(format_in(FormatSettings("avro"), url))


def test_another_package_adds_a_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The documented example, installed in a folder, decodes a record, here and after pickling."""
    _install(tmp_path, _documented(), "semicolons = semicolons_format:SemicolonsFormat")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "semicolons_format", raising=False)
    semicolons = pickle.loads(pickle.dumps(made("semicolons")))  # noqa: S301 - our own
    parsed = semicolons.decode(record(b"x-event-id=r.0.1;quantity=3"))
    assert parsed.event == {"x-event-id": "r.0.1", "quantity": "3"}
    assert (semicolons.id_text, reads_headers(semicolons)) == (IdText.OTHER, False)
    assert semicolons.context_headers == semicolons.required_headers == ()
    assert semicolons.decode(record(b"\xff")).defect == "not UTF-8"


def test_a_format_that_cannot_be_imported_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken package is a usage error, not a traceback, and only for those that ask for it."""
    _install(tmp_path, "", "broken = semicolons_format:NoSuchClass")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "semicolons_format", raising=False)
    with pytest.raises(UsageError, match="--format broken: semicolons_format:NoSuchClass cannot"):
        made("broken")
    assert made("json").decode(record(b"{}")).event == {}


def test_a_package_cannot_replace_one_of_the_own_formats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `json` means depends on no installed package, even one that is listed last."""
    _install(tmp_path, _documented(), "json = semicolons_format:SemicolonsFormat")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert known_formats()["json"].value == OWN["json"]


def _documented() -> str:
    """Return the example of docs/formats.md."""
    page = (ROOT / "docs" / "formats.md").read_text("utf-8")
    return page.partition("```python\n")[2].partition("```")[0]


def _install(folder: Path, module: str, entry: str) -> None:
    """Write what pip would write for a package of one module with one entry point."""
    (folder / "semicolons_format.py").write_text(module)
    metadata = folder / "semicolons_format-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: semicolons-format\nVersion: 1.0\n"
    )
    (metadata / "entry_points.txt").write_text(f"[{GROUP}]\n{entry}\n")
