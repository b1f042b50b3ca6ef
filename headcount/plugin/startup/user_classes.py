"""Checks of a locustfile's user classes before the run."""

from collections.abc import Iterable

from locust import User

from headcount.errors import UsageError
from headcount.plugin.http.once_only_connections import check_pool
from headcount.plugin.user import LedgerUser

_WRITE = "write `from headcount.plugin import LedgerUser`, derive from it, and pass event="


def check_users(user_classes: Iterable[type[User]]) -> None:
    """Check that there is a LedgerUser. UsageError says what to write instead."""
    classes = list(user_classes)
    if not any(issubclass(user_class, LedgerUser) for user_class in classes):
        names = ", ".join(f"{user_class.__name__} ({_base(user_class)})" for user_class in classes)
        raise UsageError(f"no user class in the locustfile is a LedgerUser, got {names}: {_WRITE}")
    for user_class in classes:
        if issubclass(user_class, LedgerUser):
            check_pool(user_class.__name__, user_class.client_pool)


def other_users(user_classes: Iterable[type[User]]) -> tuple[str, ...]:
    """Return the names of users whose requests are not accounted for."""
    return tuple(
        user_class.__name__ for user_class in user_classes if not issubclass(user_class, LedgerUser)
    )


def _base(user_class: type[User]) -> str:
    """Return the name of the Locust class that a user derives from."""
    module = "locust."
    names = [
        base_class.__name__
        for base_class in user_class.__mro__
        if base_class.__module__.startswith(module)
    ]
    return next(iter(names), "User")
