"""The real service around publishers that do wrong, to one event or for a while."""
