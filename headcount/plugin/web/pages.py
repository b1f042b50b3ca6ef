"""The plugin's pages: routes below Locust's own, with the same login requirement."""

import argparse
import functools
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    render_template,
    request,
    send_file,
    send_from_directory,
)
from flask_cors.core import FLASK_CORS_EVALUATED
from locust.env import Environment
from locust.web import WebUI

from headcount.errors import HeadcountError
from headcount.files import open_own
from headcount.plugin import arrival_driver
from headcount.plugin.environment_state import state_of
from headcount.plugin.message_options import IN_FORM
from headcount.plugin.options import check, open_load_of
from headcount.plugin.shutdown.verification import why_not_verifiable
from headcount.plugin.web import history_page
from headcount.plugin.web.comparison import Comparison, compare
from headcount.run.folder import RunFolder
from headcount.run.past_runs import FILES, past_run, past_runs
from headcount.run.verdict import StoredVerdict, read_verdict, tally_of
from headcount.thresholds.metric_text import MetricError

TAB = {"title": "Delivery", "key": "delivery"}
_CHECKED = (
    *("seed", "mix", "rate", "spacing", "max_in_flight", "thresholds", "outcome"),
    *("settle", "watch_for", *IN_FORM),
)
"""The options to check in the start form."""
_HERE = Path(__file__).parent
_BUNDLE = "import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle())"
# Vega compiles its expressions, so it needs `unsafe-eval`; the page draws only its own numbers.
_PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'self'"
)
# A run's folder may be untrusted, so its report must have no access to this site.
_REPORT_POLICY = "sandbox allow-scripts allow-popups"

_STARTS_PROCESS = frozenset({"/comparison", history_page.UPDATE})
"""Routes that start a process; they need POST, so that other sites cannot trigger them."""


def add_pages(environment: Environment, web_ui: WebUI) -> None:
    """Add the pages, and the tab that shows the delivery page."""
    assert web_ui.app is not None
    assert environment.parsed_options is not None
    tabs = web_ui.template_args.setdefault("extended_tabs", [])
    tabs.append(TAB)
    base = environment.parsed_options.web_base_path or ""
    blueprint = Blueprint(
        "headcount",
        __name__,
        url_prefix=f"{base}/headcount",
        static_folder=None,
        template_folder=str(_HERE / "templates"),
    )
    for rule, view in _views(environment).items():
        endpoint = rule.strip("/").replace("/", "_").replace(".", "_")
        methods = ["POST"] if rule in _STARTS_PROCESS else ["GET"]
        guarded = web_ui.auth_required_if_enabled(view)
        blueprint.add_url_rule(rule, endpoint, guarded, methods=methods)
    blueprint.before_request(_check_origin)
    blueprint.after_request(_forbid_other_sites)
    web_ui.app.register_blueprint(blueprint)
    web_ui.app.before_request(functools.partial(_check_form, environment))
    web_ui.app.after_request(_add_tab_script)
    gevent.spawn(_vega)  # now, because it could disturb the generator during a test


def _views(environment: Environment) -> dict[str, Callable[..., Any]]:
    return {
        **history_page.views(_reports_dir(environment), _sandboxed),
        "/delivery": lambda: render_template("headcount/delivery.html"),
        "/delivery.json": functools.partial(_delivery, environment),
        "/runs": functools.partial(_runs, environment),
        "/runs/<run_id>/<name>": functools.partial(_file, environment),
        "/side-by-side": functools.partial(_side_by_side, environment),
        "/comparison": functools.partial(_comparison, environment),
        "/static/<name>": lambda name: send_from_directory(_HERE / "static", name),
        "/vega.js": lambda: Response(_vega(), mimetype="text/javascript"),
    }


def _delivery(environment: Environment) -> Response:
    """The state of the current or latest run, as JSON."""
    monitor = state_of(environment).monitor
    if monitor is None:
        return jsonify({"stage": "none"})
    view = monitor.view()
    lines = {**view.snapshot.by_event_type, "total": view.snapshot.total}
    verification = view.verification
    verdict = None if verification is None else verification.verdict
    return jsonify(
        {
            "run_id": view.run_id,
            "stage": view.stage,
            "step": verification.step if verification else "",
            "why_not": view.why_not,
            "abort": view.abort,
            "verdict": _verdict(verdict) if verdict else None,
            "not_watched": view.not_watched,
            "lines": [
                {"name": name, **asdict(line), "in_flight": line.in_flight, "behind": line.behind}
                for name, line in lines.items()
            ],
            **{
                name: getattr(view.snapshot, name)
                for name in ("behind_s", "missing", "duplicated", "unread", "is_watched")
            },
            "failures": view.snapshot.failures,
            "points": [asdict(point) for point in view.snapshot.points],
        }
    )


