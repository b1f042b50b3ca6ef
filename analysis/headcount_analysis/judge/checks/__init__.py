"""The checks: a module for each subject, with functions that yield its checks."""
