"""Studies: a desk's own analytics on frames of trades. Pure but for `runner`, which owns the worker process.

| file | what it holds |
|---|---|
| `ring.py` | the last trades of each slot, from which frames are made |
| `schedule.py` | which study is due for which symbol |
| `results.py` | the newest values, and what went wrong by study and reason |
| `protocol.py` | what the service and the worker say to each other |
| `runner/` | the worker's process: started, fed, watched, ended and started again |
| `builtin/` | the microstructure set |
"""
