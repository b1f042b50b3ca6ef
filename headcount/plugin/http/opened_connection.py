"""The connection that a greenlet opened last: how long that took, for the request that needed it.

A pool does not know for which request it opens a connection, but it opens it in the request's own
greenlet, and each greenlet has a context of its own.
"""

from contextvars import ContextVar
from typing import NamedTuple


class OpenedConnection(NamedTuple):
    """When a connection began, and when its TCP and TLS handshakes ended, by the monotonic clock.

    `secured_s` is None without TLS.
    """

    began_s: float
    connected_s: float
    secured_s: float | None = None

    @property
    def connect_s(self) -> float:
        """How long the TCP handshake took, in s."""
        return self.connected_s - self.began_s

    @property
    def tls_s(self) -> float | None:
        """How long the TLS handshake took, in s; None without TLS."""
        return None if self.secured_s is None else self.secured_s - self.connected_s


LAST_OPENED: ContextVar[OpenedConnection | None] = ContextVar("last_opened", default=None)
"""The connection that this greenlet opened last, until a request has recorded it; None if none."""


def update_opened(**times_s: float) -> None:
    """Change some of the times of the connection that this greenlet opened last."""
    opened = LAST_OPENED.get()
    if opened is not None:
        LAST_OPENED.set(opened._replace(**times_s))
