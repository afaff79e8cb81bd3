"""What the desk's own bots do: orders from decision to fill, latency, quality of execution, money. Pure."""
