"""Probe ids: a probe's requests carry an id in several headers, each in the header's usual form.

Each header has a tag of its own, so that a message shows which of them the service passed on.
"""

from dataclasses import dataclass

from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_location import TRACEPARENT
from headcount.run.ids import HEADER, TAG_BITS, bits_of, tag_of

USUAL = {
    HEADER: IdForm.PLAIN,
    "X-Request-Id": IdForm.UUID,
    "X-Correlation-Id": IdForm.UUID,
    "Idempotency-Key": IdForm.UUID,
    TRACEPARENT: IdForm.TRACE,
}
"""Headers that services, frameworks and tracing pass on, and the form of ids in them."""


@dataclass(frozen=True, slots=True)
class HeaderIds:
    """A request header, and the ids that it carries."""

    header: str
    ids: RunIds


def probe_ids(tag: str, form: IdForm, header: str) -> tuple[HeaderIds, ...]:
    """Return the headers of a probe: first the one that a run would use, then the usual ones.

    `tag` is that of the first header, and was made by `ids.new_tag`.
    """
    others = {name: usual for name, usual in USUAL.items() if name.lower() != header.lower()}
    forms = {header: form, **others}
    return tuple(
        HeaderIds(name, RunIds(tag_of((bits_of(tag) + place) % (1 << TAG_BITS)), each_form))
        for place, (name, each_form) in enumerate(forms.items())
    )
