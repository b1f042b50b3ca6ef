"""Telemetry: a run as metrics, for Prometheus and for receivers of OpenTelemetry.

The modules here are pure: they define the metrics and compute their values. `export/` sends them.
"""
