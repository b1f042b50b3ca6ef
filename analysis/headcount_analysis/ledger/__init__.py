"""The ledger as the analysis reads it."""
