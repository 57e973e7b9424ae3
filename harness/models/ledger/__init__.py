"""The ledger: one row for each call of a model, and what the rows come to."""
