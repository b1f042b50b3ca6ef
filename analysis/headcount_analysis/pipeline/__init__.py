"""The pipeline: takes a run from its ledger and its topic to a verdict and a report."""
