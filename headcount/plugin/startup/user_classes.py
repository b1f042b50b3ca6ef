"""Checks of a locustfile's user classes before the run."""

from collections.abc import Iterable

from locust import User

from headcount.errors import UsageError
from headcount.plugin.http.connections import check_pool
from headcount.plugin.user import LedgerUser

_WRITE = "write `from headcount.plugin import LedgerUser`, derive from it, and pass event="


def check_users(user_classes: Iterable[type[User]]) -> None:
    """Check that there is a LedgerUser. UsageError says what to write instead."""
    classes = list(user_classes)
    if not any(issubclass(each, LedgerUser) for each in classes):
        names = ", ".join(f"{each.__name__} ({_base(each)})" for each in classes)
        raise UsageError(f"no user of the locustfile is a LedgerUser, got {names}: {_WRITE}")
    for each in classes:
        if issubclass(each, LedgerUser):
            check_pool(each.__name__, each.client_pool)


def other_users(user_classes: Iterable[type[User]]) -> tuple[str, ...]:
    """Return the names of users whose requests are not accounted for."""
    return tuple(each.__name__ for each in user_classes if not issubclass(each, LedgerUser))


def _base(user_class: type[User]) -> str:
    """Return the name of the Locust class that a user derives from."""
    module = "locust."
    names = [each.__name__ for each in user_class.__mro__ if each.__module__.startswith(module)]
    return next(iter(names), "User")
