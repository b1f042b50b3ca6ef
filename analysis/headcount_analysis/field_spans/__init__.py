"""Field spans: where fields are in the bytes of many messages, found in all of them together."""
