"""An order service in FastAPI that adds the request's headers to the event, for its audit trail.

    python examples/fastapi/service.py PORT BOOTSTRAP_SERVERS TOPIC

FastAPI spells the names of headers in lowercase.
"""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, Request

PORT, BOOTSTRAP_SERVERS, TOPIC = sys.argv[1:]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the producer for as long as the service runs."""
    async with AIOKafkaProducer(
        bootstrap_servers=BOOTSTRAP_SERVERS, enable_idempotence=True
    ) as producer:
        app.state.producer = producer
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=201)
async def place_order(order: dict[str, Any], request: Request) -> None:
    """Publish an order, and respond once the broker has acknowledged it."""
    event = {**request.headers, "type": "order_placed", **order}
    await request.app.state.producer.send_and_wait(TOPIC, json.dumps(event).encode())


uvicorn.run(app, port=int(PORT), access_log=False)
