"""The game API: an HTTP service that turns each request into one event in a Kafka topic.

It stands alone: it imports nothing of the harness that tests it, as any other target would not.
"""
