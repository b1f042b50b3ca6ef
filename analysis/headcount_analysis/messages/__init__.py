"""Messages: their bytes, ids and content, and how they differ from the requests."""
