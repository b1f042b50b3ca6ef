"""Request parameters: collects them from a request's path, query string and body."""

from collections.abc import Iterator, Mapping

from flask import Request
from werkzeug.datastructures import MultiDict

from headcount_service.errors import InvalidParameter, RequestError
from headcount_service.http.parameters import RequestParameter, parse_json_object, show

JSON = "application/json"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


def request_parameters(request: Request, path: Mapping[str, str]) -> Iterator[RequestParameter]:
    """Yield every parameter in a request's path, query string and body.

    Raises:
        RequestError: 400 for a body that cannot be parsed, 415 for an unsupported media type.
    """
    yield from (RequestParameter(name, value) for name, value in path.items())
    yield from _members(request.args)
    if request.mimetype in FORMS:
        yield from _members(request.form)
        if request.files:
            faults = tuple(
                InvalidParameter(show(name), "a file", "must be text") for name in request.files
            )
            raise RequestError(400, "A form's fields must be text, not files.", faults)
        return
    body = request.get_data()
    if not body:
        return
    if request.mimetype != JSON:
        types = ", ".join((JSON, *FORMS))
        raise RequestError(
            415, f"The body's type must be one of {types}, not {show(request.mimetype)!r}."
        )
    yield from parse_json_object(body)


def _members(values: MultiDict[str, str]) -> Iterator[RequestParameter]:
    return (RequestParameter(name, value) for name, value in values.items(multi=True))
