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
)
from ._context import Context
from ._errors import HiveError, Reject, Retry
from ._message import Message
from ._node import Answer, Answers, Kept
from ._registry import answer, on, plugin, start, tick

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
    "plugin",
    "publish",
    "retain",
    "start",
    "tick",
]
