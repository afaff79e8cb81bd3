"""Names of instruments as the world writes them, and others that are easily shown wrong."""

REAL = (
    "币安人生USDT",
    "@107",
    "#12",
    "xyz:TSLA",
    "M&M",
    "NIFTY 50",
    "AAPL  251219C00150000",
    "$WEN-USDT",
    "^GSPC",
    "EURUSD#",
    "XAUUSD_i",
    "1000PEPEUSDT",
    "BTCUSD_260327",
    "BTC-27MAR26-100000-C",
    "BTC-CS-27MAR26-100000_120000",
    "71321045679252212594626385532706912750332728571942532289631379312455583992563",
)
"""Spot, futures, options, indices, perpetuals, a prediction market's token."""

ODD = ('a"b', "a\\b", "a\\n", "<img src=x onerror=alert(1)>", "{a='b'}", "[x]", "a,b", "é" * 64, "x" * 128, "NIFTY inf")
"""Quotes, backslashes, markup, braces, the longest ones, and a number's name after a blank."""

NOT_NAMES = (
    "",
    " a",
    "a ",
    "a\n",
    "a\tb",
    "a\x00b",
    "a\x7fb",
    "e\u0301",
    "a\u202eb",
    "a\u00a0b",
    "é" * 64 + "x",
    "x" * 129,
)
