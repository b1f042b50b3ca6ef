"""The options that say how ids and messages are written: added to Locust's, and parsed."""

import argparse

from locust.argument_parser import LocustArgumentParser

from headcount.run.id_form import IdForm
from headcount.run.id_settings import IdSettings, parse_id_settings
from headcount.run.message_format import (
    JSON,
    FormatSettings,
    format_names,
    parse_format_settings,
)
from headcount.run.trace_url import PLACEHOLDER


def add_message_options(parser: LocustArgumentParser) -> None:
    """Add the options; those of ids are in the start form (see `web/start_form.py`)."""
    parser.add_argument(
        "--id-header",
        default="",
        env_var="HEADCOUNT_ID_HEADER",
        include_in_web_ui=False,
        help="Headcount: the request header that carries the id; by default X-Event-Id, or "
        "traceparent if the id's form is trace",
    )
    parser.add_argument(
        "--id-form",
        choices=list(map(str, IdForm)),
        default=str(IdForm.PLAIN),
        env_var="HEADCOUNT_ID_FORM",
        include_in_web_ui=False,
        help="Headcount: how ids are written: plain text, a UUID, or a trace-id",
    )
    parser.add_argument(
        "--id-at",
        default="",
        env_var="HEADCOUNT_ID_AT",
        include_in_web_ui=False,
        help="Headcount: where messages carry the id: field:NAME, json:/POINTER, header:NAME, key "
        "or traceparent; by default a top-level field with the header's name, or traceparent "
        "if that is the header",
    )
    for flag, default, text in (
        ("--format", JSON, "how messages are written, such as json or avro"),
        ("--compare-at", "", "where the event is in a message, as a JSON pointer such as /data"),
        ("--schema-registry", "", "URL of a schema registry with Confluent's API"),
        (
            "--trace-url",
            "",
            f"link for each trace id in the report: a URL that contains {PLACEHOLDER}",
        ),
    ):
        variable = "HEADCOUNT_" + flag.strip("-").replace("-", "_").upper()
        parser.add_argument(
            flag,
            default=default,
            help=f"Headcount: {text}",
            env_var=variable,
            include_in_web_ui=False,
        )


def id_settings_of(options: argparse.Namespace) -> IdSettings:
    """Parse the options for ids. UsageError names the mistake."""
    form, header, location = (
        str(text).strip() for text in (options.id_form, options.id_header, options.id_at)
    )
    return parse_id_settings(form, header, location)


def format_settings_of(options: argparse.Namespace) -> FormatSettings:
    """Parse the options for messages. UsageError names the mistake."""
    return parse_format_settings(
        options.format, options.compare_at, options.schema_registry, format_names()
    )
