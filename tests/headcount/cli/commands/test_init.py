"""`headcount init`: writes files that do not exist, from options, headcount.toml or answers."""

import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from headcount.cli.main import cli

# The package has a function of that name.
module = importlib.import_module("headcount.cli.commands.init")
FILES = ("locustfile.py", "headcount.toml", ".github/workflows/headcount.yml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments: str, answers: str = "") -> Result:
    """Call the command; HeadcountError is raised."""
    return CliRunner().invoke(cli, ["init", *arguments], input=answers)


def options_in(folder: Path) -> dict[str, Any]:
    """Read headcount.toml."""
    return tomllib.loads((folder / "headcount.toml").read_text())


def test_by_options(folder: Path) -> None:
    """Without a terminal, nothing is asked."""
    result = init("--host", "http://shop:80/", "--topic", "sold", "--path", "/buy")
    assert result.exit_code == 0
    assert [line.split()[1] for line in result.output.splitlines()[:-1]] == [*FILES]
    assert (options_in(folder)["host"], options_in(folder)["topic"]) == ("http://shop:80", "sold")


def test_what_exists_is_kept(folder: Path) -> None:
    """A second call writes nothing, and says so; --force overwrites."""
    init()
    (folder / "locustfile.py").write_text("# mine")
    again = init("--topic", "other")
    assert again.output.count("Kept ") == len(FILES)
    assert (folder / "locustfile.py").read_text() == "# mine"
    assert init("--topic", "other", "--force").output.count("Written ") == len(FILES)
    assert options_in(folder)["topic"] == "other"


def test_the_options_of_a_probe(folder: Path) -> None:
    """headcount.toml, which a probe may have written, says what is not on the command line."""
    (folder / "headcount.toml").write_text('locustfile = "load.py"\ntopic = "sold"\n')
    result = init("--ci", "github", "--start", "./shop")
    assert "Written  load.py\nKept     headcount.toml" in result.output
    assert "--topic sold" in (folder / FILES[-1]).read_text()


def test_the_options_of_a_project(folder: Path) -> None:
    """A headcount.toml would hide the table of pyproject.toml, and is not written."""
    (folder / "pyproject.toml").write_text('[tool.headcount]\ntopic = "sold"\n')
    output = init("--start", "./shop").output
    assert "Kept     pyproject.toml" in output
    assert "headcount probe --write pyproject.toml" in output
    assert not (folder / "headcount.toml").exists()
    assert "--topic sold" in (folder / FILES[-1]).read_text()


def test_by_answers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal, what is not set is asked for; a GET has no body."""
    monkeypatch.setattr(module, "is_interactive", lambda: True)
    answers = ("http://shop", "GET", "/stock", "", "stock", "none", "")
    result = init("--method", "GET", answers="\n".join(answers[:1] + answers[2:]) + "\n")
    assert result.exit_code == 0, result.output
    assert "body" not in result.output
    assert options_in(folder)["topic"] == "stock"
    assert options_in(folder)["bootstrap-servers"] == "127.0.0.1:9092"
    assert 'self.client.get("/stock", event={}' in (folder / "locustfile.py").read_text()
    assert not (folder / ".github").exists()


def test_an_invalid_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same question is asked again, with the reason."""
    monkeypatch.setattr(module, "is_interactive", lambda: True)
    wrong = ("shop", "get it", "orders", "{apple}", "", "a topic", "jenkins")
    right = ("http://shop", "PUT", "/orders", "{}", "kafka:9092", "sold", "none")
    pairs = [(bad, good) if bad else (good,) for bad, good in zip(wrong, right, strict=True)]
    result = init(answers="\n".join([*(word for pair in pairs for word in pair), "", ""]))
    assert result.exit_code == 0, result.output
    assert result.output.count("Error: ") == len(wrong) - 1
    for rule in ("--host must be", "--path must begin", "--body must be", "--topic may contain"):
        assert f"Error: {rule}" in result.output
    assert options_in(folder)["host"] == "http://shop"


def test_a_host_with_a_password() -> None:
    """It would end up in the repository."""
    result = init("--host", "http://me:secret@shop")
    assert "secret" not in str(result.exception)
    assert "HEADCOUNT_HOST" in str(result.exception)
