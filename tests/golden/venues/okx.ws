wss://ws.okx.com:8443/ws/v5/public <-> 1750000000.000001
1750000000.1000001: {"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"}}
1750000000.3500001: {"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"500000012","px":"64310.2","sz":"0.0025","side":"buy","ts":"1750000000300"}]}
1750000000.3600001: {"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[["64310.3","1","0","1"]],"bids":[],"ts":"1750000000310","checksum":-1}]}
1750000000.4500001: {"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"500000013","px":"64310.1","sz":"0.5","side":"sell","ts":"1750000000400"},{"instId":"BTC-USDT","tradeId":"500000014","px":"64310","sz":"1.5","side":"sell","ts":"1750000000401"}]}
1750000000.5500001: {"arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","tradeId":"700000001","px":"64312","sz":"7","side":"buy","ts":"1750000000500"}]}
