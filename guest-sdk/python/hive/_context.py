"""The event in hand, beside its payload."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from ._message import Headers, Message
from ._node import node
from ._state import once


@dataclass
class Event:
    """An event as the node delivers it."""

    channel: str
    message: Message
    subscription: int = 0
    attempt: int = 1
    retained: bool = False
    wants_reply: bool = False


class Context:
    """Facts about the event that is being handled."""

    def __init__(self, event: Event) -> None:
        self._event = event

    @property
    def channel(self) -> str:
        """The channel the event came on, without its network: never a pattern."""
        return self._event.channel

    def segment(self, index: int) -> str | None:
        """One segment of the channel, counted from 0: what a `*` stood for."""
        segments = self._event.channel.split("/")
        return segments[index] if 0 <= index < len(segments) else None

    @property
    def message(self) -> Message:
        """The message with its bytes, content type, key and headers."""
        return self._event.message

    @property
    def content_type(self) -> str | None:
        return self._event.message.content_type

    @property
    def key(self) -> str | None:
        return self._event.message.key

    @property
    def headers(self) -> Headers:
        return self._event.message.headers

    def header(self, name: str) -> str | None:
        """The publisher's header of that name; the first if there are several."""
        return self._event.message.header(name)

    @property
    def attempt(self) -> int:
        """1 the first time this event is handled, then 2, 3, …"""
        return self._event.attempt

    @property
    def retained(self) -> bool:
        """Whether it is a channel's kept value and not a live event."""
        return self._event.retained

    @property
    def wants_reply(self) -> bool:
        """Whether somebody waits for the answer."""
        return self._event.wants_reply

    @property
    def id(self) -> str:
        """The event's id: unique for each publish, the same on every redelivery."""
        return node().current("id")

    def once(self) -> bool:
        """Whether this event is handled for the first time, on this node.

        False when an earlier attempt was done with it and only its outcome was lost on the way. Remembered for 24 hours;
        see `hive.once`.
        """
        return once(self.id)

    @property
    def origin(self) -> str:
        """The id of the publishing node, as the mesh authenticated it."""
        return node().current("origin")

    @property
    def origin_name(self) -> str:
        """What the publishing node calls itself: a claim, for people."""
        return node().current("origin_name")

    @property
    def network(self) -> str | None:
        """The network it was published to; None for a local (one-segment) channel."""
        return node().current("network")

    @property
    def published_at(self) -> datetime:
        """When it was published, by the origin's clock."""
        return datetime.fromtimestamp(node().current("published_at") / 1000, timezone.utc)

    @property
    def time_left(self) -> float:
        """Seconds until this call is cut."""
        return node().current("time_left") / 1000

    @property
    def mesh_headers(self) -> Headers:
        """The mesh's own headers (`hive-*`, `traceparent`)."""
        return node().current("mesh_headers")
