"""What the component exports, and its imports as the SDK's node. Imported only where `wit_world` is generated."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Callable

from componentize_py_types import Err
from wit_world.exports import handler as wire
from wit_world.exports import snapshot
from wit_world.imports import bus, config, current, log, types
from wit_world.imports import node as where

from . import _node
from ._context import Event
from ._errors import Failure, HiveError
from ._handle import begin, handle, restore, save
from ._message import Headers, Message
from ._node import Kept
from ._registry import PLUGIN



class _LeftOut:
    """An interface that `build` left out, as no source names what it is for."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __getattr__(self, _: str) -> Any:
        raise NameError(f"name {self._words} somewhere in the project: `build` leaves out what no source names")


try:
    from wit_world.imports import secrets
except ImportError:
    secrets = _LeftOut("`secret`")
try:
    from wit_world.imports import state
except ImportError:
    state = _LeftOut("`state` or `once`")
try:
    from wit_world.imports import timers
except ImportError:
    timers = _LeftOut("`after` or `cancel`")

#: What `build` knows of the project.
PROJECT = {"name": "", "version": ""}

_CODES = {
    types.Error_Denied: "denied",
    types.Error_Invalid: "invalid",
    types.Error_TooLarge: "too-large",
    types.Error_Overloaded: "overloaded",
    types.Error_NoResponder: "no-responder",
    types.Error_Timeout: "timeout",
    types.Error_Deadlock: "deadlock",
    types.Error_Failed: "failed",
    types.Error_Rejected: "rejected",
    types.Error_Unavailable: "unavailable",
}

_LEVELS = {level.name.lower(): level for level in log.Level}


def _error(error: Any) -> HiveError:
    if isinstance(error, types.Error_Other):
        return HiveError(*error.value)
    return HiveError(_CODES[type(error)], getattr(error, "value", None))


