"""What the plugin keeps on its node, and events that are handled once."""

from __future__ import annotations

import operator
from typing import Any, Callable, Iterator

from ._convert import Mismatch, convert
from ._errors import HiveError
from ._message import Message, json_message, read_json
from ._node import node

# Seconds for which `once` remembers.
_REMEMBERED = 24 * 3600.0
# What its keys begin with.
_ONCE_PREFIX = "$once/"


class State:
    """The plugin's state: values by key, on this node, for all its instances, over new versions and restarts.

    Values are JSON, or bytes as they are. Other instances see at once what a handler writes. It gets to disk as a whole
    within about a second; a crash before loses it, and `flush` waits for it. A rejection or a retry keeps what was
    written before: do what may fail before you write.
    """

    def get(self, key: str, default: Any = None, *, kind: Any = Any) -> Any:
        """The value of a key, as `kind` says: a dataclass, `list[int]`, …; the default if there is none."""
        found = self.bytes(key)
        return default if found is None else _read(key, found, kind)

    def bytes(self, key: str) -> bytes | None:
        """The bytes of a key; None if there are none."""
        return node().state_get(key)

    def get_each(self, keys: list[str], *, kind: Any = Any) -> list[Any]:
        """The values of several keys, at most 256, in the order asked; None in the place of one that there is not."""
        found = node().state_get_each(list(keys))
        return [None if one is None else _read(key, one, kind) for key, one in zip(keys, found)]

    def set(self, key: str, value: object, *, ttl: float | None = None) -> None:
        """Puts a value in place of any that the key has, for ever or for `ttl` seconds."""
        node().state_set(key, _written(value), _ms(ttl))

    def delete(self, key: str) -> None:
        """Removes a key; one that is not there is fine."""
        node().state_delete(key)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """The keys that begin with `prefix`, in order, page by page."""
        after = None
        while page := node().state_keys(prefix, after):
            yield from page
            after = page[-1]

    def increment(self, key: str, by: int = 1) -> int:
        """Adds to a number and gives the sum, whoever else adds at the same time. A missing key counts as 0."""
        return node().state_increment(key, operator.index(by))

    def swap(self, key: str, expected: object, value: object, *, ttl: float | None = None) -> bool:
        """Puts a value in place of the expected one, None meaning that the key is not there; the value None removes it.

        False when it had another. The expected one is compared as it is written.
        """
        before = None if expected is None else _written(expected)
        after = None if value is None else _written(value)
        return node().state_swap(key, before, after, _ms(ttl))

    def update(self, key: str, change: Callable[[Any], Any], *, kind: Any = Any) -> Any:
        """Makes a new value from the old one, again when somebody else was faster, and gives what it made.

        None is a key that is not there: as the old value, and as the new one.
        """
        while True:
            before = self.bytes(key)
            value = change(None if before is None else _read(key, before, kind))
            if self.swap(key, before, value):
                return value

    def flush(self) -> None:
        """Waits until everything that this call has written so far is on disk."""
        node().state_flush()

    def __getitem__(self, key: str) -> Any:
        found = self.bytes(key)
        if found is None:
            raise KeyError(key)
        return _read(key, found, Any)

    def __setitem__(self, key: str, value: object) -> None:
        self.set(key, value)

    def __delitem__(self, key: str) -> None:
        self.delete(key)

    def __contains__(self, key: str) -> bool:
        return self.bytes(key) is not None

    def __iter__(self) -> Iterator[str]:
        return self.keys()


state = State()

# What this call has promised to do once.
_promised: list[str] = []


def once(id: str, *, remembered: float = _REMEMBERED) -> bool:
    """Whether this is the first time that something is done, by an id of your own; for the event in hand it is
    `ctx.once()`. Remembered for 24 hours, or so many seconds.

    What a handler writes to its state beside it gets to disk together with it. Where the handler raises, it was not done,
    and the next attempt is the first again: do what may fail before you write.
    """
    key = _ONCE_PREFIX + id
    first = state.swap(key, None, b"1", ttl=remembered)
    if first:
        _promised.append(key)
    return first


def begin_call() -> None:
    """A call begins: what the last one promised is of no interest."""
    _promised.clear()


def break_promises() -> None:
    """A call has failed, and is to be the first again."""
    for key in _promised:
        try:
            state.delete(key)
        except HiveError as error:
            # Whoever cannot delete now could not write either; the next attempt then thinks that it is the second.
            node().log("warn", f"`{key}` stays: {error}", [])
    _promised.clear()


def _read(key: str, found: bytes, kind: Any) -> Any:
    if kind is bytes:
        return found
    try:
        return convert(read_json(found), kind)
    except (ValueError, Mismatch) as error:
        raise HiveError("unexpected-value", f"`{key}`: {error}") from None


def _written(value: object) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    return value.payload if isinstance(value, Message) else json_message(value).payload


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else max(0, round(seconds * 1000))
