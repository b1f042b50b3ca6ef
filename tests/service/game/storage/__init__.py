"""Tests of headcount_service.game.storage."""
