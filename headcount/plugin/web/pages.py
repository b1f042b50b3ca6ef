"""The pages, as routes below Locust's own, open to those that Locust's own are open to."""

import argparse
import functools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Any

import gevent
from flask import Blueprint, Response, abort, jsonify, render_template, request, send_from_directory
from flask_cors.core import FLASK_CORS_EVALUATED
from locust.env import Environment
from locust.web import WebUI

from headcount.errors import HeadcountError
from headcount.ids import is_run_id
from headcount.metrics import MetricError
from headcount.past_runs import FILES, past_runs
from headcount.plugin import open_model
from headcount.plugin.judging import cannot_judge
from headcount.plugin.options import check, open_load_of
from headcount.plugin.state import state_of
from headcount.run import RunFolder

TAB = {"title": "Delivery", "key": "delivery"}
_HERE = Path(__file__).parent
_BUNDLE = "import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle())"
# Vega compiles its expressions; what is drawn are this page's own numbers.
_PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; frame-ancestors 'self'"
)
# A run's folder may come from anywhere: its page has no part in this site.
_REPORT_POLICY = "sandbox allow-scripts allow-popups"


def add_pages(environment: Environment, web_ui: WebUI) -> None:
    """Add the pages, and the tab that shows the first of them."""
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
        blueprint.add_url_rule(rule, endpoint, web_ui.auth_required_if_enabled(view))
    blueprint.after_request(_closed_to_other_sites)
    web_ui.app.register_blueprint(blueprint)
    web_ui.app.before_request(functools.partial(_check_form, environment))
    web_ui.app.after_request(_with_tab)
    gevent.spawn(_vega)  # before a test begins, whose generator it could disturb


def _views(environment: Environment) -> dict[str, Callable[..., Any]]:
    return {
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
    """All that is known of the run that goes on, or was the last."""
    observer = state_of(environment).observer
    if observer is None:
        return jsonify({"stage": "none"})
    view = observer.view()
    lines = {**view.reading.by_event_type, "total": view.reading.total}
    judging, verdict = view.judging, None
    if judging is not None:
        verdict = judging.verdict
    return jsonify(
        {
            "run_id": view.run_id,
            "stage": view.stage,
            "step": judging.step if judging else "",
            "why_not": view.why_not,
            "abort": view.abort,
            "verdict": asdict(verdict) if verdict else None,
            "lines": [
                {"name": name, **asdict(line), "in_flight": line.in_flight, "behind": line.behind}
                for name, line in lines.items()
            ],
            **{
                name: getattr(view.reading, name)
                for name in ("behind_s", "missing", "duplicated", "unread", "is_watched")
            },
            "failures": view.reading.failures,
            "points": [asdict(point) for point in view.reading.points],
        }
    )


def _runs(environment: Environment) -> str:
    runs = past_runs(_reports_dir(environment))
    return render_template("headcount/runs.html", runs=runs)


def _file(environment: Environment, run_id: str, name: str) -> Response:
    """One of a run's own files, in a page that can reach nothing of this site."""
    folder = _folder(environment, run_id)
    if name not in FILES:
        abort(HTTPStatus.NOT_FOUND)
    return _sandboxed(send_from_directory(folder.path, name))


def _sandboxed(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _REPORT_POLICY
    return response


def _side_by_side(environment: Environment) -> str:
    names = [folder.run_id for folder in _chosen(environment)]
    return render_template("headcount/side_by_side.html", names=names)


def _comparison(environment: Environment) -> Response:
    """What changed from the earlier of two runs to the later, in a page like a report's."""
    earlier, later = _chosen(environment)
    if why_not := cannot_judge():
        return _no_comparison(why_not)
    command = [sys.executable, "-m", "headcount", "compare", "--html", "-"]
    if "anyway" in request.args:
        command.append("--anyway")
    command += [str(earlier.path), str(later.path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return _no_comparison(done.stderr)
    return _sandboxed(Response(done.stdout))


def _no_comparison(why: str) -> Response:
    told = render_template("headcount/no_comparison.html", why=why, url=request.url)
    return Response(told, HTTPStatus.CONFLICT)


def _chosen(environment: Environment) -> list[RunFolder]:
    """The two runs that were chosen, the earlier first."""
    names = request.args.getlist("run")
    if len(names) != 2:  # noqa: PLR2004 - that is what side by side means
        abort(HTTPStatus.BAD_REQUEST, "choose two runs")
    folders = [_folder(environment, run_id) for run_id in names]
    try:
        return sorted(folders, key=lambda folder: folder.read_manifest().created_at)
    except HeadcountError as error:
        abort(HTTPStatus.CONFLICT, str(error))


def _folder(environment: Environment, run_id: str) -> RunFolder:
    folder = RunFolder(_reports_dir(environment) / run_id)
    if not is_run_id(run_id) or not folder.manifest_path.is_file():
        abort(HTTPStatus.NOT_FOUND)
    return folder


def _reports_dir(environment: Environment) -> Path:
    assert environment.parsed_options is not None
    return Path(environment.parsed_options.reports_dir).absolute()


@functools.cache
def _vega() -> str:
    """The library that draws; made by a process of its own, for it takes a second of its core.

    Where vl-convert is not installed there is none, and the page goes without a chart.
    """
    command = [sys.executable, "-c", _BUNDLE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def _check_form(environment: Environment) -> Response | None:
    """Tell of a mistake in the start form before anything is started."""
    if request.endpoint != "locust.swarm":
        return None
    options = argparse.Namespace(**vars(environment.parsed_options))
    for name in ("seed", "mix", "rate", "spacing", "max_in_flight", "thresholds"):
        setattr(options, name, request.form.get(name, getattr(options, name)))
    try:
        check(options, environment.user_classes)
        if open_load_of(options) is not None:
            open_model.check(environment)
    except HeadcountError as error:
        told = error.marked if isinstance(error, MetricError) else str(error)
        return jsonify({"success": False, "message": told, "host": environment.host})
    return None


def _with_tab(response: Response) -> Response:
    """Add to Locust's page what fills the tab."""
    if request.endpoint == "locust.index" and response.mimetype == "text/html":
        script = '<script src="./headcount/static/tab.js" defer></script></body>'
        response.set_data(response.get_data(as_text=True).replace("</body>", script, 1))
    return response


def _closed_to_other_sites(response: Response) -> Response:
    # Locust lets pages of any site read its answers; a run's are nobody else's.
    setattr(response, FLASK_CORS_EVALUATED, True)
    response.headers.setdefault("Content-Security-Policy", _PAGE_POLICY)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
