"""Shares as text."""


def percent(share: float) -> str:
    """Format a share to two digits; less than all is not rounded up to 100 %."""
    if share >= 1:
        return "100 %"
    return f"{min(100 * share, 99):.2g} %" if share >= 0.001 else "less than 0.1 %"  # noqa: PLR2004
