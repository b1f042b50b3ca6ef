"""Id places: where in a message the id of its request is, one kind per file."""
