"""Named fields: whether the verifier names exactly the fields that were altered."""

from collections.abc import Iterator, Mapping

import pyarrow.dataset as ds

from headcount_analysis.corrupted.summary import Differences
from headcount_analysis.selftest.alterations import FieldKinds
from headcount_analysis.selftest.plan import AttemptId

MOST_PROBLEMS = 5


def misnamed(altered: Mapping[AttemptId, FieldKinds], differences: Differences) -> tuple[str, ...]:
    """Describe a few of the attempts whose altered fields the verifier named wrongly."""
    named = dict(_named(differences))
    problems = [
        f"{generator}.{seq}: altered {_listed(altered.get((generator, seq)))}, "
        f"named {_listed(named.get((generator, seq)))}"
        for generator, seq in sorted(altered.keys() | named.keys())
        if altered.get((generator, seq)) != named.get((generator, seq))
    ]
    counted = sum(differences.counts.sets.values())
    if counted != len(altered):
        problems.append(
            f"the sets of fields add up to {counted} events, but {len(altered)} were altered"
        )
    return tuple(problems[:MOST_PROBLEMS])


def _named(differences: Differences) -> Iterator[tuple[AttemptId, FieldKinds]]:
    """Read which fields, and kinds of differences, the verifier named for each corrupted event."""
    if differences.table is None:
        return
    dataset = ds.dataset(differences.table, format="parquet")
    for batch in dataset.to_batches(columns=["generator", "seq", "fields", "kinds"]):
        for row in batch.to_pylist():
            fields = frozenset(zip(row["fields"], row["kinds"], strict=True))
            yield (row["generator"], row["seq"]), fields


def _listed(fields: FieldKinds | None) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in sorted(fields or ())) or "nothing"
