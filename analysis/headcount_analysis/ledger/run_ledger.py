"""A run's ledger: finds and loads its files, each of which is read only once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from headcount.ledger.location import open_location
from headcount.ledger.reader import GeneratorLedger, Known, read_ledger
from headcount.run.folder import RunFolder
from headcount.run.manifest import Manifest
from headcount_analysis.ledger import overview
from headcount_analysis.ledger.overview import Ledger, Overview


@dataclass(slots=True)
class LedgerCache:
    """The files of a ledger that have been read; one that changes is read again."""

    files: Known = field(default_factory=Known)
    overview: Overview = field(default_factory=Overview)


def ledger_parts(
    folder: RunFolder, manifest: Manifest, cache: LedgerCache | None = None
) -> list[GeneratorLedger]:
    """List what each generator of a run has written. Raises OSError."""
    location = open_location(folder.ledger_location(manifest))
    return read_ledger(*location, manifest.tag, None if cache is None else cache.files)


def load_ledger(
    folder: RunFolder, manifest: Manifest, parts: Sequence[GeneratorLedger], cache: LedgerCache
) -> Ledger:
    """Load the overview of a run's ledger. Raises OSError."""
    return overview.load(folder.ledger_location(manifest), parts, folder.begun, cache.overview)
