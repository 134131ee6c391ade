"""From an event to the function that handles it, and from what the function does to what the node is told."""

from __future__ import annotations

from ._context import Event
from ._errors import Failure, HiveError, Reject, described, failure_of, placed, summary
from ._message import JSON, Message, json_message, to_message
from ._node import node
from ._registry import PLUGIN
from ._state import begin_call, break_promises


def handle(event: Event) -> Message | None | Failure:
    """What the node is told: an answer, none, or a failure."""
    begin_call()
    try:
        value = PLUGIN.chosen(event)(event)
    except Exception as error:  # noqa: BLE001, an exception that leaves a component is a trap without a word
        return _failed(event, error)
    try:
        return to_message(value) if event.wants_reply else None
    except TypeError as error:
        # It went through no line of the handler: that is named instead.
        return _failed(event, TypeError(f"the answer on {PLUGIN.subscriptions[event.subscription].named()}: {error}"))


def _failed(event: Event, error: Exception) -> Failure:
    break_promises()
    failure = failure_of(error)
    place = placed(error) if isinstance(error, HiveError) else ""
    if failure.unexpected or (place and event.wants_reply):
        _say(event, error)
    if event.wants_reply:
        # Whoever asked need not see the inside; the log has it.
        failure.reason = failure.reason.partition("\n")[0] if failure.unexpected else failure.reason
    else:
        failure.reason += place
    return failure


#: What was said of an exception last.
_said = ""


def _say(event: Event, error: Exception) -> None:
    """The whole traceback; of another try of the same event that ends as the one before, only what happened."""
    global _said
    before, _said = _said, described(error)
    again = event.attempt > 1 and _said == before
    node().log("error", f"attempt {event.attempt} ends likewise: {summary(error)}" if again else _said, [])


def begin() -> str | None:
    """Runs before the first event; gives why it cannot begin."""
    try:
        for start in PLUGIN.starts:
            start()
    except Exception as error:  # noqa: BLE001
        return described(error)
    return None


def save() -> bytes | str:
    """The memory for the version that takes over, or why there is none."""
    try:
        value = PLUGIN.save() if PLUGIN.save else None
        return (to_message(value) if isinstance(value, (bytes, Message)) else json_message(value)).payload
    except Exception as error:  # noqa: BLE001
        return described(error)


def restore(version: str, state: bytes) -> str | None:
    """Takes over what another version has saved; gives why it cannot."""
    try:
        if PLUGIN.restore:
            PLUGIN.restore(Event("", Message(state, JSON)), version)
    except Reject as error:
        return f"what version {version} saved: {error}"
    except Exception as error:  # noqa: BLE001
        return described(error)
    return None
