"""The API description: the service's routes as an OpenAPI 3.1 document and as an HTML page.

Both are generated from the routes, with schemas by pydantic, so that they always match the service.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import render_template_string
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from headcount_service.game.storage.idempotency import HEADER, MAX_LENGTH
from headcount_service.http.problem_responses import CONTENT_TYPE, Problem
from headcount_service.http.request_parameters import FORMS, JSON
from headcount_service.http.route import TEXT, Route

VERSION = "1.0"
SCHEMAS = "#/components/schemas/{model}"
_IN_PATH = re.compile(r"<(\w+)>")
_WITH_BODY = frozenset({"POST", "PUT"})

Document = dict[str, Any]


def document(routes: Iterable[Route]) -> Document:
    """Describe routes as an OpenAPI document: https://spec.openapis.org/oas/v3.1.1.html."""
    routes = tuple(routes)
    models: set[type[BaseModel]] = {Problem}
    models.update(route.answer for route in routes if route.answer is not None)
    schemas, definitions = models_json_schema(
        [(model, "serialization") for model in sorted(models, key=lambda model: model.__name__)],
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


def page(description: Document) -> str:
    """Render an OpenAPI document as HTML."""
    template = Path(__file__).with_name("openapi.html").read_text("utf-8")
    return render_template_string(template, document=description)


Schemas = Mapping[Any, Mapping[str, Any]]


def _operation(route: Route, method: str, schemas: Schemas) -> Document:
    in_path = _IN_PATH.findall(route.path)
    models = () if route.form is None else route.form.models
    model_schemas = [model.model_json_schema() for model in models]
    parameters = [_parameter("path", name, model_schemas) for name in in_path]
    operation: Document = {
        "operationId": f"{route.name}_{method.lower()}" if len(route.methods) > 1 else route.name,
        "summary": route.summary,
        "responses": _responses(route, method, schemas),
    }
    if method in _WITH_BODY:
        if bodies := [_without(schema, in_path) for schema in model_schemas]:
            operation["requestBody"] = _body(bodies)
    else:
        names = [name for schema in model_schemas for name in schema.get("properties", {})]
        in_query = [name for name in dict.fromkeys(names) if name not in in_path]
        parameters += [_parameter("query", name, model_schemas) for name in in_query]
    if route.is_repeatable:
        parameters.append(_IDENTITY)
    if parameters:
        operation["parameters"] = parameters
    return operation


def _parameter(place: str, name: str, alternatives: Sequence[Mapping[str, Any]]) -> Document:
    """Describe a parameter as the first alternative does that has it."""
    properties = (schema.get("properties", {}) for schema in alternatives)
    own_schema = next(dict(named[name]) for named in properties if name in named)
    is_always_required = all(name in schema.get("required", ()) for schema in alternatives)
    required = place == "path" or is_always_required
    return {"name": name, "in": place, "required": required, "schema": _plain(own_schema)}


def _plain(schema: Document) -> Document:
    """Remove null from a parameter's types: clients omit an optional parameter instead."""
    schema = {key: value for key, value in schema.items() if key not in {"default", "title"}}
    types = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    if len(types) == 1:
        del schema["anyOf"]
        return {**types[0], **schema}
    return {**schema, "anyOf": types} if types else schema


def _without(schema: Mapping[str, Any], names: list[str]) -> Document:
    """Build the schema of the body: all properties but the path's parameters, `names`."""
    properties = (
        {
            name: _plain(dict(own_schema))
            for name, own_schema in schema["properties"].items()
            if name not in names
        }
        if "properties" in schema
        else {}
    )
    required = [name for name in schema.get("required", ()) if name not in names]
    body: Document = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**body, "required": required} if required else body


def _body(bodies: list[Document]) -> Document:
    schema = bodies[0] if len(bodies) == 1 else {"oneOf": bodies}
    required = all(body.get("required") for body in bodies)
    media_types = (JSON, FORMS[0])
    content = {media_type: {"schema": schema} for media_type in media_types}
    return {"required": required, "content": content}


def _responses(route: Route, method: str, schemas: Schemas) -> Document:
    success: Document = {"description": HTTPStatus(route.status).phrase}
    if route.answer is not None:
        success["content"] = {JSON: {"schema": schemas[route.answer, "serialization"]}}
    elif method != "HEAD":
        success["content"] = {TEXT: {"schema": {"type": "string"}}}
    if route.is_event:
        success["headers"] = _PLACE
    responses = {str(route.status): success}
    for status in route.problems:
        problem = {"schema": schemas[Problem, "serialization"]}
        responses[str(status)] = {
            "description": HTTPStatus(status).phrase,
            "content": {CONTENT_TYPE: problem},
        }
    return responses


_IDENTITY: Document = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Key that identifies the request; the service executes only the first of "
    "several requests with the same key.",
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
