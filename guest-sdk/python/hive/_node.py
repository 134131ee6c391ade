"""What the SDK asks of a node: implemented by a component's imports, and by the fake host of tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from ._errors import HiveError
from ._message import Headers, Message


@dataclass
class Kept:
    """A channel's last value."""

    channel: str
    message: Message
    id: str
    published_at: datetime

    @property
    def value(self) -> Any:
        """Its data."""
        return self.message.data()


@dataclass
class Answer:
    """What one responder answered: a value, or an error."""

    origin: str
    value: Any = None
    error: HiveError | None = None


@dataclass
class Answers:
    """What came of asking everybody."""

    answers: list[Answer]
    #: Nodes that were asked and had not answered to the end when time ran out.
    missing: int

    def values(self) -> list[Any]:
        """The good ones."""
        return [answer.value for answer in self.answers if answer.error is None]


class Node(Protocol):
    """The node's interfaces."""

    def publish(self, channel: str, message: Message, expires_ms: int | None) -> str: ...
    def forward(self, channel: str, headers: Headers) -> str: ...
    def retain(self, channel: str, message: Message) -> str: ...
    def clear(self, channel: str) -> None: ...
    def request(self, channel: str, message: Message, timeout_ms: int) -> Message: ...
    def request_each(self, calls: list[tuple[str, Message]], timeout_ms: int) -> list[Message | HiveError]: ...
    def gather(
        self, channel: str, message: Message, timeout_ms: int, limit: int
    ) -> tuple[list[tuple[str, Message | HiveError]], int]: ...
    def kept_values(self, pattern: str, after: str | None) -> list[Kept]: ...
    def current(self, fact: str) -> Any: ...
    def where(self, fact: str) -> Any: ...
    def setting(self, key: str) -> str | None: ...
    def config(self) -> dict[str, str]: ...
    def log_enabled(self, level: str) -> bool: ...
    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None: ...
    def after(self, name: str, delay_ms: int, payload: bytes) -> None: ...
    def cancel(self, name: str) -> bool: ...
    def secret(self, name: str) -> str: ...
    def state_get(self, key: str) -> bytes | None: ...
    def state_get_each(self, keys: list[str]) -> list[bytes | None]: ...
    def state_set(self, key: str, value: bytes, ttl_ms: int | None) -> None: ...
    def state_delete(self, key: str) -> None: ...
    def state_keys(self, prefix: str, after: str | None) -> list[str]: ...
    def state_increment(self, key: str, by: int) -> int: ...
    def state_swap(self, key: str, expected: bytes | None, value: bytes | None, ttl_ms: int | None) -> bool: ...
    def state_flush(self) -> None: ...


_node: Node | None = None


def use(node: Node | None) -> Node | None:
    """Lets a node be the one that is asked; gives the one before."""
    global _node
    before, _node = _node, node
    return before


def node() -> Node:
    """The node that is asked."""
    if _node is None:
        raise RuntimeError("there is no node here; in a test, deliver an event with hive.testing")
    return _node
