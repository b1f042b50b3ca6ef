"""Corrupted events: names the fields in which each one differs from its request.

Nothing is done if no event is corrupted. Otherwise executors take three steps; no message and no
request passes through the driver, and each step works on a bounded part of the run:

1. `copies.py`, block by block: lists the messages that differ from their request, with the
   request's content from the ledger.
2. `message_differences.py`, split by split: reads the parts of the topic that hold such messages
   again, and compares each of them with its request, field by field.
3. `event_differences.py`, block by block: joins the differences of all copies of an event, writes
   `differences.parquet` (`table.py`), and counts (`counts.py`).
"""
