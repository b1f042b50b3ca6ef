"""Probes: from the messages that a few requests caused to the options that fit a service. Pure."""
