"""The plugin's pages: routes below Locust's own, with the same login requirement."""

import functools
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    render_template,
    request,
    send_from_directory,
)
from flask_cors.core import FLASK_CORS_EVALUATED
from locust.env import Environment
from locust.web import WebUI
from werkzeug.exceptions import HTTPException

from headcount import palette
from headcount.monitor.display.delivery_content import content
from headcount.plugin.environment_state import state_of
from headcount.plugin.web import history_page, metrics_page, past_run_pages, start_form
from headcount.plugin.web.unready_start import refuse_unready

TAB = {"title": "Delivery", "key": "delivery"}
_HERE = Path(__file__).parent
_PAGE_POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'self'"
)
_POSTED = frozenset({"/comparison", history_page.UPDATE, "/start-form"})
"""Routes that need POST: they start a process, or receive a filled-in form."""
_SCRIPTS = "".join(
    f'<script src="./headcount/static/{name}" defer></script>' for name in ("tab.js", "form.js")
)


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
        methods = ["POST"] if rule in _POSTED else ["GET"]
        guarded = web_ui.auth_required_if_enabled(view)
        blueprint.add_url_rule(rule, endpoint, guarded, methods=methods)
    blueprint.before_request(_check_origin)
    blueprint.after_request(_forbid_other_sites)
    blueprint.register_error_handler(HTTPException, functools.partial(_error_page, base))
    web_ui.app.register_blueprint(blueprint)
    view_metrics = metrics_page.metrics_view(environment)
    guarded = web_ui.auth_required_if_enabled(lambda: _forbid_other_sites(view_metrics()))
    web_ui.app.add_url_rule(f"{base}{metrics_page.PATH}", "headcount_metrics", guarded)
    web_ui.app.before_request(functools.partial(start_form.refuse_mistake, environment))
    web_ui.app.before_request(functools.partial(refuse_unready, environment))
    web_ui.app.after_request(_add_scripts)


def _views(environment: Environment) -> dict[str, Callable[..., Any]]:
    return {
        "/delivery": lambda: render_template("headcount/delivery.html"),
        "/delivery.json": functools.partial(_delivery, environment),
        **past_run_pages.views(environment),
        **history_page.views(past_run_pages.reports_dir(environment), past_run_pages.sandboxed),
        "/start-form.html": functools.partial(start_form.fields_page, environment),
        "/start-form": functools.partial(start_form.mistakes_document, environment),
        "/static/<name>": lambda name: send_from_directory(_HERE / "static", name),
        "/palette.css": lambda: Response(palette.style(), mimetype="text/css"),
    }


def _delivery(environment: Environment) -> Response:
    """The state of the current or latest run, as JSON."""
    monitor = state_of(environment).monitor
    return jsonify({"stage": "none"} if monitor is None else content(monitor.view()))


def _add_scripts(response: Response) -> Response:
    """Add the scripts that fill the tab and the start form to Locust's page."""
    if request.endpoint == "locust.index" and response.mimetype == "text/html":
        page = response.get_data(as_text=True)
        response.set_data(page.replace("</body>", f"{_SCRIPTS}</body>", 1))
    return response


def _error_page(base: str, error: HTTPException) -> tuple[str, int]:
    """Explain an error on a page that leads back."""
    code = error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    home = f"{base}/headcount"
    page = render_template("headcount/error.html", home=home, error=error)
    return page, code


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
