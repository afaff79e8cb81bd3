wss://ws-feed.exchange.coinbase.com <-> 1750000000.000001
wss://ws-feed.exchange.coinbase.com <- 1750000000.100001: {"type": "subscribe", "product_ids": ["ADA-USD"], "channels": ["matches", "heartbeat"]}
1750000000.2000001: {"type":"last_match","trade_id":2200000,"maker_order_id":"aaaa0000","taker_order_id":"bbbb0000","side":"buy","size":"10","price":"0.844","product_id":"ADA-USD","sequence":310000001,"time":"2025-06-15T15:06:39.500000Z"}
1750000000.2100001: {"type":"subscriptions","channels":[{"name":"matches","product_ids":["ADA-USD"]},{"name":"heartbeat","product_ids":["ADA-USD"]}]}
1750000000.3000001: {"type":"match","trade_id":2200001,"maker_order_id":"aaaa0001","taker_order_id":"bbbb0002","side":"sell","size":"320","price":"0.845","product_id":"ADA-USD","sequence":310000007,"time":"2025-06-15T15:06:40.121358Z"}
1750000000.4000001: {"type":"l2update","product_id":"ADA-USD","changes":[["buy","0.844","100"]],"time":"2025-06-15T15:06:40.200000Z"}
1750000000.5000001: {"type":"match","trade_id":2200002,"maker_order_id":"aaaa0003","taker_order_id":"bbbb0004","side":"buy","size":"80.5","price":"0.844","product_id":"ADA-USD","sequence":310000012,"time":"2025-06-15T15:06:40.321000Z"}
1750000000.6000001: {"type":"heartbeat","last_trade_id":2200002,"product_id":"ADA-USD","sequence":310000013,"time":"2025-06-15T15:06:40.600000Z"}
