"""The ledger: each generator's requests and their responses, on any storage."""
