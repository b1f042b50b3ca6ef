"""The catalogue of encoders: by the name of their format."""

from collections.abc import Callable

import xxhash
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from headcount.errors import PartError, UsageError
from headcount.run.id_location import LocationKind
from headcount.run.message_format import RAW, FormatSettings
from headcount_analysis.selftest.encoders.cloudevents_encoder import CloudEventsEncoder
from headcount_analysis.selftest.encoders.debezium_encoder import DebeziumEncoder
from headcount_analysis.selftest.encoders.document_schema import (
    avro_schema,
    protobuf_file,
    protobuf_text,
)
from headcount_analysis.selftest.encoders.encoder import Document, Encoder, json_bytes
from headcount_analysis.selftest.encoders.framed_encoder import (
    AvroCodec,
    Codec,
    FramedEncoder,
    JsonSchemaCodec,
    ProtobufCodec,
)
from headcount_analysis.selftest.encoders.json_encoder import JsonEncoder
from headcount_analysis.selftest.encoders.raw_encoder import RawEncoder

FRAMED = ("avro", "protobuf", "json-schema")
"""The formats whose schema is registered."""

SUBJECT = "headcount-selftest"

_ANY_OBJECT = (
    '{"$schema": "http://json-schema.org/draft-07/schema#", "title": "Event", "type": "object"}'
)

Complete = Callable[[FramedEncoder], Document]
"""Makes a document with every field that a message can have, with its id in place."""


def encoder_of(settings: FormatSettings, kind: LocationKind, complete: Complete) -> Encoder:
    """Make the encoder of a format.

    Args:
        settings: The format.
        kind: Where messages carry ids.
        complete: Makes the document whose schema is registered, if the format has schemas.

    Raises:
        UsageError: The self-test cannot write the format.
        PartError: The registry does not take the schema.
    """
    match settings.name:
        case "json":
            return JsonEncoder(settings)
        case "cloudevents":
            return CloudEventsEncoder(settings)
        case "debezium":
            return DebeziumEncoder(settings, has_outbox=kind is not LocationKind.JSON)
        case name if name == RAW:
            return RawEncoder()
        case name if name in FRAMED:
            return _framed(settings, complete)
    names = ", ".join(("json", "cloudevents", "debezium", *FRAMED, RAW))
    raise UsageError(f"--format must be one of {names} in a self-test; got {settings.name!r}")


def _framed(settings: FormatSettings, complete: Complete) -> Encoder:
    if not settings.schema_registry:
        raise UsageError(f"--format {settings.name} registers a schema: add --schema-registry URL")
    prototype = complete(FramedEncoder(settings, JsonSchemaCodec(), 0))
    codec: Codec
    match settings.name:
        case "avro":
            codec = AvroCodec(prototype)
            schema = Schema(json_bytes(avro_schema(prototype)).decode(), "AVRO")
        case "protobuf":
            codec = ProtobufCodec(prototype)
            schema = Schema(protobuf_text(protobuf_file(prototype)), "PROTOBUF")
        case _:
            codec = JsonSchemaCodec()
            schema = Schema(_ANY_OBJECT, "JSON")
    return FramedEncoder(settings, codec, _registered(settings, schema, prototype))


def _registered(settings: FormatSettings, schema: Schema, prototype: Document) -> int:
    """Register a schema under a subject of its own, so that it need not fit any other."""
    subject = f"{SUBJECT}-{settings.name}-{xxhash.xxh32_hexdigest(json_bytes(prototype))}"
    client = SchemaRegistryClient({"url": settings.schema_registry})
    try:
        number: int = client.register_schema(subject, schema)
    except (SchemaRegistryError, OSError) as error:
        raise PartError(
            f"the schema registry {settings.schema_registry} rejects the self-test's schema: "
            f"{error}"
        ) from None
    finally:
        client.close()
    return number
