"""The pages of past runs: their list, their files, two side by side, and a comparison of two."""

import functools
from collections.abc import Callable, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Response, abort, render_template, request, send_file
from locust.env import Environment

from headcount.errors import HeadcountError
from headcount.files import open_own
from headcount.plugin.missing_verifier import why_not_verifiable
from headcount.plugin.web.comparison import Comparison, compare
from headcount.run.folder import RunFolder
from headcount.run.past_runs import FILES, past_run, past_runs
from headcount.run.utc import clock_text
from headcount.run.verdict import read_verdict

# A run's folder may be untrusted, so its report must have no access to this site.
_REPORT_POLICY = "sandbox allow-scripts allow-popups"


def views(environment: Environment) -> dict[str, Callable[..., Any]]:
    """Return the views by their routes."""
    return {
        "/runs": functools.partial(_runs, environment),
        "/runs/<run_id>/<name>": functools.partial(_file, environment),
        "/side-by-side": functools.partial(_side_by_side, environment),
        "/comparison": functools.partial(_comparison, environment),
    }


def _runs(environment: Environment) -> str:
    runs = past_runs(reports_dir(environment))
    return render_template("headcount/runs.html", runs=runs, clock_text=clock_text)


def _file(environment: Environment, run_id: str, name: str) -> Response:
    """One of a run's files, sandboxed so that it cannot access this site."""
    folder = _folder(environment, run_id)
    if name not in FILES:
        abort(HTTPStatus.NOT_FOUND, f"runs have no file named {name!r}")
    try:
        file = open_own(folder.path, name)
    except OSError:
        abort(
            HTTPStatus.NOT_FOUND,
            f"the run {run_id} has no {name} yet, because it has not been judged",
        )
    return sandboxed(send_file(file, download_name=name))


def sandboxed(response: Response) -> Response:
    """Keep a page from accessing this site."""
    response.headers["Content-Security-Policy"] = _REPORT_POLICY
    return response


def _side_by_side(environment: Environment) -> str:
    folders = _selected_runs(environment, request.args.getlist("run"))
    pair = [(folder.run_id, read_verdict(folder.path)) for folder in folders]
    return render_template("headcount/side_by_side.html", pair=pair)


def _comparison(environment: Environment) -> Response:
    """The comparison of two runs, or a page that says why there is none."""
    folders = _selected_runs(environment, request.form.getlist("run"))
    runs = " ".join(folder.run_id for folder in folders)
    why_not = why_not_verifiable(f"compare {runs}")
    comparison = Comparison(why_not=why_not, status=HTTPStatus.CONFLICT)
    if not comparison.why_not:
        comparison = compare([folder.path for folder in folders], anyway="anyway" in request.form)
    if comparison.why_not:
        names = [folder.run_id for folder in folders]
        page = render_template("headcount/no_comparison.html", why=comparison.why_not, names=names)
        return Response(page, comparison.status)
    return sandboxed(Response(comparison.page))


def _selected_runs(environment: Environment, names: Sequence[str]) -> list[RunFolder]:
    """The two selected runs, the earlier first."""
    if len(names) != 2:  # noqa: PLR2004 - a pair
        selected = "none was selected" if not names else f"{len(names)} selected"
        abort(HTTPStatus.BAD_REQUEST, f"select exactly two runs: {selected}")
    folders = [_folder(environment, run_id) for run_id in names]
    try:
        return sorted(folders, key=lambda folder: folder.read_manifest().created_at)
    except HeadcountError as error:
        abort(HTTPStatus.CONFLICT, str(error))


def _folder(environment: Environment, run_id: str) -> RunFolder:
    reports = reports_dir(environment)
    folder = past_run(reports, run_id)
    if folder is None:
        abort(HTTPStatus.NOT_FOUND, f"there is no run {run_id!r} in {reports}")
    return folder


def reports_dir(environment: Environment) -> Path:
    """Return the folder with the runs."""
    assert environment.parsed_options is not None
    return Path(environment.parsed_options.reports_dir).absolute()
