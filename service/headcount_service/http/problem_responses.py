"""Problem responses: how the service says no, as RFC 9457 problem JSON.

The type is always `about:blank`, so the status carries the meaning and the title repeats it; the
detail is for the reader, and `errors` names each bad parameter, its value and the rule.
"""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Literal

from flask import Response
from pydantic import BaseModel

from headcount_service.errors import InvalidParameter

CONTENT_TYPE = "application/problem+json"


class ParameterProblem(BaseModel):
    """One thing wrong with a request: a parameter, what it held, and the rule it broke."""

    name: str
    value: str
    rule: str


class Problem(BaseModel):
    """How the service says no; `errors` is there if the parameters are to blame."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    errors: list[ParameterProblem] = []


def problem(
    status: int,
    detail: str,
    *,
    faults: Iterable[InvalidParameter] = (),
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """A response with the members `type`, `title`, `status`, `detail`, and `errors` if any."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": _title(status),
        "status": status,
        "detail": detail,
    }
    errors = [{"name": each.name, "value": each.value, "rule": each.rule} for each in faults]
    if errors:
        body["errors"] = errors
    response = Response(json.dumps(body) + "\n", status=status, content_type=CONTENT_TYPE)
    response.headers.extend(headers)
    return response


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown Error"
