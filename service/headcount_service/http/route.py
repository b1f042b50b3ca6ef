"""Routes: what the service answers, each with all that the application and its description need."""

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
        path: As Flask writes it, `/players/<player_id>/cart`; what is in it are parameters, too.
        methods: The HTTP methods, each of which does the same.
        name: What it is called, uniquely.
        summary: What it does, in one line.
        form: What it takes; None if it looks at nothing.
        view: Gives the answer to checked parameters.
        answer: The shape of its good answer in JSON; None if that is plain text.
        status: The status of its good answer.
        problems: The statuses that it may answer otherwise.
        is_event: Whether it makes an event.
        is_repeatable: Whether it is done once, however often it is asked for with one identity.
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
