"""The microstructure set: studies that are on by default. Each docstring has formula, unit and source.

| file | studies |
|---|---|
| `bars.py` | `bars`: open, high, low, close, volume of the last closed bar |
| `flow.py` | `cvd`, `large_trade_volume`, `vpin`, `sign_autocorrelation`: who pushes |
| `price.py` | `twap`, `variance`: where the price was and how it moved |
| `liquidity.py` | `roll_spread`, `kyle_lambda`, `amihud`: what trading costs |
| `arrivals.py` | `arrivals`: how regularly trades come |
"""

from analytics.studies.builtin.arrivals import arrivals
from analytics.studies.builtin.bars import bars
from analytics.studies.builtin.flow import cvd, large_trade_volume, sign_autocorrelation, vpin
from analytics.studies.builtin.liquidity import amihud, kyle_lambda, roll_spread
from analytics.studies.builtin.price import twap, variance

__all__ = [
    "amihud",
    "arrivals",
    "bars",
    "cvd",
    "kyle_lambda",
    "large_trade_volume",
    "roll_spread",
    "sign_autocorrelation",
    "twap",
    "variance",
    "vpin",
]
