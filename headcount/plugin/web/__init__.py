"""Pages in Locust's web UI: the Delivery tab, past runs, and their reports."""

from headcount.plugin.web.pages import add_pages

__all__ = ["add_pages"]
