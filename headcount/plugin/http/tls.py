"""TLS: the contexts that users share.

Locust makes one for each user, which reads all authorities that there are: 24 ms of the generator's
time and no request, and for nothing where no certificate is looked at.
"""

import functools
from collections.abc import Callable

import gevent.ssl

Factory = Callable[..., gevent.ssl.SSLContext]


def context_factory(*, insecure: bool) -> Factory:
    """Give what makes the context of users that name none of their own."""
    return _unverified if insecure else _verified


@functools.cache
def _unverified(**_: str) -> gevent.ssl.SSLContext:
    made: gevent.ssl.SSLContext = gevent.ssl._create_unverified_context()  # type: ignore[attr-defined] # noqa: SLF001
    return made


@functools.cache
def _verified(cafile: str | None = None) -> gevent.ssl.SSLContext:
    return gevent.ssl.create_default_context(cafile=cafile)
