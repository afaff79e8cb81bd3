"""What ingest says about itself: ledger, metrics, status for the UI."""
