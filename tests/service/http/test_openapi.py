"""The API description, and that the service matches it."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Response
from flask.testing import FlaskClient
from headcount_service.http.openapi import document
from headcount_service.http.parameters import Parameters
from headcount_service.http.route import Route
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.service.server import serving

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.parametrize("mode", list(GenerationMode))
def test_the_service_matches_its_description(tmp_path: Path, mode: GenerationMode) -> None:
    """Requests that the description allows, and others, get a documented response."""
    with serving(tmp_path / "log", PUBLISH="off") as server:
        described = schemathesis.openapi.from_url(
            f"http://127.0.0.1:{server.port}/openapi.json", timeout=120
        )
        tested = 0
        for result in described.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            with contextlib.suppress(Unsatisfiable):  # an operation without input has no bad input
                _send(operation.as_strategy(generation_mode=mode))
            tested += 1
    assert tested == sum(len(methods) for methods in described.raw_schema["paths"].values())


def _send(cases: SearchStrategy[schemathesis.Case[Any]]) -> None:
    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(cases)
    def send(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(checks=CHECKS, timeout=120)

    send()


def test_the_page(client: FlaskClient) -> None:
    """It shows every operation and every schema, and the rules of the fields."""
    described = client.get("/openapi.json").get_json()
    page = client.get("/docs").text
    for path, operations in described["paths"].items():
        for method in operations:
            assert f"{method.upper()} {path}</code>" in page
    assert "a whole number from 20 to 120" in page
    assert described["openapi"] == "3.1.0"


class Named(Parameters):
    """A name is required."""

    name: str


class Counted(Parameters):
    """Nothing is required."""

    count: int = 1


@dataclass(frozen=True)
class Either:
    """A form with two alternatives."""

    models: tuple[type[Parameters], ...] = (Named, Counted)

    def check(self, supplied: object) -> dict[str, Any]:
        """Accept nothing."""
        raise NotImplementedError(supplied)


def test_a_route_with_alternatives() -> None:
    """Each alternative's parameters are described; only what all require is required."""
    route = Route("/either", ("GET", "POST"), "either", "", Either(), lambda _: Response())
    operations = document([route])["paths"]["/either"]
    described = {one["name"]: one["required"] for one in operations["get"]["parameters"]}
    assert described == {"name": False, "count": False}
    assert operations["post"]["requestBody"]["required"] is False
