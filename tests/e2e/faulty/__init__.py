"""The real service around a publisher that does one thing wrong, to one event."""
