"""How a handler says that an event was not handled, and what is made of every other exception."""

from __future__ import annotations

import os
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
    "denied": "denied: {}",
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

    def __init__(self, code: str, value: object = None, channel: str | None = None) -> None:
        """`channel`: the one that was called, if it was a call."""
        text = _TEXTS[code].format(value) if code in _TEXTS else f"{value} ({code})"
        super().__init__(text if channel is None else f"`{channel}`: {text}")
        self.code = code
        self.value = value
        self.channel = channel

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
    ImportError,
    LookupError,
    NameError,
    NotImplementedError,
    SyntaxError,
    TypeError,
    ValueError,
)

#: What folders of the component are called where it was built, by their names in it. Set by `build`.
PLACES: dict[str, str] = {}

# Frames of the SDK, of Python itself in a component and of what `build` ties them together with say nothing about a handler.
_NOBODYS = (os.path.dirname(__file__) + "/", "<frozen ", "/python/", "/0/")

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
    text = _traceback(error)
    # The end says what happened, the beginning only how the SDK was called.
    reason = text if len(text) <= _REASON_MAX else "…" + text[-_REASON_MAX:]
    return Failure(isinstance(error, _HOPELESS), f"{summary(error)}\n{reason}", unexpected=True)


def described(error: BaseException) -> str:
    """The traceback as Python writes it, from where the handler's own code begins, and what helps."""
    return _traceback(error) + _instead(error)


def _traceback(error: BaseException) -> str:
    told = traceback.TracebackException.from_exception(error)
    _of_the_project(told)
    return "".join(told.format()).rstrip()


def placed(error: BaseException) -> str:
    """The innermost place of an exception in the project, behind its message; nothing outside a component."""
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        name = frame.f_code.co_filename
        if name.startswith(tuple(PLACES)):
            return f" ({in_project(name)}:{line})"
    return ""


def in_project(name: str) -> str:
    """What a file is called in the project."""
    for place, shown in PLACES.items():
        if name.startswith(place):
            return shown + name[len(place) :]
    return name


def _of_the_project(told: traceback.TracebackException | None) -> None:
    while told is not None:
        frames = [frame for frame in told.stack if not frame.filename.startswith(_NOBODYS)]
        for frame in frames:
            frame.filename = in_project(frame.filename)
        told.stack = traceback.StackSummary.from_list(frames or told.stack)
        _of_the_project(told.__cause__)
        told = told.__context__


def summary(error: BaseException) -> str:
    """What happened, without the way there."""
    text = "".join(traceback.format_exception_only(type(error), error)).strip() + _instead(error)
    if isinstance(error, ModuleNotFoundError):
        return f"{text} (a component has what an `import` of the project names, and no files to load more from)"
    return text


def _instead(error: BaseException) -> str:
    """What helps where something asked for what a component does not have."""
    through: set[str] = set()
    if PLACES:
        told: BaseException | None = error
        while told is not None:
            through.update(frame.f_code.co_filename for frame, _ in traceback.walk_tb(told.__traceback__))
            told = told.__cause__ or told.__context__
    if "/python/asyncio/runners.py" in through:
        return " (nothing is waited for in a component: write it without asyncio)"
    if "/python/socket.py" in through:
        return " (a component in Python has no network: hive.call a handler in Rust, which asks over HTTP with the grant `http`)"
    if "/python/threading.py" in through and isinstance(error, RuntimeError):
        return " (a component has one thread)"
    if through and isinstance(error, (FileNotFoundError, PermissionError)):
        return " (a component has the folders that its configuration opens: `dirs`)"
    return ""
