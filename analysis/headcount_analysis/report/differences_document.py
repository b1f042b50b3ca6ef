"""The fields that differ in corrupted events, as a part of verdict.json."""

from typing import Any

from headcount_analysis.corrupted.counts import DifferingField, FieldCount, FieldSet
from headcount_analysis.corrupted.table import DifferenceSample
from headcount_analysis.report.model import Report

_MOST_VALUES = 20
_MOST_FIELDS = 500


def differences_document(report: Report) -> dict[str, Any]:
    """Return the counts by field and by set of fields, the most frequent first, and samples.

    The counts of all sets and `other_sets` add up to `corrupted`.
    """
    differences = report.differences
    counts = differences.counts
    fields = sorted(counts.fields.items(), key=lambda item: (-item[1].count, item[0]))
    return {
        "corrupted": differences.corrupted,
        "why_not": differences.why_not,
        "text": list(differences.sentences),
        "fields": [_field(*field, differences.corrupted) for field in fields[:_MOST_FIELDS]],
        "sets": [
            _set(
                key, count, [_sample(report, sample) for sample in differences.samples.get(key, ())]
            )
            for key, count in counts.most_frequent
        ],
        "other_sets": counts.beyond,
        "is_complete": counts.is_complete,
    }


def _field(name: DifferingField, count: FieldCount, corrupted: int) -> dict[str, Any]:
    values = sorted(count.values.items(), key=lambda item: (-item[1], str(item[0])))
    return {
        "event_type": name.event_type,
        "field": name.field,
        "kind": name.kind,
        "count": count.count,
        "share": count.count / corrupted,
        "sample": _values(*count.sample),
        "values": [{**_values(*pair), "count": times} for pair, times in values[:_MOST_VALUES]],
    }


def _values(asked: str | None, actual: str | None) -> dict[str, str | None]:
    return {"asked": asked, "found": actual}


def _set(key: FieldSet, count: int, samples: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "event_type": key.event_type,
        "fields": [{"field": name, "kind": kind} for name, kind in key.fields],
        "count": count,
        "samples": samples,
    }


def _sample(report: Report, sample: DifferenceSample) -> dict[str, Any]:
    return {
        "id": report.manifest.ids.text(sample.generator, sample.seq),
        "partition": sample.partition,
        "offset": sample.offset,
        "fields": [
            {
                "field": difference.field,
                "kind": str(difference.kind),
                **_values(difference.asked, difference.actual),
            }
            for difference in sample.differences
        ],
    }
