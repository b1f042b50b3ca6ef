"""The self-test: harms a generated run in known ways, and holds the verifier's findings against it.

`faults.py` says what can be done to a run and what must be found then, `plan.py` where it is done,
`generate.py` makes the run, and `matrix.py` sets what was injected beside what was reported.
"""
