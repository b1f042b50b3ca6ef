"""The metrics page: a run's metrics for Prometheus, on the port of Locust's web UI.

It has the values of the current or latest test, with its verdict once there is one.
"""

from collections.abc import Callable
from http import HTTPStatus

from flask import Response, request
from locust.env import Environment

from headcount.plugin.environment_state import state_of
from headcount.telemetry.export.export_settings import why_no_endpoint

PATH = "/metrics"


def metrics_view(environment: Environment) -> Callable[[], Response]:
    """Return the view; without the package, it says what to install."""
    if problem := why_no_endpoint():
        return lambda: _explanation(problem)
    # Imported now: a scrape during the test must not wait for it, and neither must users.
    from headcount.telemetry.export.prometheus_page import prometheus_page  # noqa: PLC0415

    def view() -> Response:
        monitor = state_of(environment).monitor
        moment = None if monitor is None else monitor.metrics.moment()
        points, resource = ((), {}) if moment is None else (moment.points, moment.resource)
        page = prometheus_page(points, resource, request.headers.get("Accept", ""))
        return Response(page.content, content_type=page.content_type)

    return view


def _explanation(problem: str) -> Response:
    text = f"the metrics need {problem}\n"
    return Response(text, HTTPStatus.NOT_IMPLEMENTED, content_type="text/plain; charset=utf-8")
