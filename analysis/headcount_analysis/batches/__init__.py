"""Batches: the messages of a batch become rows of kinds, ids, keys and digests."""
