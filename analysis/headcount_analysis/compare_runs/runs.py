"""Runs to compare: reads and validates the folder of a verified run.

A folder may come from anywhere, so its files are bounded in size, symbolic links are not followed,
and their content is validated and treated as plain data.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic import ValidationError as Invalid
from pydantic.dataclasses import dataclass as validated

from headcount.errors import EvidenceError, UsageError
from headcount.files import open_own
from headcount.ledger.event_types import TOTAL
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount.run.verdict import (
    DOCUMENT_FORMAT,
    MOST_BYTES,
    Check,
    Label,
    StoredThreshold,
    Verdict,
    label_in,
)

_MOST_TYPES = 1000
_MOST_LETTERS = 1000

_File = TypeVar("_File")
_Text = Annotated[str, Field(max_length=_MOST_LETTERS)]
_Counts = dict[_Text, Annotated[int, Field(ge=0, lt=2**63)]]
# A time or duration of more than 1e13 ms (317 years) is a sign of damage, and would overflow.
_Number = Annotated[float, Field(ge=-1e13, le=1e13)]
_Cell = Annotated[_Number | None, BeforeValidator(lambda cell: cell or None)]


@validated(frozen=True, slots=True)
class LatencyRow:
    """One measure of one event type, in ms; `percentiles` maps quantiles, as text, to durations."""

    event_type: _Text
    measure: _Text
    min_ms: _Number
    mean_ms: _Number
    max_ms: _Number
    percentiles: Annotated[dict[_Text, _Number], Field(max_length=100)]

    def __post_init__(self) -> None:
        """Check that quantiles are numbers from 0 to 1."""
        for text in self.percentiles:
            if not 0 <= float(text) <= 1:
                raise ValueError(f"a quantile must be from 0 to 1, got {text!r}")


@validated(frozen=True, slots=True)
class StoredGenerator:
    """A generator's ledger: how many of its reserved ids have no row."""

    without_row: Annotated[int, Field(ge=0, lt=2**63)] = 0


@validated(frozen=True, slots=True)
class StoredLedger:
    """The ledger of a run, as far as it is compared."""

    generators: Annotated[tuple[StoredGenerator, ...], Field(max_length=100_000)] = ()


@validated(frozen=True, slots=True)
class Document:
    """The part of `verdict.json` that is compared.

    `counts` is None if nothing could be counted. `span_s` is the time from the first request to the
    last response, None if an older headcount wrote the file; `span_error_s` is by how much it may
    be wrong, None if that is unknown.
    """

    run_id: _Text
    verdict: Verdict
    counts: _Counts | None
    by_event_type: Annotated[dict[_Text, _Counts], Field(max_length=_MOST_TYPES)]
    latency_ms: Annotated[list[LatencyRow], Field(max_length=8 * _MOST_TYPES)]
    scenario: _Text
    host: _Text
    promise: _Text
    created_at: _Text
    timestamps: list[_Text]
    options: Annotated[dict[_Text, Any], Field(max_length=_MOST_TYPES)]
    limits: Annotated[dict[_Text, int | None], Field(max_length=_MOST_TYPES)]
    versions: Annotated[dict[_Text, _Text], Field(max_length=_MOST_TYPES)]
    topic: _Text = ""
    span_s: _Number | None = None
    span_error_s: _Number | None = 0.0
    ledger: StoredLedger | None = None
    thresholds: Annotated[list[StoredThreshold], Field(max_length=_MOST_TYPES)] = field(
        default_factory=list
    )
    checks: Annotated[list[Check], Field(max_length=10 * _MOST_TYPES)] = field(default_factory=list)

    @property
    def rowless(self) -> int:
        """The number of reserved ids without a row; whether they were used is unknown."""
        generators = () if self.ledger is None else self.ledger.generators
        return sum(generator.without_row for generator in generators)

    @property
    def label(self) -> Label:
        """The label of the run."""
        return label_in(self.verdict, self.checks, self.thresholds)


@validated(frozen=True, slots=True)
class OverTimeRow:
    """A row of `over_time.csv`: rates per second and durations in ms, None if not measured."""

    elapsed_s: _Number
    width_s: _Number
    acked: _Cell = None
    http_p50_ms: _Cell = None
    http_p99_ms: _Cell = None
    end_to_end_p99_ms: _Cell = None


@validated(frozen=True, slots=True)
class PercentileRow:
    """A row of `percentiles.csv`: the share `quantile` of the durations is `ms` or less."""

    event_type: _Text
    measure: _Text
    quantile: Annotated[float, Field(ge=0, le=1)]
    ms: _Number


