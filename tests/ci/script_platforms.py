"""What GitHub and GitLab do with a file's scripts: fill in variables, and call bash."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.needs import lacking

TIMEOUT_S = 600
BASH = "/bin/bash"
SERVER = f"exec timeout 30 '{sys.executable}' -m http.server --bind 127.0.0.1"
"""It ends by itself, whatever becomes of the test."""

STARTS = {
    "foreground": (SERVER + " {port}", 0),
    "background": ("(sleep 1; " + SERVER + " {port}) &", 0),
    "failing": ("echo no port; exit 3", 1),
}
"""Commands that start a service, and the exit code of the script that waits for it."""

_EXPRESSION = re.compile(r"\$\{\{ *(.+?) *\}\}")
_COMPARISON = re.compile(r"(\S+) (==|!=) '(.*)'")


class GitHubJob:
    """Runs the `run` steps of a composite action; those that use other actions are skipped.

    Args:
        inputs: The action's inputs, with their defaults.
        environ: The job's environment.
        folder: The checkout; RUNNER_TEMP and the files that the platform reads are beside it.
    """

    def __init__(self, inputs: Mapping[str, str], environ: Mapping[str, str], folder: Path) -> None:
        self.folder = folder
        self.outputs: dict[str, str] = {}
        self.log = ""
        self.exit_code = 0
        self._temporary = folder.with_name(f"{folder.name}-runner")
        self._temporary.mkdir(exist_ok=True)
        self.summary = self._temporary / "summary.md"
        github = {"event_name": environ["GITHUB_EVENT_NAME"]}
        self._values = {
            **{f"inputs.{name}": value for name, value in inputs.items()},
            **{f"github.{name}": value for name, value in github.items()},
        }
        self._environ = {
            **environ,
            "RUNNER_TEMP": str(self._temporary),
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }

    def run(self, action: Mapping[str, Any]) -> None:
        """Run the steps in their order."""
        for step in action["runs"]["steps"]:
            if "run" in step and self._is_wanted(step.get("if", "success()")):
                self._run_step(step)

    def _is_wanted(self, condition: str) -> bool:
        return condition == "always()" or (self.exit_code == 0 and self._holds(condition))

    def _run_step(self, step: Mapping[str, Any]) -> None:
        output = self._temporary / "output"
        output.write_text("")
        named = {name: self._filled(text) for name, text in step.get("env", {}).items()}
        environ = {**self._environ, **named, "GITHUB_OUTPUT": str(output)}
        folder = self.folder / self._filled(step.get("working-directory", "."))
        code, log = bash(step["run"], environ, folder)
        self.log += f"## {step['name']}\n{log}"
        self.exit_code = self.exit_code or code
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            self._values[f"steps.{step['id']}.outputs.{name}"] = value
            self.outputs[name] = value

    def _holds(self, condition: str) -> bool:
        return condition == "success()" or any(map(self._is_true, condition.split(" || ")))

    def _is_true(self, comparison: str) -> bool:
        match = _COMPARISON.fullmatch(comparison)
        assert match is not None, comparison
        return (self._values.get(match[1], "") == match[3]) == (match[2] == "==")

    def _filled(self, text: str) -> str:
        return _EXPRESSION.sub(lambda match: self._values.get(match[1], ""), text)


def bash(script: str, environ: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run a script as both platforms do; return its exit code and what it printed.

    Skip the test if there is no curl, which the platforms' machines have.

    What it starts in the background keeps running.
    """
    if not shutil.which("curl"):
        lacking("curl is needed: apt-get install curl")
    log = folder.with_name(f"{folder.name}-script.log")
    with log.open("w") as file:
        done = subprocess.run(
            [BASH, "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S,
            check=False,
        )
    return done.returncode, log.read_text()


def without_checkout(site_packages: str, python: Path) -> dict[str, str]:
    """Return an environment whose `python3` is `python`, and whose pip installs wheels offline.

    Third-party packages are those of `site_packages`.
    """
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    return {
        **kept,
        "PATH": path,
        "PYTHONPATH": site_packages,
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
    }


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder's files for the block; yield the URL."""
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=os.fspath(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
