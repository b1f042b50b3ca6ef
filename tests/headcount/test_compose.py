"""In a Compose stack, commands are Compose's and paths are the host's; elsewhere both stay."""

from pathlib import Path

import pytest

from headcount.compose import COMPOSE, ownership_remedy, shown_path, typed_command

SECURED = "docker compose -f docker-compose.yml -f examples/compose/secured.yml"


@pytest.mark.parametrize("compose", ["docker compose", SECURED])
def test_a_command_is_typed_on_the_host(compose: str) -> None:
    """It runs in the container that has the analysis, of the same stack."""
    command = typed_command("headcount verify RUN", {COMPOSE: compose})
    assert command == f"{compose} run --rm analysis headcount verify RUN"
    assert typed_command("headcount verify RUN", {}) == "headcount verify RUN"


def test_a_path_is_the_host_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the working folder, which is mounted, it begins there; other paths stay."""
    monkeypatch.chdir(tmp_path)
    report = tmp_path / "reports" / "run-1" / "report.html"
    environ = {COMPOSE: "docker compose"}
    assert shown_path(report, environ) == Path("reports/run-1/report.html")
    assert shown_path(Path("/elsewhere"), environ) == Path("/elsewhere")
    assert shown_path(report, {}) == report


def test_the_remedy_for_another_s_folder() -> None:
    """In Compose it names the variables of .env; elsewhere they would mean nothing."""
    assert "HEADCOUNT_UID and HEADCOUNT_GID" in ownership_remedy({COMPOSE: "docker compose"})
    assert "HEADCOUNT_UID" not in ownership_remedy({})
