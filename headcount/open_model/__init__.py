"""The open model: requests start at a rate, whatever the service does. Independent of Locust."""