@dataclass(frozen=True, slots=True)
class VerifiedRun:
    """A verified run; slices and quantiles (over all event types) are None without their file."""

    path: Path
    manifest: Manifest
    document: Document
    slices: tuple[OverTimeRow, ...] | None = None
    quantiles: tuple[PercentileRow, ...] | None = None

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.manifest.run_id


@dataclass(frozen=True, slots=True)
class Side:
    """Repeated runs under the same conditions, at least one, and their common name."""

    name: str
    runs: tuple[VerifiedRun, ...]

    def __str__(self) -> str:
        """Format the name and the ids of the runs."""
        return f"{self.name} ({', '.join(run.run_id for run in self.runs)})"


def read_run(folder: RunFolder) -> VerifiedRun:
    """Read a run.

    Raises:
        UsageError: The folder is not a run, or the run is not verified yet.
        EvidenceError: A file is damaged.
    """
    manifest = folder.read_manifest()
    document = _document(folder.path)
    if document.run_id != manifest.run_id:
        path = folder.path / "verdict.json"
        raise EvidenceError(f"{path} belongs to run {document.run_id!r}, not to this run")
    slices = _table(folder.path / "over_time.csv", OverTimeRow)
    quantiles = _table(folder.path / "percentiles.csv", PercentileRow)
    of_all = None if quantiles is None else (row for row in quantiles if row.event_type == TOTAL)
    return VerifiedRun(
        path=folder.path.resolve(),
        manifest=manifest,
        document=document,
        slices=None if slices is None else tuple(slices),
        quantiles=None if of_all is None else tuple(of_all),
    )


def sides_of(groups: Iterable[Iterable[VerifiedRun]]) -> tuple[Side, ...]:
    """Name the sides, the base first. Raises UsageError if a run occurs twice."""
    runs_by_side = [tuple(group) for group in groups]
    seen: set[object] = set()
    for run in (run for group in runs_by_side for run in group):
        # A copy elsewhere is the same run; but different runs can have the same id.
        identity = (run.run_id, run.document.created_at, run.manifest.cluster_id)
        if identity in seen:
            raise UsageError(f"the run {run.run_id} is named twice: name each run once")
        seen.add(identity)
    others = len(runs_by_side) - 1
    names = ["run"] if others == 1 else [f"run {number}" for number in range(1, others + 1)]
    sides = zip(["base", *names], runs_by_side, strict=True)
    return tuple(Side(name, runs) for name, runs in sides)


def _document(folder: Path) -> Document:
    path = folder / "verdict.json"
    if not path.is_file():
        raise UsageError(f"{folder} is not verified yet: headcount verify {folder}")
    return parse_document(path, _content(path))


def parse_document(path: Path, content: str) -> Document:
    """Validate the content of a `verdict.json`. EvidenceError names its path."""
    head = _validated(dict[str, Any], path, content)
    if head.get("format") != DOCUMENT_FORMAT:
        raise EvidenceError(
            f"{path} has format {head.get('format')!r}, and only {DOCUMENT_FORMAT} can be read: "
            f"headcount verify {path.parent}"
        )
    return _validated(Document, path, content)


def _table(path: Path, kind: type[_File]) -> list[_File] | None:
    """Read a CSV file; None if it does not exist."""
    if not path.is_file():
        return None
    try:
        rows: list[Mapping[str, str]] = list(csv.DictReader(io.StringIO(_content(path))))
        return TypeAdapter(list[kind]).validate_python(rows)  # type: ignore[valid-type]
    except Invalid as error:
        raise EvidenceError(_damage(path, error)) from None
    except csv.Error as error:
        raise EvidenceError(f"{path} is damaged: {error}") from None


def _validated(kind: type[_File], path: Path, content: str) -> _File:
    try:
        return TypeAdapter(kind).validate_json(content)
    except Invalid as error:
        raise EvidenceError(_damage(path, error)) from None


def _content(path: Path) -> str:
    """Read a file within bounds. Raises EvidenceError, which says what is wrong with it."""
    try:
        with open_own(path.parent.resolve(), path.name) as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise EvidenceError(f"{path} has more than {MOST_BYTES:,} bytes, the maximum")
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{path} cannot be read: {error}") from None


def _damage(path: Path, error: Invalid) -> str:
    first = error.errors()[0]
    where = ".".join(str(part)[:100] for part in first["loc"])
    problem = f"{where or 'all of it'}: {first['msg']}"
    return f"{path} is damaged: {problem}; verify the run again with headcount verify"
