"""JSON Schema in Confluent's framing: JSON that must be valid against the schema that it names."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from jsonschema import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import validator_for
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from headcount.ledger.canonical_json import pointer
from headcount_analysis.arrow_types import Integers
from headcount_analysis.field_spans.byte_rows import ByteRows, ByteSpan
from headcount_analysis.field_spans.json_spans import Field, json_span
from headcount_analysis.formats.framed_format import (
    FramedFormat,
    Payload,
    PayloadReader,
    UnusableSchemaError,
)
from headcount_analysis.formats.free_properties import free_properties
from headcount_analysis.formats.message_format import IdText
from headcount_analysis.formats.schema_registry import NamedSchema
from headcount_analysis.messages.json_message import ParsedMessage, parse

_LONGEST = 100


class JsonSchemaFormat(FramedFormat):
    """Messages in JSON, each with a schema."""

    name: ClassVar[str] = "json-schema"
    schema_type: ClassVar[str] = "JSON"
    id_text = IdText.CHECKED_JSON

    def reader_of(self, schema: NamedSchema) -> PayloadReader:
        """Make the reader of a schema. It may refer only to what the registry lists."""
        try:
            definition = json.loads(schema.text)
            resources = [
                (path, Resource.from_contents(json.loads(text), DRAFT202012))
                for path, text in schema.references()
            ]
            kind = validator_for(definition)
            kind.check_schema(definition)
            known: Registry[Any] = Registry().with_resources(resources)
            return _ValidReader(kind(definition, registry=known))
        except (SchemaError, ValueError) as error:
            raise UnusableSchemaError(str(error).partition("\n")[0]) from None


class _ValidReader:
    """Reads the payloads of one schema."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self._free = free_properties(validator)

    def read(self, payload: Payload) -> ParsedMessage:
        """Read a payload, and validate it."""
        content = payload.stream.read()
        parsed = parse(content)
        if parsed.event is None:
            return parsed
        try:
            # Parsed anew, with doubles: `multipleOf` and other keywords do not take a Decimal.
            error = next(self._validator.iter_errors(json.loads(content)), None)
        except Unresolvable as unresolvable:
            raise UnusableSchemaError(f"it refers to {unresolvable.ref}") from None
        if error is not None:
            place = pointer(tuple(error.absolute_path))[:_LONGEST] or "the message"
            return ParsedMessage(defect=f"{place} breaks `{error.validator}` of its schema")
        return parsed

    def field_spans(
        self, texts: ByteRows, start: Integers, fields: Sequence[Field]
    ) -> Mapping[str, ByteSpan]:
        """Find fields of the payloads whose values cannot make a message invalid."""
        spans = {}
        for field in fields:
            with_fractions = self._free.allows_fractions(field.name)
            if with_fractions is not None:
                span = json_span(texts, field, with_fractions=with_fractions)
                spans[field.name] = replace(span, is_one=span.is_one & (start >= 0))
        return spans
