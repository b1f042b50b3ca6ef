"""Tests of the first files of a project."""
