"""Claims: what messages say of themselves that only the ledger can confirm.

A message that is read while the run is under way is read by what the ledger says by then. Its
claims tell whether it would be read in the same way by what the ledger says later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run import ids
from headcount_analysis.messages.kinds import Kind

MOST_TYPES = 1000


@dataclass(frozen=True, slots=True)
class Claims:
    """The numbers that messages claim, by generator, and the event types of others' messages.

    `last` are the greatest numbers of events that had been asked for; `unasked` the least of those
    that had not. `foreign_types` is None where there are more than MOST_TYPES.
    """

    last: Mapping[int, int] = field(default_factory=dict)
    unasked: Mapping[int, int] = field(default_factory=dict)
    foreign_types: frozenset[str] | None = frozenset()


def claims(arrivals: pa.Table) -> Claims:
    """Gather the claims of messages, of `content.ARRIVALS`."""
    claimed = arrivals.select(["generator", "seq"]).filter(arrivals["seq"].is_valid())
    generators, numbers = claimed["generator"].to_numpy(), claimed["seq"].to_numpy()
    last = {int(each): int(numbers[generators == each].max()) for each in np.unique(generators)}
    phantoms = arrivals["claimed_id"].drop_null()
    unasked: dict[int, int] = {}
    for told in filter(None, map(ids.parse, phantoms.to_pylist())):
        unasked[told.generator] = min(told.seq, unasked.get(told.generator, told.seq))
    kinds = arrivals["kind"].cast(pa.string())
    foreign = arrivals["event_type"].filter(pc.equal(kinds, Kind.FOREIGN.value))
    types = frozenset(filter(None, pc.unique(foreign.cast(pa.string())).to_pylist()))
    return Claims(last, unasked, _bounded(types))


def merged_claims(parts: Sequence[Claims]) -> Claims:
    """Put together what was gathered apart."""
    last: dict[int, int] = {}
    unasked: dict[int, int] = {}
    types: frozenset[str] | None = frozenset()
    for part in parts:
        for generator, number in part.last.items():
            last[generator] = max(number, last.get(generator, number))
        for generator, number in part.unasked.items():
            unasked[generator] = min(number, unasked.get(generator, number))
        if types is not None:
            types = None if part.foreign_types is None else _bounded(types | part.foreign_types)
    return Claims(last, unasked, types)


def _bounded(types: frozenset[str]) -> frozenset[str] | None:
    return types if len(types) <= MOST_TYPES else None
