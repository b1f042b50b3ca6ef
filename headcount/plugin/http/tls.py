"""TLS contexts, shared by all users.

Locust creates a context for each user, and each loads all CA certificates. That blocks the
generator for 24 ms per user, even if certificates are not verified.
"""

import functools
from collections.abc import Callable

import gevent.ssl

Factory = Callable[..., gevent.ssl.SSLContext]


def context_factory(*, insecure: bool) -> Factory:
    """Return the context factory for users without their own."""
    return _unverified if insecure else _verified


@functools.cache
def _unverified(**_: str) -> gevent.ssl.SSLContext:
    context: gevent.ssl.SSLContext = gevent.ssl._create_unverified_context()  # type: ignore[attr-defined] # noqa: SLF001
    return context


@functools.cache
def _verified(cafile: str | None = None) -> gevent.ssl.SSLContext:
    return gevent.ssl.create_default_context(cafile=cafile)
