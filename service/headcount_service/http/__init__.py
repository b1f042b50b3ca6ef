"""What the service's routes share: parameters, problems, deferred responses, OpenAPI."""
