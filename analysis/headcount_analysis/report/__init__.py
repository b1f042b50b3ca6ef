"""A run's report: one JSON document, tables for programs, and a page for people."""
