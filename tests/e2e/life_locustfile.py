"""The players' lives, whose run ends when enough requests are made."""

from player_life import StatefulPlayer

from tests.headcount.plugin import ending  # noqa: F401 - it listens

__all__ = ["StatefulPlayer"]
