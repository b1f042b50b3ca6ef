"""Connections: pools on whose connections a request is sent once.

They replace geventhttpclient's, of whose `ConnectionPool` this is the only module to use private
names.
"""

import _socket
import socket
from ssl import SSLWantReadError
from typing import Any

import gevent.socket
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from geventhttpclient.url import URL

from headcount.errors import UsageError
from headcount.plugin.http.socket_io import is_quiet

_NUMERIC = int(socket.AI_NUMERICHOST)
_POOL_MUST_NOT_HAVE = frozenset({"headers", "headers_type", "version", "proxy_host"})


class OnceOnlyConnections(ConnectionPool):
    """Connections to one host, the last used first, looked after with few system calls."""

    _idle: list[gevent.socket.socket]

    def get_socket(self) -> gevent.socket.socket:
        """Give an open connection, as soon as there may be one more in use."""
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
        except BaseException:
            self._semaphore.release()
            raise

    def return_socket(self, sock: gevent.socket.socket) -> None:
        """Take a connection back that can be used again."""
        if self._closed:
            sock.close()
            return
        self._idle.append(sock)
        self._semaphore.release()

    def open_ahead(self) -> None:
        """Open a first connection before it is needed. Raises one of FAILURE_EXCEPTIONS."""
        if not self._idle and self._semaphore.ready():
            self.return_socket(self.get_socket())

    def close(self) -> None:
        """Close what is idle, and what is given back from now on."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    _is_quiet = staticmethod(is_quiet)

    def _resolve(self) -> Any:
        host, port = self._connection_host, self._connection_port
        family = socket.AF_INET if self.disable_ipv6 else 0
        try:  # an address needs no look-up, which would take a thread
            return _socket.getaddrinfo(
                host, port, family, socket.SOCK_STREAM, socket.SOL_TCP, _NUMERIC
            )
        except OSError:
            return super()._resolve()


class OnceOnlySecureConnections(OnceOnlyConnections, SSLConnectionPool):
    """The same with TLS, through which alone they can be read."""

    @staticmethod
    def _is_quiet(connection: gevent.socket.socket) -> bool:
        """Tell it by reading: what TLS has to say to itself, such as tickets, is no answer."""
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


def _take_over(client: HTTPClient) -> None:
    """Let an unused client send each request once; its pool is `once_only` from now on."""
    pool = client.once_only = client._connection_pool  # type: ignore[attr-defined] # noqa: SLF001
    pool.size = -1  # it is the number of repeats, less one
    pool.__class__ = _ONCE_ONLY[type(pool)]
    pool._idle = []  # type: ignore[attr-defined] # noqa: SLF001 - this module's own


class OnceOnlyPool(HTTPClientPool):
    """Connections on which a request is sent once.

    geventhttpclient sends a GET, PUT or DELETE again on a connection that broke, without a word.
    The service may then see one attempt twice, and the duplicate would be the generator's own.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_plain = all(kwargs.get(name) is None for name in _POOL_MUST_NOT_HAVE)

    def get_client(self, url: str | URL) -> HTTPClient:
        """Return the one client of the URL's host, which never sends again."""
        if not isinstance(url, URL):
            url = URL(url)
        key = url.host, url.port
        client = self.clients.get(key)
        if client is None:
            client = self.clients[key] = HTTPClient.from_url(url, **self.client_args)
            _take_over(client)
        return client

    def open_ahead(self, url: str) -> None:
        """Open one connection. Raises one of FAILURE_EXCEPTIONS."""
        self.get_client(url).once_only.open_ahead()  # type: ignore[attr-defined] # `_take_over`


def check_pool(user_name: str, pool: object) -> None:
    """See that connections which users share never send a request twice. UsageError if not."""
    if pool is not None and not isinstance(pool, OnceOnlyPool):
        raise UsageError(
            f"{user_name}.client_pool is a {type(pool).__name__}, which may send a request twice: "
            "leave it out, or write `from headcount.plugin import OnceOnlyPool` and "
            "`client_pool = OnceOnlyPool(concurrency=10)`"
        )
