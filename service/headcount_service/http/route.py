"""Routes: each holds what the application needs to serve it and what the API description shows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response
from pydantic import BaseModel

from headcount_service.http.parameters import Form

TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Route:
    """One path and its methods.

    Attributes:
        path: The path in Flask's notation, such as `/players/<player_id>/cart`.
        methods: The HTTP methods, which all do the same.
        name: The unique name.
        summary: What the route does, in one line.
        form: The parameters, including those in the path; None if the route ignores them.
        view: Maps checked parameters to the response.
        answer: The model of a successful JSON response; None if the response is plain text.
        status: The status of a successful response.
        problems: The statuses of its error responses.
        is_event: Whether the route publishes an event.
        is_repeatable: Whether requests with the same identity are executed only once.
    """

    path: str
    methods: tuple[str, ...]
    name: str
    summary: str
    form: Form | None
    view: Callable[[Mapping[str, Any]], Response]
    answer: type[BaseModel] | None = None
    status: int = 200
    problems: tuple[int, ...] = ()
    is_event: bool = False
    is_repeatable: bool = False
