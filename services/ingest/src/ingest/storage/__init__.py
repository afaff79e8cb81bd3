"""What ingest keeps on disk: state across restarts, dead letters."""
