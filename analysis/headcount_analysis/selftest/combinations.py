"""Combinations: every place of ids in every form, in every format."""

from collections.abc import Iterator

from headcount.errors import UsageError
from headcount.run.id_form import IdForm
from headcount.run.id_settings import parse_id_settings
from headcount.run.message_format import RAW, FormatSettings
from headcount_analysis.selftest.encoders.catalogue import FRAMED
from headcount_analysis.selftest.message_writer import MessageStyle

_HEADER = "X-Request-Id"
_FORMATS = (("json", ""), ("json", "/data"), ("cloudevents", ""), ("debezium", ""))
_POINTERS = {
    "json": "json:/meta/id",
    "cloudevents": "json:/data/meta/id",
    "debezium": "json:/after/meta/id",
}


def combinations(schema_registry: str = "", only: str = "") -> Iterator[MessageStyle]:
    """Yield every combination, those of formats with schemas only if there is a registry.

    `only` is the name of the only format, or empty. UsageError if that format needs a registry and
    there is none, or if the self-test cannot write it.
    """
    formats = [FormatSettings(*arguments) for arguments in _FORMATS]
    if schema_registry:
        formats += [FormatSettings(name, "", schema_registry) for name in FRAMED]
    formats.append(FormatSettings(RAW))
    chosen = [settings for settings in formats if only in {"", settings.name}]
    if not chosen:
        remedy = "add --schema-registry URL" if only in FRAMED else "leave --format out"
        raise UsageError(f"--every-place cannot write messages in the format {only}: {remedy}")
    for settings in chosen:
        for form in IdForm:
            for place in _places(settings, form):
                yield MessageStyle(parse_id_settings(form, _HEADER, place), settings)


def _places(settings: FormatSettings, form: IdForm) -> Iterator[str]:
    if settings.name != RAW:
        yield from (f"field:{_HEADER}", "field:order_id")
        yield _POINTERS.get(settings.name, "json:/meta/id")
    yield from (f"header:{_HEADER}", "key")
    if form is IdForm.TRACE:
        yield "traceparent"
