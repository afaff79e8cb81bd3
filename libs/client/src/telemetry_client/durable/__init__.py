"""The durable queue of a publisher: a file that keeps what ingest has not acknowledged.

- `outbox`: `DurableOutbox`, what the bot calls, and the thread that talks with ingest.
- `held_queue`: the messages that are held, and the numbers that they have.
- `disk`: their file, which one process has to itself.
- `streams`: the numbers of each run and kind of messages: held, sent, acknowledged. Pure.
- `session`: connects, asks ingest where to go on, and goes on there.
- `sender`, `acknowledgements`, `retransmission`: what may go now; what ingest has; what is sent again.
- `link`: the sockets: trades go out by PUSH, acknowledgements come by DEALER.
- `notices`: what is said in the bot's log.
"""
