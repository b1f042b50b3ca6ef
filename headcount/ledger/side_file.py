"""Side files: small JSON files that a generator rewrites beside its rows; not evidence."""

import json
from dataclasses import dataclass
from typing import Generic, TypeVar

import pyarrow as pa
import pyarrow.fs as pafs
from pydantic import TypeAdapter, ValidationError

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class SideFile(Generic[Content]):
    """The name of a side file, and the type of its content.

    Only the first `largest` bytes of a file are read: one that is larger is taken for damaged.
    """

    name: str
    adapter: TypeAdapter[Content]
    largest: int = 1 << 20

    def read(self, filesystem: pafs.FileSystem, location: str, generator: int) -> Content | None:
        """Read a generator's file from a ledger; None if it is missing or damaged."""
        try:
            with filesystem.open_input_stream(f"{location}/{generator}/{self.name}") as stream:
                return self.adapter.validate_json(bytes(stream.read(self.largest)))
        except (OSError, pa.ArrowException, ValidationError):
            return None

    def dump(self, content: Content) -> bytes:
        """Return what the file holds, in ASCII."""
        return json.dumps(self.adapter.dump_python(content, mode="json")).encode()
