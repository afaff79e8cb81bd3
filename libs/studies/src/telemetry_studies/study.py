"""A study: a plain function on a frame of trades, declared with its window, its pace and its gauges."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from telemetry_studies.errors import StudyError
from telemetry_studies.gauges import Gauge
from telemetry_studies.spans import span_ns

Origin: TypeAlias = Literal["market", "own"]

MIN_EVERY_NS: Final = 100_000_000
"""A study runs at most ten times a second."""

MAX_TOGETHER: Final = 16
"""Symbols that a study gets at once: there is memory for so many frames."""

MAX_STUDY_VALUES: Final = 1_000
"""Values of one run, all gauges together."""

_STATE: Final = "state"
_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A declared study. Calling it calls the function, so that it can be tried in a notebook as it is."""

    function: Callable[..., Any]
    name: str
    window_ns: int
    every_ns: int
    gauges: tuple[Gauge, ...]
    origins: tuple[Origin, ...] = ("market",)
    symbols: tuple[str, ...] = ()
    """Symbols it is for, as patterns with `*` and `?`; empty is all of them."""
    together: tuple[str, ...] = ()
    """Symbols whose frames it gets at once, as a dict; empty is one symbol at a time."""
    parameters: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """Keyword arguments with their defaults; a setting may change them."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - it is the user's function
        """What the function gives."""
        return self.function(*args, **kwargs)

    @property
    def keeps_state(self) -> bool:
        """Whether the function takes an argument `state`, and returns its values and the next state."""
        return _STATE in inspect.signature(self.function).parameters

    @property
    def is_generator(self) -> bool:
        """Whether the function is a generator: it is sent a frame and yields values."""
        return inspect.isgeneratorfunction(self.function)


def study(
    *,
    window: str,
    every: str = "1s",
    gauges: Sequence[Gauge],
    origin: Origin | Sequence[Origin] = "market",
    symbols: Sequence[str] = (),
    together: Sequence[str] = (),
) -> Callable[[Callable[..., Any]], Study]:
    """Makes a study of a function.

    The function takes a DataFrame of the window's trades, indexed by event time (UTC, ascending), with the columns
    price, qty, notional, side ("buy" or "sell"), source, account, replayed and number. It returns a dict of values by
    gauge name. NaN means "not defined now": the series is left out. It runs when trades of its symbol have come, at
    most once in `every`.

    Args:
        window: how far back the frame reaches, as in "5m"; rows are bounded by a setting as well.
        every: the shortest time from one call to the next.
        gauges: what it returns.
        origin: trades of the market, own trades, or both one after the other.
        symbols: patterns of symbols it is for; all by default.
        together: symbols whose frames it gets at once, as a dict by symbol.

    Raises:
        StudyError: the declaration cannot be used.
    """

    def declare(function: Callable[..., Any]) -> Study:
        every_ns = span_ns(every)
        if every_ns < MIN_EVERY_NS:
            raise StudyError(f"study {function.__name__}: every={every!r} is below 100ms")
        return Study(
            function=function,
            name=function.__name__,
            window_ns=span_ns(window),
            every_ns=every_ns,
            gauges=_checked_gauges(function.__name__, gauges),
            origins=_checked_origins(function.__name__, origin),
            symbols=(symbols,) if isinstance(symbols, str) else tuple(symbols),
            together=_checked_together(function.__name__, together),
            parameters=MappingProxyType(_parameters(function)),
        )

    return declare


def _checked_gauges(name: str, gauges: Sequence[Gauge]) -> tuple[Gauge, ...]:
    if not gauges or not all(isinstance(each, Gauge) for each in gauges):
        raise StudyError(f"study {name}: gauges is a list of gauge(…), at least one")
    names = [each.name for each in gauges]
    if len(set(names)) != len(names):
        raise StudyError(f"study {name}: a gauge is named twice: {', '.join(sorted(names))}")
    if (values := sum(each.max_values if each.label else 1 for each in gauges)) > MAX_STUDY_VALUES:
        raise StudyError(f"study {name}: its gauges may have {values:,} values, at most {MAX_STUDY_VALUES:,}")
    return tuple(gauges)


def _checked_together(name: str, together: Sequence[str]) -> tuple[str, ...]:
    if isinstance(together, str) or len(set(together)) != len(together) or len(together) > MAX_TOGETHER:
        raise StudyError(f"study {name}: together is a list of at most {MAX_TOGETHER} different symbols")
    return tuple(together)


def _checked_origins(name: str, origin: Origin | Sequence[Origin]) -> tuple[Origin, ...]:
    origins: tuple[Origin, ...] = (origin,) if isinstance(origin, str) else tuple(origin)
    if not origins or not set(origins) <= {"market", "own"}:
        raise StudyError(f"study {name}: origin is 'market', 'own' or both, not {origin!r}")
    return origins


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    """The arguments that have defaults, but for `state`."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise StudyError(f"study {function.__name__}: it is `async`; nothing would await it")
    arguments = list(inspect.signature(function).parameters.values())
    if inspect.isgeneratorfunction(function) and arguments and arguments[0].default is inspect.Parameter.empty:
        raise StudyError(
            f"study {function.__name__}: a generator has no argument for the trades: `trades = yield values` gives them"
        )
    if not arguments and not inspect.isgeneratorfunction(function):
        raise StudyError(f"study {function.__name__}: it takes the trades as its first argument")
    required = [each.name for each in arguments[1:] if each.default is each.empty and each.name != _STATE]
    if required:
        raise StudyError(f"study {function.__name__}: {', '.join(required)} needs a default")
    return {each.name: each.default for each in arguments if each.default is not each.empty and each.name != _STATE}
