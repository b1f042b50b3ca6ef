"""The game's events in the topic, as tables to filter, export and aggregate."""
