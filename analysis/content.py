"""Content: what a message says of itself, from its bytes to its kind, its id and its digests.

The value is parsed once, into a variant, which keeps JSON's own types. Spark's parser stops at the
end of the first JSON value and takes whatever follows; so the value is parsed as the first item of
`[<value>,<hash of the value>]`, and a message whose second item is not that hash had something
after its object. Anything else that JSON forbids, a repeated key too, gives no variant at all.

No name or value that comes from outside ever becomes part of an SQL text: names are checked against
`FIELD_NAME` before they become part of a path, the rest are literals.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own convention

from headcount.digest import ABSENT
from headcount.errors import EvidenceError
from headcount.ids import NUMBER_PATTERN, RUN_ID_PATTERN

FIELD_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,99}", re.ASCII)
MAX_SHAPES = 256
EVENT_TYPE_FIELD = "event_type"

_JSON_SPACE = " \t\n\r"
# A double's 17 digits fit into a decimal's 38: of small ones with 30 places, of large ones with 18
# or none.
_SMALL = r"^-?[0-9]\.[0-9]+E-[4-9]$"
_LARGE = r"^-?[0-9]+\.[0-9]+(E[0-9]+)?$"
_MAX_SHOWN = 200  # characters of a hostile id or event type that are kept


class Kind(StrEnum):
    """What a message turned out to be."""

    CLAIMED = "claimed"
    """Its id is of this run, and a generator has asked for it or may have."""
    PHANTOM = "phantom"
    FOREIGN = "foreign"
    MALFORMED = "malformed"
    GARBLED = "garbled"
    """It cannot be parsed either, and an id of this run stands in its bytes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is looked for in the messages.

    `asked` says for each generator how many sequence numbers, from 0, it may have used; `shapes`
    are the sets of fields that are compared.
    """

    run_id: str
    event_id_field: str
    asked: Mapping[int, int]
    shapes: Sequence[str]

    def __post_init__(self) -> None:
        """Refuse what has no place in a path. EvidenceError names it."""
        names = {name for shape in self.shapes for name in shape.split(",") if name}
        for name in sorted(names | {self.event_id_field}):
            if FIELD_NAME.fullmatch(name) is None:
                raise EvidenceError(f"the field name {name!r} in the ledger or manifest is not one")
        if len(self.shapes) > MAX_SHAPES:
            raise EvidenceError(
                f"the ledger has {len(self.shapes)} shapes of events, and {MAX_SHAPES} can be "
                "compared: ask for the same fields in events of a type"
            )


def with_content(messages: DataFrame, expected: Expected) -> DataFrame:
    """Read each message's content.

    Args:
        messages: As `topic.read` gives them: partition int, offset long, timestamp_ms long,
            timestamp_type int, key binary, value binary.
        expected: What is looked for.

    Returns:
        partition int, offset long, timestamp_ms long, timestamp_type int, key binary, kind string,
        claimed_id string (where it claims this run), generator int and seq long (where it is
        `claimed`), event_type string, digests array<long> (one per shape, where it is `claimed`),
        value_hash long.
    """
    text = F.col("value").cast("string")
    wrapped = F.concat(F.lit("["), text, F.lit(","), _check(text), F.lit("]"))
    parsed = messages.select("*", F.try_parse_json(wrapped).alias("parsed"))
    whole = parsed.select("*", _is_object(text).alias("whole"))
    told = whole.select("*", *_identity(expected))
    known = told.select("*", _is_asked(expected.asked).alias("asked"))
    return known.select(
        "partition",
        "offset",
        "timestamp_ms",
        "timestamp_type",
        "key",
        _kind(text, expected.run_id).alias("kind"),
        F.left("claimed_id", F.lit(_MAX_SHOWN)).alias("claimed_id"),
        F.when(F.col("asked"), F.col("generator")).cast("int").alias("generator"),
        F.when(F.col("asked"), F.col("seq")).alias("seq"),
        F.left(_text_of(EVENT_TYPE_FIELD), F.lit(_MAX_SHOWN)).alias("event_type"),
        F.when(F.col("asked"), _digests(expected.shapes)).alias("digests"),
        F.xxhash64("value").alias("value_hash"),
    )


def _check(text: Column) -> Column:
    return F.xxhash64(text).cast("string")


def _is_object(text: Column) -> Column:
    """True or false, never null: one JSON object, and nothing beside it."""
    unbroken = F.is_valid_utf8(text) & F.btrim(text, F.lit(_JSON_SPACE)).startswith("{")
    alone = F.try_variant_get("parsed", "$[1]", "string") == _check(text)
    return F.coalesce(unbroken & alone, F.lit(False))


def _identity(expected: Expected) -> list[Column]:
    """The columns claimed_id, generator and seq, as the message's id field has them."""
    field = _text_of(expected.event_id_field)
    claimed = F.when(field.startswith(f"{expected.run_id}."), field)
    pattern = rf"\A(?:{RUN_ID_PATTERN})\.({NUMBER_PATTERN})\.({NUMBER_PATTERN})\z"
    numbers = [F.regexp_extract(claimed, pattern, group) for group in (1, 2)]
    generator, seq = (F.when(number != "", number).cast("long") for number in numbers)
    return [claimed.alias("claimed_id"), generator.alias("generator"), seq.alias("seq")]


