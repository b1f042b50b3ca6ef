"""Telemetry: a run as metrics, for Prometheus and for receivers of OpenTelemetry.

The modules here are pure: which metrics there are, and what their values are. `export/` sends them.
"""
