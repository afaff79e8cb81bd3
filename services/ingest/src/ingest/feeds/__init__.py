"""Feeds: where trades come from besides the clients' socket.

The files, in the order in which data flows:

| file | what it holds |
|---|---|
| `uri` | from a setting (`sim://…`, `sim-orders://…`, `replay://…`, `binance://…`) to a feed |
| `sim`, `market` | the simulated market as a feed, and the market itself (pure) |
| `sim_orders`, `order_bot`, `bot_orders` | the simulated bot as a feed, itself, and its open orders |
| `unpack` | opens gzip, zip, zstd and plain files in UTF-8 or UTF-16 as lines, by content |
| `recording` | from lines to frames, each with its time of receipt, through its venue's parser |
| `replay` | a recording as a feed, at the recorded pace, faster, or as fast as possible |
| `binance` | the live venue as a feed: connections, reconnects |
| `venues/` | one parser per venue: frame in, trades out (pure); its docstring says how to add one |
| `base` | what every feed gives: `Feed`, `FeedBurst`, `FeedTrade`, and the errors |
| `runner` | runs one feed: hands its bursts to the checker, knows its state; a feed that breaks fails alone |
"""
