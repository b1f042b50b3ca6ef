"""The mixed scenario, whose run ends when every generator has made enough requests."""

from mixed import Player

from tests.headcount.plugin import ending  # noqa: F401 - it listens

__all__ = ["Player"]
