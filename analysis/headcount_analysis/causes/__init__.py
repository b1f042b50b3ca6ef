"""Causes: what sets the exceptions apart from the rest of a run, as a hint at why they happened."""
