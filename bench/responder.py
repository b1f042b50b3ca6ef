"""The responder: answers every HTTP request alike and at once, so that it is no bottleneck.

python -m bench.responder PORT [STALL_AT]

With STALL_AT it stalls once: the request of that number, and all that come in the second after it,
are answered when that second is over.
"""

import asyncio
import re
import sys
import time

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\n"
    b"Connection: keep-alive\r\n\r\nSword Purchased!\n"
)
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


STALL_S = 1.0


class Stall:
    """Counts requests, and holds the whole program up at one of them."""

    def __init__(self, at: int | None) -> None:
        self._left = at

    def note(self) -> None:
        """Count a request."""
        if self._left is not None:
            self._left -= 1
            if self._left == 0:
                time.sleep(STALL_S)


class Responder(asyncio.Protocol):
    """Answers each request on one connection once it is whole, its body included."""

    def __init__(self, stall: Stall) -> None:
        self._stall = stall

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._pending = b""

    def data_received(self, data: bytes) -> None:
        """Answer what is whole, keep what is not."""
        self._pending += data
        while (end := self._pending.find(_END)) >= 0:
            length = _LENGTH.search(self._pending, 0, end + 2)
            whole = end + len(_END) + (int(length[1]) if length else 0)
            if len(self._pending) < whole:
                return
            self._pending = self._pending[whole:]
            self._stall.note()
            self._transport.write(_ANSWER)


async def serve(port: int, stall: Stall) -> None:
    """Serve on loopback until the process ends."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Responder(stall), "127.0.0.1", port, backlog=4096
    )
    await server.serve_forever()


if __name__ == "__main__":
    stall_at = int(sys.argv[2]) if len(sys.argv) > 2 else None  # noqa: PLR2004
    asyncio.run(serve(int(sys.argv[1]), Stall(stall_at)))
