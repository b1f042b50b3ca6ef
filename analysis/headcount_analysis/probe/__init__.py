"""Probes: find the options that fit a service, from the messages of a few requests. Pure."""
