"""The parser: geventhttpclient's own, for every answer that is not plain."""

import geventhttpclient.client
from geventhttpclient.response import HTTPProtocolViolationError, HTTPSocketPoolResponse

LARGEST_HEAD = 1 << 18
"""The most bytes of a head, in bytes."""
_FINAL = 200


class OneAnswer(HTTPSocketPoolResponse):
    """The answer to one request: nothing that stands before or behind it passes for it.

    geventhttpclient gives a connection back after an interim answer (1xx), though the final one is
    still to come: after a time-out, the next request would read it as its own. It also replaces a
    final answer by what follows it, and puts no limit on the size of a head.
    """

    _is_final = False
    _head_bytes = 0

    def feed(self, data: str | bytes) -> None:
        """Parse more bytes. HTTPProtocolViolationError if the head is too large."""
        if not self.headers_complete:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                raise HTTPProtocolViolationError(f"a head of more than {LARGEST_HEAD} bytes")
        super().feed(data)

    def _on_message_begin(self) -> None:
        if self._is_final:
            raise HTTPProtocolViolationError("more follows the answer")
        if self.message_begun:  # and was interim: make room for the final one
            self.message_complete = True
        super()._on_message_begin()

    def _on_message_complete(self) -> None:
        # An interim answer completes nothing, so its connection is not given back.
        if self.get_code() >= _FINAL:
            self._is_final = self.message_complete = True
            self.release()


# HTTPClient creates its answers from this name of its module, and offers no other choice.
geventhttpclient.client.HTTPSocketPoolResponse = OneAnswer  # type: ignore[attr-defined]
