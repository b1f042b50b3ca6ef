"""Connection pools that send each request only once.

They replace geventhttpclient's pools. Only this module uses private names of its `ConnectionPool`.
"""

import _socket
import socket
import time
from ssl import SSLWantReadError
from typing import Any

import gevent.socket
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from geventhttpclient.url import URL

from headcount.errors import UsageError
from headcount.plugin.http.opened_connection import LAST_OPENED, OpenedConnection, update_opened
from headcount.plugin.http.socket_io import is_quiet

_NUMERIC = int(socket.AI_NUMERICHOST)
_POOL_MUST_NOT_HAVE = frozenset({"headers", "headers_type", "version", "proxy_host"})


class OnceOnlyConnections(ConnectionPool):
    """Connections to one host, most recently used first, managed with few system calls."""

    _idle: list[gevent.socket.socket]

    def get_socket(self) -> gevent.socket.socket:
        """Return an open connection, once the pool's limit allows one more in use."""
        self._semaphore.acquire()
        if self._closed:
            raise RuntimeError("connection pool closed")
        while self._idle:
            connection = self._idle.pop()
            if self._is_quiet(connection):
                return connection
            connection.close()
        try:
            return self._create_socket()
        except BaseException as error:
            LAST_OPENED.set(None)
            error.is_unsent = True  # type: ignore[attr-defined] # see `is_unsent`
            self._semaphore.release()
            raise

    def return_socket(self, sock: gevent.socket.socket) -> None:
        """Return a reusable connection to the pool."""
        if self._closed:
            sock.close()
            return
        self._idle.append(sock)
        self._semaphore.release()

    def open_ahead(self) -> None:
        """Open a first connection in advance. Raises one of FAILURE_EXCEPTIONS."""
        if not self._idle and self._semaphore.ready():
            self.return_socket(self.get_socket())

    def close(self) -> None:
        """Close the idle connections, and those returned from now on."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    _is_quiet = staticmethod(is_quiet)

    def _connect_socket(self, sock: gevent.socket.socket, address: Any) -> gevent.socket.socket:
        began_s = time.monotonic()
        connection = super()._connect_socket(sock, address)
        LAST_OPENED.set(OpenedConnection(began_s, time.monotonic()))
        return connection

    def _resolve(self) -> Any:
        host, port = self._connection_host, self._connection_port
        family = socket.AF_INET if self.disable_ipv6 else 0
        try:  # a numeric address needs no DNS lookup, which would use a thread
            return _socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, socket.SOL_TCP, _NUMERIC
            )
        except OSError:
            return super()._resolve()


class OnceOnlySecureConnections(SSLConnectionPool, OnceOnlyConnections):
    """Like `OnceOnlyConnections`, but over TLS: only a read shows whether data is waiting."""

    def _connect_socket(self, sock: gevent.socket.socket, address: Any) -> gevent.socket.socket:
        """Connect: `SSLConnectionPool` lets `OnceOnlyConnections` do the TCP handshake.

        That is why `SSLConnectionPool` must come first among the bases.
        """
        connection = super()._connect_socket(sock, address)
        update_opened(secured_s=time.monotonic())
        return connection

    def _setup_proxy(self, sock: gevent.socket.socket) -> None:
        super()._setup_proxy(sock)
        update_opened(connected_s=time.monotonic())

    @staticmethod
    def _is_quiet(connection: gevent.socket.socket) -> bool:
        """Check by reading: TLS's own records, such as session tickets, do not count as data."""
        timeout_s = connection.gettimeout()
        connection.settimeout(0.0)
        try:
            connection.recv(1)
        except SSLWantReadError:
            return True
        except OSError:
            return False
        finally:
            connection.settimeout(timeout_s)
        return False


_ONCE_ONLY = {
    ConnectionPool: OnceOnlyConnections,
    SSLConnectionPool: OnceOnlySecureConnections,
}


def _make_once_only(client: HTTPClient) -> None:
    """Make an unused client send each request once, through the pool in `once_only`."""
    pool = client.once_only = client._connection_pool  # type: ignore[attr-defined] # noqa: SLF001
    pool.size = -1  # geventhttpclient uses `size + 1` as the number of retries
    pool.__class__ = _ONCE_ONLY[type(pool)]
    pool._idle = []  # type: ignore[attr-defined] # noqa: SLF001 - this module's own


class OnceOnlyPool(HTTPClientPool):
    """A pool of connections that sends each request once.

    geventhttpclient silently resends a GET, PUT or DELETE when a connection breaks. The service
    could then receive one attempt twice, and the generator itself would cause the duplicate.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_plain = all(kwargs.get(name) is None for name in _POOL_MUST_NOT_HAVE)

    def get_client(self, url: str | URL) -> HTTPClient:
        """Return the client of the URL's host, which never resends."""
        if not isinstance(url, URL):
            url = URL(url)
        key = url.host, url.port
        client = self.clients.get(key)
        if client is None:
            client = self.clients[key] = HTTPClient.from_url(url, **self.client_args)
            _make_once_only(client)
        return client

    def open_ahead(self, url: str) -> None:
        """Open one connection. Raises one of FAILURE_EXCEPTIONS."""
        self.get_client(url).once_only.open_ahead()  # type: ignore[attr-defined] # `_make_once_only`


def is_unsent(error: BaseException) -> bool:
    """Return whether a request ended with this error because no connection was opened.

    The type does not tell: a scenario can throw an error of any type into a request in flight.
    """
    return getattr(error, "is_unsent", False)


def check_pool(user_name: str, pool: object) -> None:
    """Check that a pool shared by users never sends a request twice. UsageError if it may."""
    if pool is not None and not isinstance(pool, OnceOnlyPool):
        raise UsageError(
            f"{user_name}.client_pool is a {type(pool).__name__}, which may send a request twice: "
            "leave it out, or write `from headcount.plugin import OnceOnlyPool` and "
            "`client_pool = OnceOnlyPool(concurrency=10)`"
        )
