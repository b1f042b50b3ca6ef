"""The game in the topic: its events as tables, to be filtered, exported and counted."""
