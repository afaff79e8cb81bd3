"""What is computed from trades: buckets, windows, totals, recent trades, latency. Pure."""
