"""Damage to a ledger's files: an incomplete segment, another run's file, a wrong seal. Pure.

`analysis/headcount_analysis/ledger/row_damage.py` finds damage that only the rows show.
"""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from headcount.ledger.schema import COLUMNS_BY_FORMAT, Seal


def segment_damage(tag: str, generator: int, path: str, content: bytes) -> list[str]:
    """Return what is wrong with a segment: incomplete, another run's, another schema."""
    if not re.fullmatch(r"segment-\d{6,}\.parquet", path.rsplit("/", 1)[-1]):
        return [f"{path} is not a valid segment name"]
    try:
        schema = pq.read_schema(pa.BufferReader(content))
    except (pa.ArrowException, OSError):
        return [f"{path} is incomplete or damaged: it is not a valid Parquet file"]
    metadata = schema.metadata or {}
    if metadata.get(b"headcount.tag", metadata.get(b"headcount.run_id")) != tag.encode():
        return [f"{path} belongs to another run"]
    if schema.names != COLUMNS_BY_FORMAT.get(metadata.get(b"headcount.format", b"").decode()):
        return [
            f"{path} has a different format: generator {generator} ran another version of Headcount"
        ]
    return []


def seal_damage(
    tag: str, generator: int, folder: str, seal: Seal, segments: Sequence[str]
) -> list[str]:
    """Compare a generator's seal with its folder and with the names of its segments."""
    damage = []
    if (seal.tag, seal.generator) != (tag, generator):
        damage.append(f"{folder}/seal.json belongs to {seal.tag}.{seal.generator}")
    sealed = {segment.name for segment in seal.segments}
    damage += [f"{folder}/{name} is missing" for name in sorted(sealed - set(segments))]
    unsealed = sorted(set(segments) - sealed)
    damage += [f"{folder}/{name} is not in the seal" for name in unsealed]
    if sum(segment.rows for segment in seal.segments) != seal.attempted:
        damage.append(f"the numbers of rows and attempts in {folder}/seal.json differ")
    return damage
