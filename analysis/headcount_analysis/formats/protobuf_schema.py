"""Protobuf schemas: turns what a registry has into descriptors of messages.

A registry has the text of a schema, and gives its descriptor in base64 as the form `serialized`;
clients may also register the descriptor itself. Where a registry has the text only, as Apicurio
does, it is compiled: the package grpcio-tools has the compiler.
"""

import base64
import binascii
import importlib
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from headcount.installation import remedy
from headcount_analysis.formats.framed_format import UnusableSchemaError
from headcount_analysis.formats.schema_registry import NamedSchema

_SERIALIZED: Final = "serialized"

_INSTALLED: Final = {
    "google/protobuf/": "",
    "google/type/": "",
    "confluent/": "confluent_kafka.schema_registry.",
}
"""Folders of schemas that every client knows, and where their modules are."""

_TEXT_NAME: Final = "schema.proto"
_COMPILER_TIMEOUT_S: Final = 60.0

Files = Mapping[str, FileDescriptorProto]


@dataclass(frozen=True, slots=True)
class ProtobufSchema:
    """A file of messages, in a pool with all that it imports."""

    file: FileDescriptorProto
    pool: DescriptorPool

    def message_at(self, path: Sequence[int]) -> Descriptor | None:
        """Return the message at a path of indexes, in the file and its messages; None if absent."""
        names, messages = [self.file.package] if self.file.package else [], self.file.message_type
        for index in path:
            if not 0 <= index < len(messages):
                return None
            names.append(messages[index].name)
            messages = messages[index].nested_type
        return self.pool.FindMessageTypeByName(".".join(names))


def load_schema(schema: NamedSchema) -> ProtobufSchema:
    """Make a schema usable. UnusableSchemaError or EvidenceError if that is impossible."""
    file, files = _described(schema)
    pool = DescriptorPool()
    try:
        _add(pool, file, files)
    except TypeError as error:  # what a pool raises for a file that contradicts itself
        raise UnusableSchemaError(str(error)) from None
    return ProtobufSchema(file, pool)


def _described(schema: NamedSchema) -> tuple[FileDescriptorProto, Files]:
    """Return the descriptor of a schema, and those of what it imports, by name."""
    if (file := _descriptor(schema.text)) is not None:  # a client registered a descriptor
        return file, _imported(schema.references())
    serialized = schema.in_form(_SERIALIZED)
    if serialized is not None and (file := _descriptor(serialized.text)) is not None:
        return file, _imported(schema.references(_SERIALIZED))
    files = _compiled(schema)
    return files[_TEXT_NAME], files


def _imported(texts: Iterable[tuple[str, str]]) -> Files:
    return {path: _named(_descriptor(text), path) for path, text in texts}


def _descriptor(text: str) -> FileDescriptorProto | None:
    """Return the descriptor of a serialized schema; None if it is something else."""
    try:
        return FileDescriptorProto.FromString(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, DecodeError):
        return None


def _named(file: FileDescriptorProto | None, path: str) -> FileDescriptorProto:
    """Give a file the name under which others import it."""
    if file is None:
        raise UnusableSchemaError(f"{path}, which it imports, is not a descriptor")
    file.name = path
    return file


def _add(pool: DescriptorPool, file: FileDescriptorProto, files: Files) -> None:
    """Add a file to a pool, after what it imports."""
    for path in file.dependency:
        try:
            pool.FindFileByName(path)
        except KeyError:
            _add(pool, files[path] if path in files else _installed(path), files)
    pool.AddSerializedFile(file.SerializeToString())


def _installed(path: str) -> FileDescriptorProto:
    """Return a file that comes with Protobuf, or with Confluent's client."""
    module = path.removesuffix(".proto").replace("/", ".") + "_pb2"
    for folder, package in _INSTALLED.items():
        if path.startswith(folder):
            try:
                descriptor = importlib.import_module(package + module).DESCRIPTOR
            except ImportError:
                break
            return FileDescriptorProto.FromString(descriptor.serialized_pb)
    raise UnusableSchemaError(f"{path}, which it imports, is not among its references")


def _compiled(schema: NamedSchema) -> Files:
    """Compile the text of a schema with all that it imports."""
    if importlib.util.find_spec("grpc_tools") is None:
        raise UnusableSchemaError(
            "the registry has only its source text, and the Protobuf compiler is missing: "
            f"{remedy('protobuf-text')}"
        )
    with tempfile.TemporaryDirectory(prefix="headcount-") as path:
        folder = Path(path)
        _write(folder, _TEXT_NAME, schema.text)
        for name, text in schema.references():
            _write(folder, name, text)
        output = folder / "descriptors"
        packages = Path(str(importlib.import_module("google.type.date_pb2").__file__)).parents[2]
        command = [sys.executable, "-m", "grpc_tools.protoc", f"--proto_path={folder}"]
        command += [f"--proto_path={packages}", "--include_imports"]
        command += [f"--descriptor_set_out={output}", _TEXT_NAME]
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=_COMPILER_TIMEOUT_S
        )
        if done.returncode != 0:
            raise UnusableSchemaError(done.stderr.strip().partition("\n")[0] or "protoc failed")
        files = FileDescriptorSet.FromString(output.read_bytes()).file
    return {file.name: file for file in files}


def _write(folder: Path, name: str, text: str) -> None:
    """Write a schema under the name by which others import it."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise UnusableSchemaError(
            f"it imports {name!r}, a path that leads out of the schema's folder"
        )
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
