"""How a handler says that an event was not handled, and what is made of every other exception."""

from __future__ import annotations

import traceback
from dataclasses import dataclass


class Reject(Exception):
    """Hopeless: the event goes to the plugin's dead letters, a caller gets `rejected`."""


class Retry(Exception):
    """Passing trouble: the node delivers the event again, a caller gets `failed` at once."""

    def __init__(self, reason: object, after: float | None = None) -> None:
        """`after`: in so many seconds; the node's own back-off if none."""
        super().__init__(str(reason))
        self.after = after


_TEXTS = {
    "denied": "denied; to grant it, add to the node's configuration: {}",
    "invalid": "invalid: {}",
    "too-large": "too large: the limit is {}",
    "overloaded": "overloaded; try again in {} ms",
    "no-responder": "nobody answers on that channel",
    "timeout": "no answer in time",
    "deadlock": "deadlock: the request would wait for itself",
    "failed": "the responder failed: {}",
    "rejected": "the responder rejected the request: {}",
    "unavailable": "unavailable: {}",
    "unexpected-answer": "the answer is not what was expected: {}",
    "unexpected-value": "the state's value is not what was expected: {}",
}

_PERMANENT = {"denied", "invalid", "too-large", "rejected", "unexpected-answer", "unexpected-value"}


class HiveError(Exception):
    """What the node refuses, and what went wrong with a call."""

    def __init__(self, code: str, value: object = None) -> None:
        super().__init__(_TEXTS[code].format(value) if code in _TEXTS else f"{value} ({code})")
        self.code = code
        self.value = value

    @property
    def permanent(self) -> bool:
        """Whether the same attempt would fail again."""
        return self.code in _PERMANENT


@dataclass
class Failure:
    """What the node is told of an exception."""

    rejected: bool
    reason: str
    after_ms: int | None = None
    #: Nobody meant this: the log is to have the whole traceback.
    unexpected: bool = False


# Exceptions that say that the program or the data is wrong: the same event would fail in the same way.
_HOPELESS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NameError,
    NotImplementedError,
    SyntaxError,
    TypeError,
    ValueError,
)

# Characters of a reason at most; the log has all of it.
_REASON_MAX = 2000


def failure_of(error: BaseException) -> Failure:
    """What the node is told of an exception."""
    if isinstance(error, Reject):
        return Failure(True, str(error))
    if isinstance(error, Retry):
        return Failure(False, str(error), None if error.after is None else max(0, round(error.after * 1000)))
    if isinstance(error, HiveError):
        after = error.value if error.code == "overloaded" and isinstance(error.value, int) else None
        return Failure(error.permanent, str(error), after)
    text = described(error)
    # The end says what happened, the beginning only how the SDK was called.
    reason = text if len(text) <= _REASON_MAX else "…" + text[-_REASON_MAX:]
    return Failure(isinstance(error, _HOPELESS), f"{_summary(error)}\n{reason}", unexpected=True)


def described(error: BaseException) -> str:
    """The traceback as Python writes it."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()


def _summary(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(type(error), error)).strip()