def _verdict(verdict: StoredVerdict) -> dict[str, Any]:
    label = verdict.label
    shown = {"label": label.value, "colour": label.colour, "mark": label.mark}
    return {**asdict(verdict), **shown, "tally": tally_of(verdict.checks)}


def _runs(environment: Environment) -> str:
    runs = past_runs(_reports_dir(environment))
    return render_template("headcount/runs.html", runs=runs)


def _file(environment: Environment, run_id: str, name: str) -> Response:
    """One of a run's files, sandboxed so that it cannot access this site."""
    folder = _folder(environment, run_id)
    if name not in FILES:
        abort(HTTPStatus.NOT_FOUND)
    try:
        file = open_own(folder.path, name)
    except OSError:
        abort(HTTPStatus.NOT_FOUND)
    return _sandboxed(send_file(file, download_name=name))


def _sandboxed(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _REPORT_POLICY
    return response


def _side_by_side(environment: Environment) -> str:
    folders = _selected_runs(environment, request.args.getlist("run"))
    pair = [(folder.run_id, read_verdict(folder.path)) for folder in folders]
    return render_template("headcount/side_by_side.html", pair=pair)


def _comparison(environment: Environment) -> Response:
    """The comparison of two runs, or a page that says why there is none."""
    folders = _selected_runs(environment, request.form.getlist("run"))
    comparison = Comparison(why_not=why_not_verifiable(), status=HTTPStatus.CONFLICT)
    if not comparison.why_not:
        comparison = compare([folder.path for folder in folders], anyway="anyway" in request.form)
    if comparison.why_not:
        names = [folder.run_id for folder in folders]
        page = render_template("headcount/no_comparison.html", why=comparison.why_not, names=names)
        return Response(page, comparison.status)
    return _sandboxed(Response(comparison.page))


def _selected_runs(environment: Environment, names: Sequence[str]) -> list[RunFolder]:
    """The two selected runs, the earlier first."""
    if len(names) != 2:  # noqa: PLR2004 - a pair
        abort(HTTPStatus.BAD_REQUEST, "select exactly two runs")
    folders = [_folder(environment, run_id) for run_id in names]
    try:
        return sorted(folders, key=lambda folder: folder.read_manifest().created_at)
    except HeadcountError as error:
        abort(HTTPStatus.CONFLICT, str(error))


def _folder(environment: Environment, run_id: str) -> RunFolder:
    folder = past_run(_reports_dir(environment), run_id)
    if folder is None:
        abort(HTTPStatus.NOT_FOUND)
    return folder


def _reports_dir(environment: Environment) -> Path:
    assert environment.parsed_options is not None
    return Path(environment.parsed_options.reports_dir).absolute()


@functools.cache
def _vega() -> str:
    """The chart library's JavaScript, from a separate process, because it takes a second of CPU.

    Empty if vl-convert is not installed; the page then has no chart.
    """
    command = [sys.executable, "-c", _BUNDLE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _check_form(environment: Environment) -> Response | None:
    """Report a mistake in the start form before a test starts."""
    if request.endpoint != "locust.swarm":
        return None
    options = argparse.Namespace(**vars(environment.parsed_options))
    for name in _CHECKED:
        setattr(options, name, request.form.get(name, getattr(options, name)))
    try:
        check(options, environment.user_classes)
        if open_load_of(options) is not None:
            arrival_driver.check(environment)
    except HeadcountError as error:
        message = error.marked if isinstance(error, MetricError) else str(error)
        return jsonify({"success": False, "message": message, "host": environment.host})
    return None


def _add_tab_script(response: Response) -> Response:
    """Add the script that fills the tab to Locust's page."""
    if request.endpoint == "locust.index" and response.mimetype == "text/html":
        script = '<script src="./headcount/static/tab.js" defer></script></body>'
        response.set_data(response.get_data(as_text=True).replace("</body>", script, 1))
    return response


def _check_origin() -> None:
    """Refuse cross-site requests, which could start or stop work here."""
    if request.method != "GET" and not _is_same_site():
        abort(HTTPStatus.FORBIDDEN, "this request did not come from a page of this site")


def _is_same_site() -> bool:
    """Check the headers that pages cannot forge; older browsers send only `Origin`."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("Origin", ""))
    return bool(origin.netloc) and origin.netloc == request.host


def _forbid_other_sites(response: Response) -> Response:
    # Locust lets pages of any site read its responses; the plugin's are not for other sites.
    setattr(response, FLASK_CORS_EVALUATED, True)
    response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
