"""The file of a durable queue, which one process has to itself, and which a kill of it leaves whole.

- `rows`, `queue_file`, `file_lock`: messages as rows; the file; the lock of it.
- `tail`, `database`: the newest messages, mapped; the others, in SQLite.
- `opening`, `damage`: what an earlier process has left; what becomes of a damaged file.
"""
