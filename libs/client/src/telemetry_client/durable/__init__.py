"""The durable queue of a publisher: a file that keeps what ingest has not acknowledged.

- `rows`, `file_lock`, `queue_file`, `damage`: the file, which one process has to itself; what becomes of a damaged one.
- `streams`: the numbers of each run and kind of messages: held, sent, acknowledged. Pure.
- `link`: the sockets: trades go out by PUSH, acknowledgements come by DEALER.
- `outbox`: `DurableOutbox`, which puts them together, and its thread.
"""
