"""The responder: answers every HTTP request alike and at once, so that it is no bottleneck.

python -m bench.load.responder PORT [STALL_AT]

It is a loop around epoll, because asyncio's transports would cost more than the requests. With
STALL_AT it stalls once: the request of that number, and all that come in the second after it,
are answered when that second is over.
"""

import re
import select
import socket
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


class ServerConnection:
    """One connection, whose requests are answered once they are whole, their bodies included."""

    def __init__(self, made: socket.socket, stall: Stall) -> None:
        self._socket, self._stall = made, stall
        self._pending = b""

    def answer(self) -> bool:
        """Answer what is whole, keep what is not; False once the client is gone."""
        try:
            data = self._socket.recv(65536)
            self._pending += data
            while (whole := self._whole()) is not None:
                self._pending = self._pending[whole:]
                self._stall.note()
                self._socket.sendall(_ANSWER)
        except OSError:
            data = b""
        if not data:
            self._socket.close()
        return bool(data)

    def _whole(self) -> int | None:
        """The length of the first request; None if there is no whole one."""
        end = self._pending.find(_END)
        if end < 0:
            return None
        length = _LENGTH.search(self._pending, 0, end + 2)
        whole = end + len(_END) + (int(length[1]) if length else 0)
        return whole if len(self._pending) >= whole else None


def serve(port: int, stall: Stall) -> None:
    """Serve on loopback until the process ends."""
    listener = socket.create_server(("127.0.0.1", port), backlog=4096)
    poll, connections = select.epoll(), dict[int, ServerConnection]()
    poll.register(listener, select.EPOLLIN)
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                made, _ = listener.accept()
                connections[made.fileno()] = ServerConnection(made, stall)
                poll.register(made, select.EPOLLIN)
            elif not connections[number].answer():
                del connections[number]


if __name__ == "__main__":
    stall_at = int(sys.argv[2]) if len(sys.argv) > 2 else None  # noqa: PLR2004
    serve(int(sys.argv[1]), Stall(stall_at))
