"""Exposed files: other users can read them, and they hold a secret of the settings."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from headcount.kafka_settings.secret_references import files_of, providers

_NAMES = ("ssl.key.location", "ssl.keystore.location")
_KEYS = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END|\Z)", re.DOTALL)
_ENCRYPTED = b"ENCRYPTED"
"""Marks an encrypted key in PEM: in its first line, or in its header Proc-Type."""


def is_exposed(path: Path) -> bool:
    """Return whether it is a file that users other than its owner can read."""
    try:
        mode = path.stat().st_mode
    except OSError:  # errors are reported where it is read
        return False
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def exposed_files(values: Mapping[str, str]) -> list[Path]:
    """Return the exposed files that settings name.

    They hold a key without a password, or a value that a setting takes from them by a reference
    such as `${directory:FOLDER:FILE}`. Other users' files are left out: their owners must protect
    them, as Kubernetes does.
    """
    kinds = providers(values)
    keys = (Path(values[name]) for name in _NAMES if name in values)
    references = (path for value in values.values() for path in files_of(value, kinds))
    return sorted(set(_own(filter(_holds_key, keys))) | set(_own(references)))


def _own(paths: Iterable[Path]) -> Iterator[Path]:
    return (path for path in paths if is_exposed(path) and path.stat().st_uid == os.getuid())


def _holds_key(path: Path) -> bool:
    """Return whether a file has a key without a password."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    return any(_ENCRYPTED not in key for key in _KEYS.findall(content))
