"""How the service writes ids and messages, as the options say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from headcount.cli.options.groups import (
    Decorator,
    OptionGroup,
    gathered,
    grouped_option,
    in_order,
)
from headcount.errors import UsageError
from headcount.kafka_settings.config_file import registry_from_environment
from headcount.kafka_settings.registry_url import parse_registry_url
from headcount.run.id_form import IdForm
from headcount.run.id_location import parse_location
from headcount.run.id_settings import IdSettings, parse_id_header, parse_id_settings
from headcount.run.message_format import (
    JSON,
    FormatSettings,
    check_registry,
    format_names,
    parse_compare_at,
    parse_format_name,
    parse_format_settings,
)
from headcount.run.trace_url import PLACEHOLDER, check_trace_url, parse_trace_url


@dataclass(frozen=True, slots=True)
class MessageOptions:
    """How ids and messages are written, as the command line says; empty where it does not."""

    id_header: str = ""
    id_form: str = IdForm.PLAIN.value
    id_at: str = ""
    format_name: str = JSON
    compare_at: str = ""
    schema_registry: str = ""
    trace_url: str = ""

    @property
    def id_settings(self) -> IdSettings:
        """How ids are written. UsageError if two options contradict each other."""
        return parse_id_settings(self.id_form, self.id_header, self.id_at)

    @property
    def format_settings(self) -> FormatSettings:
        """How messages are written. UsageError if two options contradict each other."""
        texts = (self.format_name, self.compare_at, self.schema_registry)
        return parse_format_settings(*texts, format_names())

    def check(self, environ: Mapping[str, str]) -> None:
        """Raise UsageError if two options contradict each other, or a registry is missing.

        `environ` names Kafka's settings, which may name the registry.
        """
        check_trace_url(self.trace_url, self.id_settings.form)
        check_registry(self.format_settings, lambda: registry_from_environment(environ).url)

    @property
    def of_locust(self) -> Mapping[str, str]:
        """The plugin's options for Locust.

        An option that the user did not set is empty, so that a later choice in Locust's web form
        does not contradict a default.
        """
        return {
            "--id-header": self.id_header,
            "--id-form": self.id_form,
            "--id-at": self.id_at,
            "--format": self.format_name,
            "--compare-at": self.compare_at,
            "--schema-registry": self.schema_registry,
            "--trace-url": self.trace_url,
        }


def checked_text(parse: Callable[[str], object]) -> Callable[..., str]:
    """Return a callback that refuses, before anything starts, a text that cannot be parsed."""

    def callback(_context: click.Context, _parameter: click.Parameter, text: str) -> str:
        try:
            if text:
                parse(text)
        except UsageError as error:
            raise click.BadParameter(str(error)) from None
        return text

    return callback


def _option(flag: str, *names: str, **attributes: Any) -> Decorator:
    variable = "HEADCOUNT_" + flag.strip("-").replace("-", "_").upper()
    return grouped_option(OptionGroup.MESSAGES, flag, *names, envvar=variable, **attributes)


_OPTIONS = in_order(
    _option(
        "--id-header",
        default="",
        metavar="NAME",
        show_default="X-Event-Id; traceparent with --id-form trace",
        callback=checked_text(parse_id_header),
        help="Request header that carries the id.",
    ),
    _option(
        "--id-form",
        type=click.Choice(list(map(str, IdForm))),
        metavar="FORM",
        default=IdForm.PLAIN.value,
        show_default=True,
        help="How ids are written: plain, uuid or trace.",
    ),
    _option(
        "--id-at",
        default="",
        metavar="PLACE",
        callback=checked_text(parse_location),
        help="Where messages carry the id: field:NAME, json:/POINTER, header:NAME, key or "
        "traceparent.",
    ),
    _option(
        "--format",
        "format_name",
        default=JSON,
        show_default=True,
        metavar="NAME",
        callback=checked_text(lambda name: parse_format_name(name, format_names())),
        help="How messages are written: json, cloudevents, debezium, avro, protobuf, ….",
    ),
    _option(
        "--compare-at",
        default="",
        metavar="POINTER",
        show_default="the format's own place",
        callback=checked_text(parse_compare_at),
        help="JSON pointer to the event in a message, such as /data.",
    ),
    _option(
        "--schema-registry",
        default="",
        metavar="URL",
        callback=checked_text(parse_registry_url),
        help="URL of a schema registry with Confluent's API.",
    ),
    _option(
        "--trace-url",
        default="",
        metavar="URL",
        callback=checked_text(parse_trace_url),
        help=f"Link for each trace id in the report: a URL that contains {PLACEHOLDER}.",
    ),
)


def with_message_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options, and pass them on as `message_options`."""
    return _OPTIONS(gathered("message_options", MessageOptions)(command))
