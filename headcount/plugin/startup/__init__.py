"""Startup: what the master and the generators do before the first request."""
