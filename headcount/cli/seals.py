"""Seals: whether a run has enough of a ledger to be judged."""

from headcount.ledger.location import open_location, unsealed
from headcount.run.folder import RunFolder


def has_seal(folder: RunFolder) -> bool:
    """Return whether at least one generator sealed a ledger, so that the run can be judged."""
    if not folder.manifest_path.is_file():
        return False
    location = open_location(folder.ledger_location(folder.read_manifest()))
    begun = folder.begun or ()
    return not set(begun).issubset(unsealed(*location, begun))
