"""Faults: real parts fail under load, and the verdict is compared with the expected one.

python -m tests.faults                       every scenario; rewrites docs/faults.md
python -m tests.faults worker-killed …       some of them; prints the table
"""
