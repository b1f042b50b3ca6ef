"""Headcount in a project's own tests: a call that runs a load and returns the verdict.

    from headcount.testing import run

    verdict = run("shop.py", host="http://127.0.0.1:5000", topic="orders", users=5, run_time="5s")
    assert verdict.passed, verdict.summary

pytest finds the fixtures `headcount_stack` and `headcount_run` by itself.
"""

from headcount.testing.run_call import run
from headcount.testing.run_verdict import RunVerdict

__all__ = ["RunVerdict", "run"]
