"""Id settings: how requests carry the id and where messages do, as the options say."""

from dataclasses import dataclass, field

from headcount.errors import UsageError
from headcount.run.id_form import GENERATOR_BITS, SEQ_BITS, IdForm
from headcount.run.id_location import (
    TRACEPARENT,
    IdLocation,
    LocationKind,
    check_id_header,
    default_header,
    default_location,
    parse_location,
)
from headcount.run.ids import HEADER

MOST_GENERATORS, MOST_SEQS = 1 << GENERATOR_BITS, 1 << SEQ_BITS
"""The most generators of a run, and requests of a generator, if ids are not plain."""

_TAKEN = frozenset(
    {"accept", "accept-encoding", "authorization", "connection", "content-encoding"}
    | {"content-length", "content-type", "cookie", "expect", "host", "keep-alive"}
    | {"proxy-authorization", "trailer", "transfer-encoding", "upgrade", "user-agent"}
)
"""Request headers whose meaning an id would change."""


@dataclass(frozen=True, slots=True)
class IdSettings:
    """How ids are written, the request header that carries them, and where messages do."""

    form: IdForm = IdForm.PLAIN
    header: str = HEADER
    location: IdLocation = field(default_factory=IdLocation)


def parse_id_settings(form: str, header: str, location: str) -> IdSettings:
    """Parse `--id-form`, `--id-header` and `--id-at`; an empty one has its default.

    UsageError names the option if one is not valid, or if two contradict each other.
    """
    id_form = _parse_form(form)
    id_header = parse_id_header(header) if header else default_header(id_form)
    if id_header.lower() == TRACEPARENT and id_form is not IdForm.TRACE:
        raise UsageError(
            f"--id-header {id_header} takes a trace-id, not an id in the form {id_form}: "
            "add --id-form trace, or name another header"
        )
    id_location = parse_location(location) if location else default_location(id_header)
    if id_location.kind is LocationKind.TRACEPARENT and id_form is not IdForm.TRACE:
        raise UsageError(
            f"--id-at traceparent takes a trace-id, not an id in the form {id_form}: "
            "add --id-form trace, or name another location"
        )
    return IdSettings(id_form, id_header, id_location)


def parse_id_header(name: str) -> str:
    """Return the name of a request header that may carry the id. UsageError if it may not."""
    if check_id_header(name).lower() in _TAKEN:
        raise UsageError(
            f"--id-header must not be {name}, which HTTP itself needs: "
            "name a header for ids, such as X-Request-Id"
        )
    return name


def check_generator(form: IdForm, generator: int) -> None:
    """Check that ids have room for a generator's number. UsageError if not."""
    if form is not IdForm.PLAIN and generator >= MOST_GENERATORS:
        raise UsageError(
            f"--id-form {form} has room for {MOST_GENERATORS:,} generators, and this is number "
            f"{generator:,}, counted from 0: use fewer, or --id-form plain"
        )


def check_seq_block(form: IdForm, end: int) -> None:
    """Check that ids have room for sequence numbers below `end`. UsageError if not."""
    if form is not IdForm.PLAIN and end > MOST_SEQS:
        raise UsageError(
            f"--id-form {form} has room for {MOST_SEQS:,} requests of a generator, and this one "
            "has used them all: use more generators, or --id-form plain"
        )


def _parse_form(text: str) -> IdForm:
    try:
        return IdForm(text or IdForm.PLAIN)
    except ValueError:
        *most, last = IdForm
        raise UsageError(f"--id-form must be {', '.join(most)} or {last}, got {text!r}") from None
