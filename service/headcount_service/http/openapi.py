"""The description: the service's routes as an OpenAPI 3.1 document, and as a page.

Both are made from the routes themselves, and pydantic writes the schemas, so that neither can say
what the service does not do.
"""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import render_template_string
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from headcount_service.game.idempotency import HEADER, MAX_LENGTH
from headcount_service.http.problem_responses import CONTENT_TYPE, Problem
from headcount_service.http.request_parameters import FORMS, JSON
from headcount_service.http.route import TEXT, Route

VERSION = "1.0"
SCHEMAS = "#/components/schemas/{model}"
_IN_PATH = re.compile(r"<(\w+)>")
_WITH_BODY = frozenset({"POST", "PUT"})

Document = dict[str, Any]


def document(routes: Iterable[Route]) -> Document:
    """Describe routes as OpenAPI 3.1 has it: https://spec.openapis.org/oas/v3.1.1.html."""
    routes = tuple(routes)
    answers: set[type[BaseModel]] = {Problem}
    answers.update(route.answer for route in routes if route.answer is not None)
    schemas, definitions = models_json_schema(
        [(model, "serialization") for model in sorted(answers, key=lambda each: each.__name__)],
        ref_template=SCHEMAS,
    )
    paths: dict[str, Any] = {}
    for route in routes:
        path = _IN_PATH.sub(r"{\1}", route.path)
        for method in route.methods:
            operation = _operation(route, method, schemas)
            paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The game",
            "version": VERSION,
            "description": "A command responds once Kafka has acknowledged its event.",
        },
        "paths": paths,
        "components": {"schemas": definitions["$defs"]},
    }


def page(described: Document) -> str:
    """Show a description to people."""
    template = Path(__file__).with_name("openapi.html").read_text("utf-8")
    return render_template_string(template, document=described)


Schemas = Mapping[Any, Mapping[str, Any]]


def _operation(route: Route, method: str, schemas: Schemas) -> Document:
    in_path = _IN_PATH.findall(route.path)
    models = () if route.form is None else route.form.models
    model_schemas = [model.model_json_schema() for model in models]
    parameters = [_parameter("path", name, model_schemas[0]) for name in in_path]
    operation: Document = {
        "operationId": f"{route.name}_{method.lower()}" if len(route.methods) > 1 else route.name,
        "summary": route.summary,
        "responses": _responses(route, method, schemas),
    }
    if method in _WITH_BODY:
        if bodies := [_without(each, in_path) for each in model_schemas]:
            operation["requestBody"] = _body(bodies)
    else:
        names = [name for each in model_schemas for name in each.get("properties", {})]
        in_query = [name for name in dict.fromkeys(names) if name not in in_path]
        parameters += [_parameter("query", name, model_schemas[0]) for name in in_query]
    if route.is_repeatable:
        parameters.append(_IDENTITY)
    if parameters:
        operation["parameters"] = parameters
    return operation


def _parameter(place: str, name: str, schema: Mapping[str, Any]) -> Document:
    described = dict(schema["properties"][name])
    required = place == "path" or name in schema.get("required", ())
    return {"name": name, "in": place, "required": required, "schema": _plain(described)}


def _plain(schema: Document) -> Document:
    """A parameter cannot be given as null: it is left out then."""
    schema = {name: each for name, each in schema.items() if name not in {"default", "title"}}
    kinds = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(kinds) == 1:
        del schema["anyOf"]
        return {**kinds[0], **schema}
    return {**schema, "anyOf": kinds} if kinds else schema


def _without(schema: Mapping[str, Any], names: list[str]) -> Document:
    """What of a schema is left for the body, when some of it stands in the path."""
    properties = (
        {
            name: _plain(dict(each))
            for name, each in schema["properties"].items()
            if name not in names
        }
        if "properties" in schema
        else {}
    )
    required = [name for name in schema.get("required", ()) if name not in names]
    left: Document = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**left, "required": required} if required else left


def _body(bodies: list[Document]) -> Document:
    schema = bodies[0] if len(bodies) == 1 else {"oneOf": bodies}
    required = any(each.get("required") for each in bodies)
    kinds = (JSON, FORMS[0])
    return {"required": required, "content": {kind: {"schema": schema} for kind in kinds}}


def _responses(route: Route, method: str, schemas: Schemas) -> Document:
    good: Document = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        good["content"] = {JSON: {"schema": schemas[route.answer, "serialization"]}}
    elif method != "HEAD":
        good["content"] = {TEXT: {"schema": {"type": "string"}}}
    if route.is_event:
        good["headers"] = _PLACE
    answers = {str(route.status): good}
    for status in route.problems:
        said = {"schema": schemas[Problem, "serialization"]}
        answers[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {CONTENT_TYPE: said},
        }
    return answers


_IDENTITY: Document = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Identity of the request; the service executes only the first request with it.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_LENGTH, "pattern": "^[!-~]+$"},
}
_PLACE: Document = {
    "X-Event-Partition": {
        "description": "Partition of the event in the topic.",
        "schema": {"type": "integer"},
    },
    "X-Event-Offset": {
        "description": "Offset of the event in its partition.",
        "schema": {"type": "integer"},
    },
}
