"""The files of a project, from the answers about it."""

import shlex
import textwrap
from collections.abc import Mapping
from importlib.resources import files
from string import Template

from headcount.cli.configuration.option_file import FILE
from headcount.cli.configuration.option_text import with_options
from headcount.cli.scaffold.answers import CiSystem, ProjectAnswers
from headcount.cli.scaffold.python_literal import literal

CI_FILES: Mapping[CiSystem, str] = {
    CiSystem.GITHUB: ".github/workflows/headcount.yml",
    CiSystem.GITLAB: ".gitlab-ci.yml",
}


class _FileTemplate(Template):
    """A text with names such as `@start`, not `$start`: both CI systems use the dollar sign."""

    delimiter = "@"
    # The `@v4` of `actions/checkout@v4` must not be read as a name.
    idpattern = r"(?a:start|title|request|shared)\b"


def project_files(answers: ProjectAnswers) -> dict[str, str]:
    """Return the text of each file by its path in the project's folder."""
    written = {answers.locustfile: _locustfile(answers), FILE: _options(answers)}
    if answers.ci is not CiSystem.NONE:
        steps = _github_steps if answers.ci is CiSystem.GITHUB else _gitlab_steps
        text = _filled(f"{answers.ci}.txt", start=steps(answers) if answers.start else "")
        written[CI_FILES[answers.ci]] = text
    return written


def _locustfile(answers: ProjectAnswers) -> str:
    call = f"self.client.{answers.method.lower()}({literal(answers.path)}"
    end = f"event_type={literal(answers.event_type)})"
    if answers.body is None:
        request = f"{call}, event={{}}, {end}"
    else:
        request = f"body = {literal(answers.body)}\n{call}, json=body, event=body, {end}"
    indented = textwrap.indent(request, " " * 8)
    return _filled("locustfile.txt", request=indented, title=f"{answers.method} {answers.path}")


def _options(answers: ProjectAnswers) -> str:
    options = {
        "locustfile": answers.locustfile,
        "host": answers.host,
        "bootstrap-servers": answers.bootstrap_servers,
        "topic": answers.topic,
    }
    shared = with_options("", {name: value for name, value in options.items() if value})
    return _filled("options.txt", shared=shared)


def _github_steps(answers: ProjectAnswers) -> str:
    lines = "\n".join(f"          {line}" for line in _start_lines(answers))
    return f"      - name: Broker and service\n        run: |\n{lines}\n"


def _gitlab_steps(answers: ProjectAnswers) -> str:
    lines = "\n".join(f"      {line}" for line in _start_lines(answers))
    return f"    - |\n{lines}\n"


def _start_lines(answers: ProjectAnswers) -> tuple[str, ...]:
    """Return the shell lines that start a broker and the service, and wait for both."""
    return (
        f"headcount up --broker-only --topic {answers.topic} > broker.log 2>&1 &",
        _waiting("grep -q ^Kafka broker.log", "broker.log"),
        f"({answers.start}) > service.log 2>&1 &",
        _waiting(f"curl -s -o /dev/null {shlex.quote(answers.host)}", "service.log"),
    )


def _waiting(check: str, log: str) -> str:
    """Return a loop that waits until a command succeeds or the process started last fails.

    It ends after five minutes.
    """
    is_well = "kill -0 $! 2> /dev/null || wait $!"
    step = f"{is_well} || {{ cat {log}; exit 1; }}; sleep 1"
    return f"for _ in $(seq 300); do if {check}; then break; fi; {step}; done"


def _filled(name: str, **values: str) -> str:
    template = (files("headcount.cli.scaffold") / name).read_text("utf-8")
    return _FileTemplate(template).safe_substitute(values)
