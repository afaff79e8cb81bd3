"""The file of a durable queue: rows that one process has to itself, and that a kill of it leaves."""
