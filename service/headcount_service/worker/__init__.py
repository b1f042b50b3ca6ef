"""Gunicorn's worker for the service."""
