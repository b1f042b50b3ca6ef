"""Headcount's fields in Locust's start form, for the options that may change with each test.

Locust's form cannot group fields, or show a default or a mistake beside a field, so a script
(`static/form.js`) adds them, in groups. Locust reads them like the field of any other option.
"""

import argparse
import functools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Response, jsonify, render_template, request
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment

from headcount.errors import HeadcountError
from headcount.open_model.mix import check_names, parse_mix
from headcount.plugin import arrival_driver
from headcount.plugin.message_options import id_settings_of
from headcount.plugin.options import add_options, check, open_load_of, seed_of
from headcount.run.outcome_rules import split as split_rules
from headcount.thresholds.grammar import split
from headcount.thresholds.metric_text import MetricError
from headcount.time_span import seconds_of

_OPTION = re.compile(r"--([a-z-]+)")


@dataclass(frozen=True, slots=True)
class FormField:
    """A field; `default` says what an empty one means, `choices` are the values to choose from."""

    name: str
    label: str
    value: str
    default: str
    explanation: str
    choices: tuple[str, ...] = ()


_LABELS = {
    "Load": {
        "rate": ("Rate", "none; users just repeat their tasks"),
        "spacing": ("Spacing", ""),
        "max_in_flight": ("Max in flight", "as many as users"),
        "mix": ("Mix", "the scenario's own weights"),
        "seed": ("Seed", "random"),
    },
    "Judging": {
        "thresholds": ("Thresholds", "none"),
        "outcome": ("Outcome rules", "by status"),
        "settle": ("Settle", ""),
        "watch_for": ("Watch for", ""),
    },
    "Messages": {
        "id_header": ("ID header", "X-Event-Id, or traceparent"),
        "id_form": ("ID form", ""),
        "id_at": ("ID at", "the field with the header's name"),
    },
}
"""By group: the label of each field, and what an empty field means, if the field may be empty."""

FIELDS = tuple(name for fields in _LABELS.values() for name in fields)


def fields_page(environment: Environment) -> str:
    """Return the group of fields as HTML, with the values of the latest test."""
    options = environment.parsed_options
    groups = {
        group: [_field(name, *shown, getattr(options, name)) for name, shown in fields.items()]
        for group, fields in _LABELS.items()
    }
    is_changed = any(
        field.value != str(_actions()[field.name].default)
        for fields in groups.values()
        for field in fields
    )
    return render_template("headcount/start_form.html", groups=groups, is_changed=is_changed)


def _field(name: str, label: str, default: str, value: object) -> FormField:
    action = _actions()[name]
    text = (action.help or "").removeprefix("Headcount: ").replace("with --rate", "with a rate")
    explanation = f"{text[:1].upper()}{text[1:]}."
    return FormField(name, label, str(value), default, explanation, tuple(action.choices or ()))


@functools.cache
def _actions() -> dict[str, argparse.Action]:
    """Return the plugin's options, by name."""
    parser = LocustArgumentParser(add_help=False)
    add_options(parser)
    return {action.dest: action for action in parser._actions}  # noqa: SLF001 - argparse has no other way


def mistakes_document(environment: Environment) -> Response:
    """Return the mistakes in a filled-in form, by field, as JSON."""
    return jsonify(mistakes(environment, _filled_in(environment)))


def refuse_mistake(environment: Environment) -> Response | None:
    """Return a refusal of a start form that has a mistake, before the test starts; or else None."""
    if request.endpoint != "locust.swarm":
        return None
    for name, mistake in mistakes(environment, _filled_in(environment)).items():
        label = next((fields[name][0] for fields in _LABELS.values() if name in fields), "")
        message = f"{label}: {mistake}" if label else mistake
        return jsonify({"success": False, "message": message, "host": environment.host})
    return None


def _filled_in(environment: Environment) -> argparse.Namespace:
    options = argparse.Namespace(**vars(environment.parsed_options))
    for name in FIELDS:
        setattr(options, name, request.form.get(name, getattr(options, name)))
    return options


def changed_options(environment: Environment) -> Iterator[str]:
    """Yield which of `--host` and the plugin's options a filled-in form would change."""
    if _changes_host(environment):
        yield "--host"
    for name, action in _actions().items():
        value = _form_value(getattr(environment.parsed_options, name))
        if request.form.get(name, value) != value:
            yield action.option_strings[0]


def _changes_host(environment: Environment) -> bool:
    host = request.form.get("host", environment.host or "").rstrip("/")
    if environment.host or not host:
        return host != (environment.host or "").rstrip("/")
    return {(user.host or "").rstrip("/") for user in environment.user_classes} != {host}


def _form_value(value: object) -> str:
    """Format an option's value as Locust reads it from a form."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def mistakes(environment: Environment, options: argparse.Namespace) -> dict[str, str]:
    """Return the mistakes in the options by field; those without a field under an empty name."""
    wrong: dict[str, str] = {}
    for name, do in _checks(environment, options):
        try:
            do()
        except HeadcountError as error:
            text = error.marked if isinstance(error, MetricError) else str(error)
            wrong.setdefault(_field_in(text) or name, text)
    if not wrong:
        try:
            check(options, environment.user_classes)
        except HeadcountError as error:
            wrong[""] = str(error)
    return wrong


def _checks(
    environment: Environment, options: argparse.Namespace
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the check of each field, or of several that depend on each other."""

    def check_rate() -> None:
        if open_load_of(options) is not None:
            arrival_driver.check(environment)

    def check_mix() -> None:
        tasks = [task for user in environment.user_classes for task in user.tasks]
        if options.mix:
            check_names(parse_mix(options.mix), tasks)

    yield "rate", check_rate
    yield "mix", check_mix
    yield "seed", lambda: seed_of(options)
    yield "thresholds", lambda: split(options.thresholds)
    yield "outcome", lambda: split_rules(options.outcome)
    yield "settle", lambda: seconds_of("--settle", options.settle)
    yield "watch_for", lambda: seconds_of("--watch-for", options.watch_for)
    yield "id_at", lambda: id_settings_of(options)


def _field_in(message: str) -> str:
    """Return the field of the option that a message begins with; empty if there is none."""
    match = _OPTION.match(message)
    name = match[1].replace("-", "_") if match else ""
    return name if name in FIELDS else ""
