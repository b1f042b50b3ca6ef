"""Identities: the ids of the self-test's messages, those of its run and others."""

from headcount.run.id_form import IdForm, RunIds
from headcount.run.id_location import IdLocation, LocationKind
from headcount.run.ids import EventId, bits_of, tag_of

_CAPITALS_EVERY = 61
_STRANGER = "1b4e28ba-2fa1-41d2-883f-0016d3cca427"


def own(ids: RunIds, location: IdLocation, generator: int, seq: int) -> str:
    """Write an attempt's id; some UUIDs and trace-ids get capitals, as a service may write them."""
    text = ids.text(generator, seq)
    # In a `traceparent`, W3C Trace Context allows no capitals.
    may_be_large = ids.form is not IdForm.PLAIN and location.kind is not LocationKind.TRACEPARENT
    return text.upper() if may_be_large and seq % _CAPITALS_EVERY == 1 else text


def invented(
    ids: RunIds, location: IdLocation, generator: int, seq: int, beyond: int
) -> tuple[str, ...]:
    """Return ids that claim the run but were never used.

    `beyond` is a sequence number above all that the generator used.
    """
    unused = ids.text(generator, beyond), ids.text(generator + 1000, seq)
    if ids.form is IdForm.PLAIN:
        return (*unused, f"{ids.tag}.{generator}.0{seq}", f"{ids.tag}.{generator}.{seq}.0")
    whole = ids.text(generator, seq)
    altered = whole[:-1] + ("0" if whole[-1] != "0" else "1")
    cut_off = () if location.kind is LocationKind.TRACEPARENT else (whole[:-1],)
    return (*unused, altered, *cut_off)


def foreign(ids: RunIds, run_id: str, generator: int, seq: int) -> tuple[object, ...]:
    """Return values that do not claim the run: ids with another tag, and values that are no ids."""
    if ids.form is IdForm.PLAIN:
        tags = f"another-{ids.tag}", f"{ids.tag}x", run_id, tag_of(seq)
        return (*(str(EventId(tag, generator, seq)) for tag in tags), None, seq)
    starts = tag_of(bits_of(ids.tag) ^ 1), tag_of(seq)
    others = (RunIds(tag, ids.form).text(generator, seq) for tag in starts)
    return (*others, _STRANGER, None, seq)
