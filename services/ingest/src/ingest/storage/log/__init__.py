"""The write-ahead log of accepted batches: a protocol, and its implementations on disk and in memory."""
