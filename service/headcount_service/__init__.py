"""The game API: an HTTP service that turns each request into one event in a Kafka topic.

Like any other target, it imports nothing from the harness that tests it.
"""
