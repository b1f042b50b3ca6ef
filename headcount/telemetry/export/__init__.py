"""Export: sends a run's metrics to Prometheus and to receivers of OpenTelemetry."""
