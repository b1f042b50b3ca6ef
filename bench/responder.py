"""The responder: answers every HTTP request alike and at once, so that it is no bottleneck.

python -m bench.responder PORT
"""

import asyncio
import re
import sys

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 17\r\n"
    b"Connection: keep-alive\r\n\r\nSword Purchased!\n"
)
_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Responder(asyncio.Protocol):
    """Answers each request on one connection once it is whole, its body included."""

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
            self._transport.write(_ANSWER)


async def serve(port: int) -> None:
    """Serve on loopback until the process ends."""
    server = await asyncio.get_running_loop().create_server(
        Responder, "127.0.0.1", port, backlog=512
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