def _asking(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Err as error:
        raise _error(error.value) from None


def _sent(message: Message) -> types.Message:
    return types.Message(message.payload, message.content_type, message.key, message.headers)


def _got(message: types.Message) -> Message:
    return Message(message.payload, message.content_type, message.key, message.headers)


def _outcome(outcome: Any) -> Message | HiveError:
    return _error(outcome.value) if isinstance(outcome, Err) else _got(outcome.value)


class _Imports:
    def publish(self, channel: str, message: Message, expires_ms: int | None) -> str:
        if expires_ms is None:
            return _asking(lambda: bus.publish(channel, _sent(message)))
        return _asking(lambda: bus.publish_expiring(channel, _sent(message), expires_ms))

    def forward(self, channel: str, headers: Headers) -> str:
        return _asking(lambda: bus.forward(channel, headers))

    def retain(self, channel: str, message: Message) -> str:
        return _asking(lambda: bus.retain(channel, _sent(message)))

    def clear(self, channel: str) -> None:
        _asking(lambda: bus.clear(channel))

    def request(self, channel: str, message: Message, timeout_ms: int) -> Message:
        return _got(_asking(lambda: bus.request(channel, _sent(message), timeout_ms)))

    def request_each(self, calls: list[tuple[str, Message]], timeout_ms: int) -> list[Message | HiveError]:
        asked = [bus.Call(channel, _sent(message)) for channel, message in calls]
        return [_outcome(outcome) for outcome in _asking(lambda: bus.request_each(asked, timeout_ms))]

    def gather(
        self, channel: str, message: Message, timeout_ms: int, limit: int
    ) -> tuple[list[tuple[str, Message | HiveError]], int]:
        said = _asking(lambda: bus.gather(channel, _sent(message), timeout_ms, limit))
        return [(answer.origin, _outcome(answer.outcome)) for answer in said.answers], said.missing

    def kept_values(self, pattern: str, after: str | None) -> list[Kept]:
        def value(kept: bus.Kept) -> Kept:
            when = datetime.fromtimestamp(kept.published_at / 1000, timezone.utc)
            return Kept(kept.channel, _got(kept.message), kept.id, when)

        return [value(kept) for kept in _asking(lambda: bus.kept_values(pattern, after, 0))]

    def current(self, fact: str) -> Any:
        return getattr(current, fact)()

    def where(self, fact: str) -> Any:
        return getattr(where, fact)()

    def setting(self, key: str) -> str | None:
        return config.get(key)

    def config(self) -> dict[str, str]:
        return dict(config.all())

    def log_enabled(self, level: str) -> bool:
        return log.enabled(_LEVELS[level])

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        log.log(_LEVELS[level], message, fields)

    def after(self, name: str, delay_ms: int, payload: bytes) -> None:
        _asking(lambda: timers.after(name, delay_ms, payload))

    def cancel(self, name: str) -> bool:
        return _asking(lambda: timers.cancel(name))

    def secret(self, name: str) -> str:
        return _asking(lambda: secrets.get(name))

    def state_get(self, key: str) -> bytes | None:
        return _asking(lambda: state.get(key))

    def state_get_each(self, keys: list[str]) -> list[bytes | None]:
        return _asking(lambda: state.get_each(keys))

    def state_set(self, key: str, value: bytes, ttl_ms: int | None) -> None:
        _asking(lambda: state.set(key, value, ttl_ms))

    def state_delete(self, key: str) -> None:
        _asking(lambda: state.delete(key))

    def state_keys(self, prefix: str, after: str | None) -> list[str]:
        return _asking(lambda: state.keys(prefix, after, 0))

    def state_increment(self, key: str, by: int) -> int:
        return _asking(lambda: state.increment(key, by))

    def state_swap(self, key: str, expected: bytes | None, value: bytes | None, ttl_ms: int | None) -> bool:
        return _asking(lambda: state.swap(key, expected, value, ttl_ms))

    def state_flush(self) -> None:
        _asking(state.flush)


_node.use(_Imports())
# The project's modules are loaded by now: what is wrong with them is said when it is built.
PLUGIN.complete()


class Handler:
    """`hive:node/handler`."""

    def describe(self) -> wire.Description:
        subscriptions = [
            wire.Subscription(
                pattern=one.pattern,
                delivery=wire.Delivery.GROUP if one.group else wire.Delivery.BROADCAST,
                group=one.group if isinstance(one.group, str) else None,
                answers=one.answers,
                settings=[("durable", "true")] if one.durable else [],
            )
            for one in PLUGIN.subscriptions
        ]
        scope = {False: wire.TimerScope.NODE, True: wire.TimerScope.MESH}
        return wire.Description(
            name=PLUGIN.name or PROJECT["name"],
            version=PLUGIN.version or PROJECT["version"],
            instances=wire.Instances[PLUGIN.instances.upper()],
            subscriptions=subscriptions,
            timers=[wire.Timer(one.name, one.schedule, scope[one.mesh], []) for one in PLUGIN.timers],
            publishes=PLUGIN.publishes,
            # The component exports the functions either way.
            settings=[] if PLUGIN.save else [("snapshot", "false")],
        )

    def handle(self, event: types.Event) -> types.Message | None:
        said = handle(
            Event(
                event.channel,
                _got(event.message),
                event.subscription,
                event.attempt,
                event.retained,
                event.wants_reply,
            )
        )
        if isinstance(said, Failure):
            if said.rejected:
                raise Err(wire.Failure_Reject(said.reason))
            raise Err(wire.Failure_Retry(wire.Delay(said.reason, said.after_ms)))
        return None if said is None else _sent(said)


class Startup:
    """`hive:node/startup`."""

    def start(self) -> None:
        why = begin()
        if why is not None:
            raise Err(why)


class Snapshot:
    """`hive:node/snapshot`."""

    def save(self) -> bytes:
        saved = save()
        if isinstance(saved, str):
            raise Err(saved)
        return saved

    def restore(self, saved: snapshot.Saved) -> None:
        why = restore(saved.version, saved.state)
        if why is not None:
            raise Err(why)
