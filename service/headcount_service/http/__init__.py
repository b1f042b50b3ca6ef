"""Shared by the service's routes: parameters, problems, deferred responses, OpenAPI."""
