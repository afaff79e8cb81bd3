"""The studies' worker: a process of its own, so that no study can hold up, crash or starve the pipeline.

| file | what it holds |
|---|---|
| `loading.py` | worker: finds the studies in files, folders, modules and packages |
| `frames.py` | worker: DataFrames of the columns in memory |
| `calls.py` | worker: calls studies, with their state and parameters, and says what came of it |
| `worker.py` | worker: the process's main |
| `process.py` | analytics: the process, started, spoken to and ended |
| `watch.py` | analytics: how long a call takes, without what the worker waits for a core |
| `feed.py` | analytics: puts the trades of what is due into the memory |
| `supervisor.py` | analytics: feeds the process what is due, restarts it, and takes its results |
"""
