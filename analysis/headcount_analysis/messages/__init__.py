"""Messages: their bytes, the ids and the content in them, and how they differ."""
