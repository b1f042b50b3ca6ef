"""The mixed scenario behind a login, as in Locust's own documentation."""

from typing import Any

from flask import redirect, request, url_for
from flask_login import UserMixin, login_user
from locust import events
from locust.env import Environment
from mixed import Player
from werkzeug.wrappers import Response

__all__ = ["Player"]

PASSWORD = "let me in"  # noqa: S105 - of this test alone


class Person(UserMixin):  # type: ignore[misc]
    """The user who may log in."""

    id = "tester"


@events.init.add_listener  # type: ignore[untyped-decorator]
def _require_login(environment: Environment, **_: Any) -> None:
    web_ui = environment.web_ui
    if web_ui is None:
        return
    assert web_ui.app is not None
    web_ui.app.config["SECRET_KEY"] = "of this test alone"  # noqa: S105
    web_ui.login_manager.user_loader(lambda _: Person())
    web_ui.auth_args["username_password_callback"] = "/load/enter"  # noqa: S105 - no secret

    @web_ui.app.route("/load/enter", methods=["POST"])
    def enter() -> Response:
        if request.form["password"] == PASSWORD:
            login_user(Person())
        return redirect(url_for("locust.index"))
