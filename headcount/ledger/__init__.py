"""The ledger: what each generator asked for, and what was answered. Written here, on any store."""
