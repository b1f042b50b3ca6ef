"""The folder of runs: whether this process can write to it, and if not, why."""

import os
from collections.abc import Mapping
from pathlib import Path

from headcount.compose import ownership_remedy, shown_path


def why_not_writable(folder: Path, environ: Mapping[str, str]) -> str:
    """Say why no run can be stored in a folder, which need not exist yet; empty if one can."""
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if existing.is_dir() and os.access(existing, os.W_OK | os.X_OK):
        return ""
    return f"{_state(existing, shown_path(existing, environ))}: {ownership_remedy(environ)}"


def _state(path: Path, shown: Path) -> str:
    if not path.is_dir():
        return f"{shown} is not a folder"
    status = path.stat()
    owner, user = f"{status.st_uid}:{status.st_gid}", f"{os.geteuid()}:{os.getegid()}"
    return f"{shown} belongs to {owner}, and user {user} cannot write to it"
