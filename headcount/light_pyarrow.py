"""Loads pyarrow without pandas, for generators, which only write ledgers.

Pyarrow's first conversion of values imports pandas if it is installed, which costs a generator a
third of a second and 35 MB. Importing this module makes that first conversion while
pandas cannot be found. Pandas can be imported and used with pyarrow afterwards, with one exception:
`pyarrow.array` reads NaN in a pandas object as null only if called with `from_pandas=True`.
"""

import sys

import pyarrow as pa


class _WithoutPandas:
    """A finder that makes `import pandas` fail."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("pandas is left out here", name=name)


def _convert_a_value() -> None:
    sys.meta_path.insert(0, _WithoutPandas)
    try:
        pa.scalar(0)
    finally:
        sys.meta_path.remove(_WithoutPandas)


_convert_a_value()
