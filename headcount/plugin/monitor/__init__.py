"""Monitoring of the generators and the topic during a run."""
