"""The real service with misbehaving publishers: for single events, or for a while."""
