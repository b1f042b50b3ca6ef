"""Spark, which schedules the work and moves it; Arrow computes."""
