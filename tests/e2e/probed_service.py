"""A Flask service that knows nothing of Headcount; `headcount probe` finds out how it publishes.

Its topics are TOPIC and OTHER_TOPIC, its brokers BROKERS, its schema registry REGISTRY.
"""

import functools
import json
import os

from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.protobuf import ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from flask import Flask, request
from google.type import money_pb2
from kafka import KafkaProducer

TOPIC, OTHER_TOPIC = os.environ["TOPIC"], os.environ["OTHER_TOPIC"]

app = Flask(__name__)
producer = KafkaProducer(bootstrap_servers=os.environ["BROKERS"], acks="all")


def publish(topic: str, event: object) -> tuple[str, int]:
    """Publish an event, and respond once the broker has acknowledged it."""
    producer.send(topic, json.dumps(event).encode()).get(timeout=60)
    return "", 201


@app.post("/nested")
def place_nested() -> tuple[str, int]:
    """Publish the headers of the request beside the order."""
    return publish(TOPIC, {"headers": dict(request.headers), "order": request.get_json()})


@app.post("/money")
def pay_in_protobuf() -> tuple[str, int]:
    """Publish in Protobuf with a registered schema, and the request's id in a record header."""
    headers = [("x-request-id", request.headers["X-Request-Id"].encode())]
    context = SerializationContext(TOPIC, MessageField.VALUE)
    value = serializer()(money_pb2.Money(**request.get_json()), context)
    producer.send(TOPIC, value, headers=headers).get(timeout=60)
    return "", 201


@functools.cache
def serializer() -> ProtobufSerializer:
    """Return the serializer, which registers the schema when it is first used."""
    client = SchemaRegistryClient({"url": os.environ["REGISTRY"]})
    made: ProtobufSerializer = ProtobufSerializer(money_pb2.Money, client)
    return made


@app.post("/payments")
def pay() -> tuple[str, int]:
    """Publish to the other topic, with the correlation id only."""
    correlation = request.headers["X-Correlation-Id"]
    return publish(OTHER_TOPIC, {**request.get_json(), "correlation": correlation})


@app.post("/silent")
def place_silently() -> tuple[str, int]:
    """Publish the order alone."""
    return publish(TOPIC, request.get_json())
