"""The open model: requests begin at a rate, whatever the service does. Without Locust."""
