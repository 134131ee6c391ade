"""Write hive-node handlers in Python. The README is the reference.

    @hive.answer("greet/hello")
    def hello(name: str) -> str:
        return f"Hello, {name}!"
"""

from ._api import (
    after,
    call,
    call_each,
    cancel,
    clear,
    config,
    forward,
    gather,
    here,
    kept,
    kept_values,
    log,
    publish,
    retain,
    secret,
)
from ._context import Context
from ._errors import HiveError, Reject, Retry
from ._message import Message
from ._node import Answer, Answers, Kept
from ._registry import answer, on, plugin, restore, save, start, tick
from ._state import once, state

__all__ = [
    "Answer",
    "Answers",
    "Context",
    "HiveError",
    "Kept",
    "Message",
    "Reject",
    "Retry",
    "after",
    "answer",
    "call",
    "call_each",
    "cancel",
    "clear",
    "config",
    "forward",
    "gather",
    "here",
    "kept",
    "kept_values",
    "log",
    "on",
    "once",
    "plugin",
    "publish",
    "restore",
    "retain",
    "save",
    "secret",
    "start",
    "state",
    "tick",
]
