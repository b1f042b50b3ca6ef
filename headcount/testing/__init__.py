"""Headcount in a project's own tests: a call that runs a load and returns the verdict.

    from headcount.testing import run

    verdict = run("shop.py", host="http://127.0.0.1:5000", topic="orders", users=5, run_time="5s")
    assert verdict.passed, verdict.summary

pytest finds the fixtures `headcount_stack` and `headcount_run` by itself.
"""

import importlib
from typing import TYPE_CHECKING, Any

from headcount.errors import PartError
from headcount.installation import COMMAND, missing_package

if TYPE_CHECKING:
    from headcount.testing.run_call import run
    from headcount.testing.run_verdict import RunVerdict

__all__ = ["RunVerdict", "run"]

_MODULES = {"RunVerdict": "headcount.testing.run_verdict", "run": "headcount.testing.run_call"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, since every pytest session imports this package.

    PartError says what to install if a package is missing.
    """
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_MODULES[name]), name)
    except ModuleNotFoundError as error:
        line = missing_package(error, COMMAND)
        if line is None:
            raise
        raise PartError(line) from None
