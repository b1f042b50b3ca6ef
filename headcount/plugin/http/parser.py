"""The parser: geventhttpclient's own, for every response that is not plain."""

import time

import geventhttpclient.client
from geventhttpclient.response import HTTPProtocolViolationError, HTTPSocketPoolResponse

LARGEST_HEAD = 1 << 18
"""The largest head accepted, in bytes."""
_FINAL = 200


class OneAnswer(HTTPSocketPoolResponse):
    """The final response to one request, not an interim one, nor bytes that follow it.

    geventhttpclient returns a connection to the pool after an interim response (1xx), before the
    final one: after a time-out, the next request would take that final response for its own. It
    also replaces a final response with one that follows it, and does not limit the size of a head.

    `first_byte_s` is how long its first byte took from the end of sending, in s; None if the bytes
    were read elsewhere.
    """

    first_byte_s: float | None = None
    _is_final = False
    _head_bytes = 0
    _sent_s: float | None = None

    def _read_headers(self, pre_buffered: bytes = b"") -> None:
        if not pre_buffered:
            self._sent_s = time.monotonic()  # the request has just been sent
        super()._read_headers(pre_buffered)

    def feed(self, data: str | bytes) -> None:
        """Parse more bytes. HTTPProtocolViolationError if the head is too large."""
        if self._sent_s is not None and data:
            self.first_byte_s, self._sent_s = time.monotonic() - self._sent_s, None
        if not self.headers_complete:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                raise HTTPProtocolViolationError(f"a head of more than {LARGEST_HEAD} bytes")
        super().feed(data)

    def _on_message_begin(self) -> None:
        if self._is_final:
            raise HTTPProtocolViolationError("more bytes follow the response")
        if self.message_begun:  # an interim response: reset for the final one
            self.message_complete = True
        super()._on_message_begin()

    def _on_message_complete(self) -> None:
        # After an interim response the connection stays in use.
        if self.get_code() >= _FINAL:
            self._is_final = self.message_complete = True
            self.release()


# HTTPClient looks this class up in its module, and offers no other way to replace it.
geventhttpclient.client.HTTPSocketPoolResponse = OneAnswer  # type: ignore[attr-defined]
