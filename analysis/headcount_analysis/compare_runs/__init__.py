"""Compares runs side by side: what changed, what is noise, and what is undecided.

Reads the folders of verified runs; needs neither Spark nor a broker.
"""
