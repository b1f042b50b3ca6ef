"""The players with state; the run ends after enough requests."""

from player_life import StatefulPlayer

from tests.headcount.plugin import ending  # noqa: F401 - adds a listener

__all__ = ["StatefulPlayer"]
