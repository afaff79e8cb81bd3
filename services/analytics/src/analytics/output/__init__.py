"""What analytics shows: metrics as Prometheus text, snapshots for the UI."""
