"""Light pyarrow: a generator starts without pandas, which its locustfile can still use."""

import subprocess
import sys

import pytest

WITHOUT = """
import sys
import headcount.plugin
assert "pandas" not in sys.modules
"""
TOGETHER = """
import pyarrow as pa
frame = pd.DataFrame({"name": ["a"], "value": [1.5]})
assert pa.Table.from_pandas(frame).to_pandas().equals(frame)
assert pa.array(frame["value"]).to_pylist() == [1.5]
"""
BEFORE, AFTER = (
    "import pandas as pd\nimport headcount.light_pyarrow\n",
    "import headcount.light_pyarrow\nimport pandas as pd\n",
)


@pytest.mark.parametrize("script", [WITHOUT, BEFORE + TOGETHER, AFTER + TOGETHER])
def test_pandas_is_left_out_until_it_is_imported(script: str) -> None:
    """Neither the plugin nor pyarrow imports pandas; a locustfile may, before or after."""
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
