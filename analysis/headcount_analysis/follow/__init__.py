"""Follows a run that is still under way: fills a `RunCache`, so that its verdict comes sooner."""
