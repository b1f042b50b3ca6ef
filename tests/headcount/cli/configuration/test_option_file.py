"""The option file: found in the folder or by name, and refused where it is not TOML."""

from pathlib import Path

import pytest

from headcount.cli.configuration.option_file import LONGEST_FILE, find_option_file
from headcount.errors import UsageError

OPTIONS = 'topic = "orders"\n[run]\nusers = 7\n'


def test_a_file_in_the_folder(tmp_path: Path) -> None:
    """Its own file comes before the project's."""
    (tmp_path / "headcount.toml").write_text(OPTIONS, "utf-8")
    (tmp_path / "pyproject.toml").write_text('[tool.headcount]\ntopic = "others"\n', "utf-8")
    options = find_option_file(tmp_path, None)
    assert options is not None
    assert (options.shared, options.by_command) == ({"topic": "orders"}, {"run": {"users": 7}})


def test_a_projects_table(tmp_path: Path) -> None:
    """Without the table there are no options."""
    project = tmp_path / "pyproject.toml"
    project.write_text("[tool.ruff]\nline-length = 100\n", "utf-8")
    assert find_option_file(tmp_path, None) is None
    project.write_text('[tool.headcount]\ntopic = "orders"\n[tool.headcount.run]\nusers = 7\n')
    for named in (None, project):
        options = find_option_file(tmp_path, named)
        assert options is not None
        assert (options.path, options.shared) == (project, {"topic": "orders"})
        assert options.by_command == {"run": {"users": 7}}


def test_an_empty_folder(tmp_path: Path) -> None:
    """Nothing is required."""
    assert find_option_file(tmp_path, None) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"users = ", "is not TOML"),
        (b"\xff", "is not TOML"),
        (b"#" * (LONGEST_FILE + 1), "more than 1,048,576 bytes"),
        (None, "no such file"),
    ],
    ids=["unfinished", "not UTF-8", "long", "missing"],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """The error names the file."""
    path = tmp_path / "options.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=reason) as error:
        find_option_file(tmp_path, path)
    assert str(path) in str(error.value)


def test_a_project_whose_tool_is_no_table(tmp_path: Path) -> None:
    """The error names the entry."""
    path = tmp_path / "pyproject.toml"
    path.write_text("tool = 3\n", "utf-8")
    with pytest.raises(UsageError, match=r"tool in .* must be a table"):
        find_option_file(tmp_path, path)
