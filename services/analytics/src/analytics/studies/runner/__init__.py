"""The studies' worker: a process of its own, so that no study can hold up, crash or starve the pipeline.

| file | what it holds |
|---|---|
| `loading.py` | worker: finds the studies in files, folders, modules and packages |
| `frames.py` | worker: DataFrames of the columns in memory |
| `texts.py` | worker: what a user's code says, as it can be sent |
| `calls.py` | worker: calls studies, with their state and parameters, and says what came of it |
| `worker.py` | worker: loads the studies and answers |
| `fork_server.py` | the process that workers are forks of: its main |
| `forks.py` | analytics: the fork server, started, asked for workers and ended |
| `process.py` | analytics: one worker, started, spoken to and ended |
| `errors.py` | analytics: what may become of a worker |
| `watch.py` | analytics: how long a call takes, without what the worker waits for a core |
| `feed.py` | analytics: puts the trades of what is due into the memory |
| `supervisor.py` | analytics: feeds the process what is due, restarts it, and takes its results |
"""
