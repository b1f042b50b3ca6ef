"""Fetches Java and every jar that a command may need into the cache: a step of an image's build.

`python -m headcount.stack.jvm.jars_fetch`. It imports few of the project's modules, so that the
jars of an image are fetched again only if one of these changes.
"""

import os
import sys

from headcount.console import Console
from headcount.errors import HeadcountError
from headcount.stack.cache import cache_folder
from headcount.stack.jvm.ivy import Fetcher
from headcount.stack.jvm.jars import fetched
from headcount.stack.jvm.jars_lock import BROKER, CONNECTOR, OBJECT_STORE
from headcount.stack.jvm.java import Java, find_java


def fetch_jars() -> Java:
    """Fetch the jars, and return the Java that runs them. Raises PartError."""
    console = Console()
    cache = cache_folder(os.environ)
    java = find_java(os.environ, cache, console.remark)
    fetched(Fetcher(java, cache, os.environ, console), BROKER, CONNECTOR, OBJECT_STORE)
    return java


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{fetch_jars().home}\n")
    except HeadcountError as error:
        sys.exit(f"headcount: {error}")
