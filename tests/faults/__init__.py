"""Faults: the real parts are harmed under load, and the verdict is held against what was done.

python -m tests.faults                       every scenario, and docs/faults.md anew
python -m tests.faults worker-killed …       some of them, and the table on stdout
"""