def _text_of(name: str) -> Column:
    """The text of a field; of a malformed message, whose text may be none, nothing."""
    return F.when(F.col("whole"), F.try_variant_get("parsed", f'$[0]["{name}"]', "string"))


def _is_asked(asked: Mapping[int, int]) -> Column:
    """True where the id is one that a generator has asked for or may have; never null."""
    bounds = [F.lit(number) for pair in sorted(asked.items()) for number in pair]
    if not bounds:
        return F.lit(False)
    bound = F.try_element_at(F.create_map(*bounds), F.col("generator"))
    return F.coalesce(F.col("seq") < bound, F.lit(False))


def _kind(text: Column, run_id: str) -> Column:
    broken = ~F.col("whole")
    return (
        F.when(broken & text.contains(f"{run_id}."), Kind.GARBLED.value)
        .when(broken, Kind.MALFORMED.value)
        .when(F.col("asked"), Kind.CLAIMED.value)
        .when(F.col("claimed_id").isNotNull(), Kind.PHANTOM.value)
        .otherwise(Kind.FOREIGN.value)
    )


def _digests(shapes: Sequence[str]) -> Column:
    """One digest per shape: `headcount/digest.py` says how and why."""
    return F.array(*(F.xxhash64(_canonical(shape)) for shape in shapes)).cast("array<bigint>")


def _canonical(shape: str) -> Column:
    parts = [part for name in shape.split(",") if name for part in _canonical_field(name)]
    return F.concat(*parts) if parts else F.lit("")


def _canonical_field(name: str) -> list[Column]:
    value = F.to_json(F.try_variant_get("parsed", f'$[0]["{name}"]', "variant"))
    return [F.lit(f'"{name}":'), F.coalesce(_plain(value), F.lit(ABSENT)), F.lit(",")]


def _plain(value: Column) -> Column:
    """Write a number that was read with an exponent without one, as 12345678.5 for 1.23456785E7.

    Some languages write large and small numbers so, and Spark makes a double of each. One that has
    no plain form that is exact stays as it is, and equals nothing that was asked for.
    """
    is_number = ~value.startswith('"') & (value.contains("E") | value.endswith(".0"))
    types = {"-": ("decimal(38,30)",), "": ("decimal(38,18)", "decimal(38,0)")}
    exact = {
        sign: F.coalesce(*(value.try_cast(each).cast("string") for each in chosen))
        for sign, chosen in types.items()
    }
    decimal = F.when(value.rlike(_SMALL), exact["-"]).when(value.rlike(_LARGE), exact[""])
    plain = F.regexp_replace(decimal, r"\.0+$|(\.[0-9]*[1-9])0+$", "$1")
    return F.when(is_number, F.coalesce(plain, value)).otherwise(value)
