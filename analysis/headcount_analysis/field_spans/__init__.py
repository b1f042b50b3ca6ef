"""Field spans: where fields stand in the bytes of many messages, found in all of them together."""
