"""Whole runs whose messages have schemas: a ledger, and a topic that a service fills.

Halfway through, the service is deployed again, with the next version of its schema, which has one
more field, with a default.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from confluent_kafka.schema_registry import (
    ConfigCompatibilityLevel,
    Schema,
    SchemaRegistryClient,
    ServerConfig,
)
from headcount_analysis.selftest.encoders.document_schema import (
    avro_schema,
    protobuf_file,
    protobuf_text,
)
from headcount_analysis.selftest.encoders.framed_encoder import (
    AvroCodec,
    Codec,
    JsonSchemaCodec,
    ProtobufCodec,
)
from headcount_analysis.selftest.events import EventTemplate, samples

from bench.runs.generate import (
    GENERATORS,
    POOL,
    GeneratedEvent,
    RunBuilder,
    a_manifest,
    finish,
    producer,
)
from headcount.run.folder import RunFolder
from headcount.run.id_location import IdLocation, LocationKind
from headcount.run.manifest import Generators

ID_FIELD = "x_event_id"
FIELDS = {
    **dict.fromkeys((ID_FIELD, "event_type", "player_id", "metal", "guild"), "text"),
    "quantity": 1,
}
NEW_FIELD = "coupon"
BACKWARD = ServerConfig(compatibility=ConfigCompatibilityLevel.BACKWARD)
UNKNOWN = (1 << 31) - 1
"""The number of a schema that no registry has."""

Document = Mapping[str, object]


def _json_schema(prototype: Document) -> str:
    properties: dict[str, object] = {
        name: {"type": "integer" if isinstance(value, int) else "string"}
        for name, value in prototype.items()
    }
    if NEW_FIELD in properties:
        properties[NEW_FIELD] = {"type": "string", "default": "none"}
    return json.dumps(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "title": "Event",
            "type": "object",
            "properties": properties,
            "additionalProperties": False,  # otherwise a new field narrows what was valid
        }
    )


FORMATS: Mapping[str, tuple[str, Callable[[Document], str], Callable[[Document], Codec]]] = {
    "avro": ("AVRO", lambda prototype: json.dumps(avro_schema(prototype)), AvroCodec),
    "protobuf": (
        "PROTOBUF",
        lambda prototype: protobuf_text(protobuf_file(prototype)),
        ProtobufCodec,
    ),
    "json-schema": ("JSON", _json_schema, lambda _: JsonSchemaCodec()),
}
"""For each format, the kind of its schemas, and what makes a schema and a codec."""


@dataclass(slots=True)
class EvolvingService:
    """Writes events with the first version of a schema, and with the second from a number on.

    A version is registered when it is first used. Messages with the numbers in `lost_schemas` name
    a schema that the registry does not have.
    """

    format_name: str
    registry: str
    subject: str
    evolves_at: int
    lost_schemas: frozenset[int] = frozenset()
    versions: list[tuple[int, Codec]] = field(default_factory=list)

    def value(self, document: Document, number: int) -> bytes:
        """Write a message."""
        is_new = number >= self.evolves_at
        while len(self.versions) <= is_new:
            self.versions.append(self._registered())
        schema_id, codec = self.versions[is_new]
        if is_new and number % 2:
            document = {**document, NEW_FIELD: f"spring-{number}"}
        schema_id = UNKNOWN if number in self.lost_schemas else schema_id
        return b"\0" + schema_id.to_bytes(4) + codec.payload(document)

    def _registered(self) -> tuple[int, Codec]:
        """Register the next version, which must be compatible; return its number and its codec."""
        prototype: Document = {**FIELDS, NEW_FIELD: "text"} if self.versions else FIELDS
        kind, schema_of, codec_of = FORMATS[self.format_name]
        with SchemaRegistryClient({"url": self.registry}) as client:
            client.set_config(self.subject, BACKWARD)
            number: int = client.register_schema(self.subject, Schema(schema_of(prototype), kind))
        return number, codec_of(prototype)


@dataclass(frozen=True, slots=True)
class ServiceEvent(GeneratedEvent):
    """An event that a service writes."""

    fields: Document
    service: EvolvingService

    def value(self, event_id: bytes, number: int) -> bytes:
        """Write the event with an id."""
        return self.service.value({ID_FIELD: event_id.decode(), **self.fields}, number)


def a_run(path: Path, servers: str, topic: str, events: int, service: EvolvingService) -> None:
    """Write a run of `events` acknowledged events, and publish them as the service does."""
    folder = RunFolder(path)
    folder.create()
    manifest = replace(
        a_manifest(folder, servers, topic),
        message_format=service.format_name,
        schema_registry=service.registry,
        id_at=str(IdLocation(LocationKind.FIELD, ID_FIELD)),
    )
    folder.write_manifest(manifest)
    folder.write_generators(Generators(tuple(range(GENERATORS))))
    templates = [_event(sample, service) for sample in samples()]
    repeated: list[GeneratedEvent] = [templates[number % len(templates)] for number in range(POOL)]
    builder = RunBuilder(producer(servers), topic, manifest.tag, events, frozenset(), repeated)
    finish(builder, folder, manifest)


def _event(sample: EventTemplate, service: EvolvingService) -> ServiceEvent:
    description = sample.description
    key = None if sample.key is None else sample.key.decode()
    own = (sample.event_type, description.shape, description.digest, key, b"", b"")
    return ServiceEvent(*own, sample.fields, service)
