"""An older broker: a proxy before the real one that hides some of its requests and versions.

Event Hubs and older Redpanda lack requests in the same way, such as DescribeConfigs and topic ids.
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from headcount.stack.ports import LOOPBACK

METADATA, API_VERSIONS, DESCRIBE_CONFIGS = 3, 18, 32
_UNSUPPORTED_VERSION = 35
_WITH_THROTTLING = 3

WITHOUT_TOPIC_IDS = {
    0: 7,  # Produce
    1: 11,  # Fetch
    2: 5,  # ListOffsets
    METADATA: 8,
    10: 2,  # FindCoordinator
    API_VERSIONS: 2,
    19: 4,  # CreateTopics
    20: 3,  # DeleteTopics
    22: 1,  # InitProducerId
    DESCRIBE_CONFIGS: 2,
}
"""The latest version of each request that such a broker knows, by the request's key."""
WITHOUT_SETTINGS = {key: it for key, it in WITHOUT_TOPIC_IDS.items() if key != DESCRIBE_CONFIGS}
WITHOUT_RIGHTS = WITHOUT_SETTINGS | {METADATA: 7}
WITHOUT_EPOCHS = WITHOUT_SETTINGS | {METADATA: 6}


@dataclass(slots=True)
class OlderBroker:
    """A proxy on `port` before a broker on loopback; it advertises itself as the cluster's broker.

    `latest` are the latest versions that it knows. `beyond` are the requests with their versions
    that were made nevertheless: as a broker does, it answered them by closing the connection.
    """

    port: int
    real_port: int
    latest: Mapping[int, int]
    beyond: set[tuple[int, int]] = field(default_factory=set)

    @property
    def bootstrap_servers(self) -> str:
        """Its address."""
        return f"{LOOPBACK}:{self.port}"

    def serve(self, client: socket.socket) -> None:
        """Pass the requests of a connection on, until one side closes it."""
        with client, socket.create_connection((LOOPBACK, self.real_port)) as real:
            awaited: dict[int, tuple[int, int]] = {}
            back = threading.Thread(target=self._answer, args=(real, client, awaited), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                for frame in _frames(client):
                    if not self._pass_on(frame, real, client, awaited):
                        break
            for connection in (real, client):
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            back.join()

    def _pass_on(
        self,
        frame: bytes,
        real: socket.socket,
        client: socket.socket,
        awaited: dict[int, tuple[int, int]],
    ) -> bool:
        """Pass a request on; return whether the connection goes on."""
        key, version, correlation = struct.unpack(">hhi", frame[:8])
        if version <= self.latest.get(key, -1):
            awaited[correlation] = key, version
            _send(real, frame)
            return True
        if key != API_VERSIONS:
            self.beyond.add((key, version))
            return False
        known = (_UNSUPPORTED_VERSION, 1, API_VERSIONS, 0, self.latest[API_VERSIONS])
        _send(client, struct.pack(">ihihhh", correlation, *known))
        return True

    def _answer(
        self, real: socket.socket, client: socket.socket, awaited: dict[int, tuple[int, int]]
    ) -> None:
        with contextlib.suppress(OSError):
            for frame in _frames(real):
                (correlation,) = struct.unpack(">i", frame[:4])
                key, version = awaited.pop(correlation)
                _send(client, self._changed(frame, key, version))
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _changed(self, frame: bytes, key: int, version: int) -> bytes:
        if key == API_VERSIONS:
            return self._fewer_versions(frame)
        return self._readdressed(frame, version) if key == METADATA else frame

    def _fewer_versions(self, frame: bytes) -> bytes:
        (count,) = struct.unpack(">i", frame[6:10])
        end = 10 + 6 * count
        ranges = [struct.unpack(">hhh", frame[at : at + 6]) for at in range(10, end, 6)]
        kept = [
            (key, oldest, min(latest, self.latest[key]))
            for key, oldest, latest in ranges
            if key in self.latest
        ]
        body = b"".join(struct.pack(">hhh", *version_range) for version_range in kept)
        return frame[:6] + struct.pack(">i", len(kept)) + body + frame[end:]

    def _readdressed(self, frame: bytes, version: int) -> bytes:
        """Replace the port of every broker in a response with metadata."""
        content = bytearray(frame)
        at = 8 if version >= _WITH_THROTTLING else 4
        (count,) = struct.unpack_from(">i", content, at)
        at += 4
        for _ in range(count):
            at += 4
            at += _size_of_text(content, at)
            struct.pack_into(">i", content, at, self.port)
            at += 4
            at += _size_of_text(content, at) if version else 0
        return bytes(content)


@contextlib.contextmanager
def older_broker(real_port: int, latest: Mapping[int, int]) -> Iterator[OlderBroker]:
    """Run a proxy before the broker on a port for the block."""
    with socket.create_server((LOOPBACK, 0)) as server:
        broker = OlderBroker(server.getsockname()[1], real_port, latest)
        threading.Thread(target=_accept_for_ever, args=(server, broker), daemon=True).start()
        try:
            yield broker
        finally:
            server.shutdown(socket.SHUT_RDWR)


def _accept_for_ever(server: socket.socket, broker: OlderBroker) -> None:
    with contextlib.suppress(OSError):
        while True:
            client, _ = server.accept()
            threading.Thread(target=broker.serve, args=(client,), daemon=True).start()


def _frames(connection: socket.socket) -> Iterator[bytes]:
    """Yield the messages of a connection, without their sizes, until it is closed."""
    with connection.makefile("rb") as stream:
        while len(head := stream.read(4)) == 4:
            (size,) = struct.unpack(">i", head)
            yield stream.read(size)


def _send(connection: socket.socket, frame: bytes) -> None:
    connection.sendall(struct.pack(">i", len(frame)) + frame)


def _size_of_text(content: bytearray, at: int) -> int:
    (size,) = struct.unpack_from(">h", content, at)
    return 2 + max(0, int(size))
