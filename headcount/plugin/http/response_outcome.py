"""The outcome of a response: by the rules of the user, otherwise by its status or its error."""

from locust.contrib.fasthttp import FastResponse

from headcount.plugin.http.once_only_connections import is_unsent
from headcount.run.outcome_rules import Answer, Rule, decide
from headcount.run.request_outcome import Outcome, of_error, of_status


def by_rules(response: FastResponse, rules: tuple[Rule, ...], *, has_body: bool) -> Outcome:
    """Return the outcome of the first rule that holds, otherwise that of the status."""
    outcome = decide(rules, Answer(response, has_body=has_body))
    return by_status(response, response.status_code) if outcome is None else outcome


def by_status(response: FastResponse, status: int) -> Outcome:
    """Return the outcome of a response, by its status."""
    retry_after = status >= 500 and "retry-after" in (response.headers or ())  # noqa: PLR2004
    return of_status(status, retry_after=retry_after)


def by_error(error: BaseException) -> Outcome:
    """Return the outcome of a request that got no response, by its error."""
    return of_error(error, is_unsent=is_unsent(error))
