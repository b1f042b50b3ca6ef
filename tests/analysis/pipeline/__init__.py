"""Tests of the pipeline, from files to files."""
