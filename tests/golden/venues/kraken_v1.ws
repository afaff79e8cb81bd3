wss://ws.kraken.com <-> 1750000000.000001
1750000000.1000001: {"connectionID":1234567890,"event":"systemStatus","status":"online","version":"1.9.0"}
1750000000.2000001: {"channelID":77,"channelName":"trade","event":"subscriptionStatus","pair":"XMR/USD","status":"subscribed","subscription":{"name":"trade"}}
1750000000.6500001: [77,[["161.20000000","0.55000000","1750000000.500001","s","m",""],["161.25000000","1.25000000","1750000000.600002","b","l",""]],"trade","XMR/USD"]
1750000001.6500001: {"event":"heartbeat"}
