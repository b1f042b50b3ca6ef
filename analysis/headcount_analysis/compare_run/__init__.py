"""Compares what a run asked for with what is in the topic: every attempt gets a class and flags."""
