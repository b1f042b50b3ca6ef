"""Values that JSON lacks, as JSON values; docs/formats.md declares the rules."""

import base64

import numpy as np


def base64_text(content: bytes) -> str:
    """Return bytes as base64 text with padding, in the standard alphabet."""
    return base64.b64encode(content).decode()


def shortest_double(number: float) -> float:
    """Return the double with the shortest text that denotes a 32-bit float: 0.1 for 0.1f."""
    return float(str(np.float32(number)))
