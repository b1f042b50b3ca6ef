"""The history of runs: what each verdict said, against a baseline, and where a figure changed.

Reads `verdict.json` and nothing else of a run: no ledger, no topic, no Spark.
"""
