"""The files of a project, from the answers about it."""

import shlex
import textwrap
from collections.abc import Mapping
from importlib.resources import files
from string import Template

from headcount.cli.configuration.option_file import FILE
from headcount.cli.configuration.option_text import with_options
from headcount.cli.options.target_options import BROKERS_VARIABLE
from headcount.cli.scaffold.answers import CiSystem, ProjectAnswers
from headcount.cli.scaffold.python_literal import literal

_COMMENT_WIDTH = 120

CI_FILES: Mapping[CiSystem, str] = {
    CiSystem.GITHUB: ".github/workflows/headcount.yml",
    CiSystem.GITLAB: ".gitlab-ci.yml",
}


class _FileTemplate(Template):
    """A text with names such as `@start`, not `$start`: both CI systems use the dollar sign."""

    delimiter = "@"
    # The `@v4` of `actions/checkout@v4` must not be read as a name.
    idpattern = r"(?a:start|parts|title|request|shared)\b"


def project_files(answers: ProjectAnswers) -> dict[str, str]:
    """Return the text of each file by its path in the project's folder."""
    written = {answers.locustfile: _locustfile(answers), FILE: _options(answers)}
    if answers.ci is not CiSystem.NONE:
        steps = _github_steps if answers.ci is CiSystem.GITHUB else _gitlab_steps
        start = steps(answers) if answers.start else ""
        text = _filled(f"{answers.ci}.txt", start=start, parts=_comment(answers))
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


def _comment(answers: ProjectAnswers) -> str:
    """Describe, in lines of a comment, which parts the job starts and which it must reach."""
    kafka = f"Kafka at {answers.bootstrap_servers}"
    if answers.start and answers.has_local_brokers:
        text = (
            f"The job starts a broker with the topic {answers.topic}, and then the service. The "
            "broker's address is in BOOTSTRAP_SERVERS, for the service, and in "
            "HEADCOUNT_BOOTSTRAP_SERVERS, which overrides "
            f"{answers.bootstrap_servers} from {FILE}."
        )
    elif answers.start:
        text = (
            f"The job starts the service, but no broker. It must be able to reach {kafka}, and the "
            f"topic {answers.topic} must exist there. The run reads this address from {FILE}, the "
            "service from BOOTSTRAP_SERVERS."
        )
    else:
        text = (
            f"The job starts neither the service nor a broker. It must be able to reach "
            f"{answers.host} and {kafka}, which {FILE} names."
        )
        if answers.has_local_service or answers.has_local_brokers:
            text += (
                " A service or broker at localhost must run in the job itself: for a job that "
                "starts it, remove this file and call `headcount init --start COMMAND`."
            )
    return textwrap.fill(
        text, _COMMENT_WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )


def _github_steps(answers: ProjectAnswers) -> str:
    keep = f'echo "{BROKERS_VARIABLE}=$BOOTSTRAP_SERVERS" >> "$GITHUB_ENV"'
    lines = "\n".join(f"          {line}" for line in _start_lines(answers, keep))
    name = "Broker and service" if answers.has_local_brokers else "Service"
    return f"      - name: {name}\n        run: |\n{lines}\n"


def _gitlab_steps(answers: ProjectAnswers) -> str:
    keep = f'export {BROKERS_VARIABLE}="$BOOTSTRAP_SERVERS"'
    lines = "\n".join(f"      {line}" for line in _start_lines(answers, keep))
    return f"    - |\n{lines}\n"


def _start_lines(answers: ProjectAnswers, keep: str) -> tuple[str, ...]:
    """Return the shell lines that start the service, after a broker if Kafka is to be local.

    `keep` is a command that keeps the broker's address for the run.
    """
    return (
        *(_broker_lines(answers, keep) if answers.has_local_brokers else _given_lines(answers)),
        f"({answers.start}) > service.log 2>&1 &",
        _waiting(f"curl -s -o /dev/null {shlex.quote(answers.host)}", "service.log"),
    )


def _broker_lines(answers: ProjectAnswers, keep: str) -> tuple[str, ...]:
    return (
        f"headcount up --broker-only --topic {answers.topic} > broker.log 2>&1 &",
        _waiting("grep -q ^Kafka broker.log", "broker.log"),
        "export BOOTSTRAP_SERVERS=$(sed -n 's/^Kafka *//p' broker.log)",
        keep,
    )


def _given_lines(answers: ProjectAnswers) -> tuple[str, ...]:
    return (f"export BOOTSTRAP_SERVERS={answers.bootstrap_servers}",)


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
