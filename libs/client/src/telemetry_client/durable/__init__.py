"""The durable queue of a publisher: a file that keeps what ingest has not acknowledged.

- `rows`, `file_lock`, `queue_file`: the file, which one process has to itself.
- `tail`, `database`: the newest messages, mapped; the others, in SQLite.
- `opening`, `damage`: what an earlier process has left; what becomes of a damaged file.
- `streams`: the numbers of each run and kind of messages: held, sent, acknowledged. Pure.
- `link`: the sockets: trades go out by PUSH, acknowledgements come by DEALER.
- `outbox`: `DurableOutbox`, which puts them together, and its thread.
"""
