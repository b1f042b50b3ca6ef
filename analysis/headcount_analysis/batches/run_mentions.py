"""Run mentions: which messages may have an id of the run in their keys or headers."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from headcount.run.id_form import IdForm, RunIds
from headcount_analysis.arrow_types import Flags


def beside_values(messages: pa.RecordBatch, ids: RunIds) -> Flags:
    """Mark rows of `topic_range.MESSAGES` in whose key or headers an id of the run may begin."""
    is_one = _has(messages["key"], ids)
    headers = messages["headers"]
    values = headers.flatten().field("value")
    lengths = headers.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    owners = np.repeat(np.arange(len(headers)), lengths)
    is_one[owners[_has(values, ids)]] = True
    return is_one


def _has(texts: pa.Array, ids: RunIds) -> Flags:
    start = ids.prefix.removesuffix("-8")
    is_hex = ids.form is not IdForm.PLAIN
    begins = pc.match_substring(texts, start.encode(), ignore_case=is_hex)
    if is_hex:
        begins = pc.or_(begins, pc.match_substring(texts, bytes.fromhex(start.replace("-", ""))))
    flags: Flags = begins.fill_null(False).to_numpy(zero_copy_only=False).copy()
    return flags
