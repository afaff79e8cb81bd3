"""Feeds: where trades come from besides the clients' socket.

- `base`: what a feed gives; `uri`: from a setting to a feed.
- `sim`, `market`: a simulated market. `replay`, `recording`: recorded frames. `binance`: the live venue.
- `venues`: one parser a venue, frame in, trades out.
"""

from ingest.feeds.base import Feed, FeedBurst, FeedError, FeedRefusal, FeedTrade, FeedUriError, RecordingError
from ingest.feeds.uri import FeedSpec, open_feed, parse_feed

__all__ = [
    "Feed",
    "FeedBurst",
    "FeedError",
    "FeedRefusal",
    "FeedSpec",
    "FeedTrade",
    "FeedUriError",
    "RecordingError",
    "open_feed",
    "parse_feed",
]
