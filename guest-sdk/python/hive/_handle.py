"""From an event to the function that handles it, and from what the function does to what the node is told."""

from __future__ import annotations

from ._context import Event
from ._errors import Failure, described, failure_of
from ._message import Message, to_message
from ._node import node
from ._registry import PLUGIN


def handle(event: Event) -> Message | None | Failure:
    """What the node is told: an answer, none, or a failure."""
    try:
        value = PLUGIN.chosen(event)(event)
        return to_message(value) if event.wants_reply else None
    except Exception as error:  # noqa: BLE001, an exception that leaves a component is a trap without a word
        failure = failure_of(error)
        if failure.unexpected:
            node().log("error", described(error), [])
        return failure


def begin() -> str | None:
    """Runs before the first event; gives why it cannot begin."""
    try:
        for start in PLUGIN.starts:
            start()
    except Exception as error:  # noqa: BLE001
        return described(error)
    return None
