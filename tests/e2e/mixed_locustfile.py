"""The mixed scenario; the run ends when every generator has made enough requests."""

from mixed import Player

from tests.headcount.plugin import ending  # noqa: F401 - adds a listener

__all__ = ["Player"]
