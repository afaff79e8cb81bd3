"""The studies' worker: a process of its own, so that no study can hold up, crash or starve the pipeline.

| file | what it holds |
|---|---|
| `channel.py` | the two ends of the way between the processes: a socket for messages, memory for trades |
| `loading.py` | worker: finds the studies in files, folders, modules and packages |
| `frames.py` | worker: DataFrames of the columns in memory |
| `calls.py` | worker: calls studies, with their state and parameters, and says what came of it |
| `worker.py` | worker: the process's main |
| `process.py` | analytics: the process, started, watched and ended |
| `supervisor.py` | analytics: feeds the process what is due, restarts it, and takes its results |
"""
