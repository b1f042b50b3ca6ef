"""The self-test: injects known faults into a generated run, and checks what the verifier reports.

`faults.py` defines the faults and how each must be reported, `plan.py` chooses where to inject
them, `generate.py` generates the run, and `matrix.py` compares injected and reported faults.
"""
