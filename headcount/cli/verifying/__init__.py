"""Verifying a run: follows it, finds the end of its topic, and lets Spark reconcile."""
