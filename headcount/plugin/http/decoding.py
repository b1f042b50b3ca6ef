"""Decoding: reads a body; distinguishes one that is cut off from one that cannot be decoded."""

import zlib
from collections.abc import Callable
from typing import Any

from geventhttpclient.response import HTTPConnectionClosed
from locust.contrib.fasthttp import FAILURE_EXCEPTIONS, FastResponse


class DecodingError(zlib.error):
    """A body that has arrived completely is not encoded as its head says."""


def decoded(response: Any, decode: Callable[[], bytes]) -> bytes:
    """Read and decode a body. DecodingError if it is complete and cannot be decoded.

    Locust counts zlib's errors as failed requests, but lets any other decoding error end the task.
    """
    try:
        return decode()
    except Exception as error:
        if isinstance(error, FAILURE_EXCEPTIONS) and not isinstance(error, zlib.error):
            raise
        _read_rest(response)
        raise DecodingError(f"the body cannot be decoded: {error}") from None


def _read_rest(response: FastResponse) -> None:
    """Read what is left of a body, such as one in an unknown encoding. HTTPParseError if cut."""
    parsed: Any = response._response  # noqa: SLF001 - a name of Locust's
    parsed.read()
    if not parsed.message_complete:
        raise HTTPConnectionClosed("connection closed.")
