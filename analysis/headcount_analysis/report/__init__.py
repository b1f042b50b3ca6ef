"""A run's report: a JSON document and tables for programs, and a page for people."""
