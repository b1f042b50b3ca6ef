"""The state of a stateful service, according to scenario, topic and database."""
