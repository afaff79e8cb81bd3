"""From a batch to trades in order: stream positions, labels, pending trades, ledger."""
