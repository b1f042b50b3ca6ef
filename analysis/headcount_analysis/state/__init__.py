"""The state of a service that has one: what scenario, topic and database say of it."""
