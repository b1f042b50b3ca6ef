"""The warnings of kafka-python, which are errors in a project whose tests allow no warnings."""

import contextlib
import warnings
from collections.abc import Iterator


@contextlib.contextmanager
def without_kafka_warnings() -> Iterator[None]:
    """Ignore the warnings of Python 3.11 and 3.12 about how kafka-python reads its schemas."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "(open|read)_text is deprecated", DeprecationWarning)
        yield
