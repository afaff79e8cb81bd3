"""Ingest about itself: ledger, metrics, status for the UI."""
