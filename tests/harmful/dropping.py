"""Runs a program whose kafka-python producer drops one record, and acknowledges it all the same.

    python tests/harmful/dropping.py PROGRAM ARGUMENTS…

DROP is the number of the record, counted from 0, and at least 1. Its headers go to stdout.
"""

import itertools
import os
import runpy
import sys
from typing import Any

from kafka import KafkaProducer
from kafka.producer.future import FutureRecordMetadata

_send = KafkaProducer.send
_numbers = itertools.count()
_futures: list[FutureRecordMetadata] = []


def send_or_drop(producer: KafkaProducer, *arguments: Any, **options: Any) -> FutureRecordMetadata:
    """Send a record as the producer would, unless it is the one to drop."""
    if next(_numbers) != int(os.environ["DROP"]):
        _futures.append(_send(producer, *arguments, **options))
        return _futures[-1]
    sys.stdout.write(f"dropped {options['headers']}\n")
    sys.stdout.flush()
    return _futures[0]


KafkaProducer.send = send_or_drop
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
