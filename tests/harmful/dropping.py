"""Runs a program whose kafka-python producer drops one record, and acknowledges it all the same.

    python tests/harmful/dropping.py PROGRAM ARGUMENTS…

DROP is the number of the record, counted from 1. Its headers are written to the standard output.
"""

import itertools
import os
import runpy
import sys
from typing import Any

from kafka import KafkaProducer
from kafka.future import Future

_send = KafkaProducer.send
_numbers = itertools.count(1)


def send_or_drop(producer: KafkaProducer, *arguments: Any, **options: Any) -> Future:
    """Send a record as the producer would, unless it is the one to drop."""
    if next(_numbers) != int(os.environ["DROP"]):
        return _send(producer, *arguments, **options)
    sys.stdout.write(f"dropped {options['headers']}\n")
    sys.stdout.flush()
    return Future().success(None)


KafkaProducer.send = send_or_drop
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
