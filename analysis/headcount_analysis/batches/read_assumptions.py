"""Read assumptions: assumptions about messages that only the final ledger can confirm.

While the run is under way, a message is read with the state that the ledger has at that time. The
assumptions show whether the later ledger would give the same result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.id_form import RunIds
from headcount_analysis.messages.kinds import MessageKind

MOST_TYPES = 1000


@dataclass(frozen=True, slots=True)
class ReadAssumptions:
    """The sequence numbers that messages claim, and the event types of foreign messages.

    By generator, `last` is the greatest number that counted as requested, and `unasked` the least
    one that did not. `foreign_types` is None if there are more than MOST_TYPES.
    """

    last: Mapping[int, int] = field(default_factory=dict)
    unasked: Mapping[int, int] = field(default_factory=dict)
    foreign_types: frozenset[str] | None = frozenset()


def read_assumptions(arrivals: pa.Table, ids: RunIds) -> ReadAssumptions:
    """Collect the assumptions behind rows of `kinds.ARRIVALS`, read for a run's ids."""
    claimed = arrivals.select(["generator", "seq"]).filter(arrivals["seq"].is_valid())
    generators, seqs = claimed["generator"].to_numpy(), claimed["seq"].to_numpy()
    last = {
        int(generator): int(seqs[generators == generator].max())
        for generator in np.unique(generators)
    }
    phantoms = arrivals["claimed_id"].drop_null()
    unasked: dict[int, int] = {}
    for event_id in filter(None, map(ids.parse, phantoms.to_pylist())):
        known = unasked.get(event_id.generator, event_id.seq)
        unasked[event_id.generator] = min(event_id.seq, known)
    kinds = arrivals["kind"].cast(pa.string())
    foreign = arrivals["event_type"].filter(pc.equal(kinds, MessageKind.FOREIGN.value))
    types = frozenset(filter(None, pc.unique(foreign.cast(pa.string())).to_pylist()))
    return ReadAssumptions(last, unasked, _bounded(types))


def merged_assumptions(parts: Sequence[ReadAssumptions]) -> ReadAssumptions:
    """Merge the assumptions of several batches."""
    last: dict[int, int] = {}
    unasked: dict[int, int] = {}
    types: frozenset[str] | None = frozenset()
    for part in parts:
        for generator, seq in part.last.items():
            last[generator] = max(seq, last.get(generator, seq))
        for generator, seq in part.unasked.items():
            unasked[generator] = min(seq, unasked.get(generator, seq))
        if types is not None:
            types = None if part.foreign_types is None else _bounded(types | part.foreign_types)
    return ReadAssumptions(last, unasked, types)


def _bounded(types: frozenset[str]) -> frozenset[str] | None:
    return types if len(types) <= MOST_TYPES else None
