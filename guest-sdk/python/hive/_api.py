"""What a handler can do."""

from __future__ import annotations

from typing import Any, Callable, Iterator, TypeVar, overload

from ._errors import HiveError
from ._message import Headers, Message, to_headers, to_message
from ._node import Answer, Answers, Kept, node

Value = TypeVar("Value", str, int, float, bool)
SomeHeaders = dict[str, str] | Headers


def publish(
    channel: str,
    value: object = None,
    *,
    key: str | None = None,
    headers: SomeHeaders | None = None,
    content_type: str | None = None,
    expires: float | None = None,
) -> str:
    """Publishes a value and gives the event's id. It takes effect at once, also when the handler fails later.

    After `expires` seconds nobody wants it: wherever it waits then, it is dropped.
    """
    message = to_message(value, key, headers, content_type)
    return node().publish(channel, message, None if expires is None else max(1, round(expires * 1000)))


def forward(channel: str, headers: SomeHeaders | None = None) -> str:
    """Publishes the payload of the event in hand, without copying it."""
    return node().forward(channel, to_headers(headers or []))


def retain(channel: str, value: object, *, key: str | None = None, headers: SomeHeaders | None = None) -> str:
    """Publishes a value and keeps it as the channel's last one, on every node."""
    return node().retain(channel, to_message(value, key, headers))


def clear(channel: str) -> None:
    """Forgets the channel's last value; subscribers get an empty event."""
    node().clear(channel)


def call(
    channel: str, value: object = None, *, timeout: float | None = None, headers: SomeHeaders | None = None
) -> Any:
    """Asks, and gives the answer's data. Without a timeout it waits as long as the event has time."""
    message = to_message(value, headers=headers)
    return _read(_calling(channel, lambda: node().request(channel, message, _ms(timeout))), channel)


def call_each(calls: list[tuple[str, object]], *, timeout: float | None = None) -> list[Any]:
    """Asks several at once, at most 64; a HiveError stands in the place of what failed."""
    asked = [(channel, to_message(value)) for channel, value in calls]
    said = node().request_each(asked, _ms(timeout))
    return [_outcome(one, channel) for one, (channel, _) in zip(said, asked)]


def gather(channel: str, value: object = None, *, timeout: float | None = None, limit: int = 0) -> Answers:
    """Asks everybody who answers there; ends early once `limit` answers are good."""
    message = to_message(value)
    said, missing = _calling(channel, lambda: node().gather(channel, message, _ms(timeout), limit))
    answers = []
    for origin, outcome in said:
        value = _outcome(outcome, channel)
        failed = isinstance(value, HiveError)
        answers.append(Answer(origin, error=value) if failed else Answer(origin, value))
    return Answers(answers, missing)


def kept(channel: str) -> Any:
    """A channel's kept value; None if there is none. The plugin subscribes there."""
    return next((found.value for found in kept_values(channel)), None)


def kept_values(pattern: str) -> Iterator[Kept]:
    """The kept values that match, in the order of their channels, page by page. The plugin subscribes there."""
    after = None
    while page := node().kept_values(pattern, after):
        yield from page
        after = page[-1].channel


def after(name: str, seconds: float, value: object = None) -> None:
    """Sets a one-shot timer: the value comes back as an event on `$timer/<name>`, to which the plugin subscribes."""
    node().after(name, max(0, round(seconds * 1000)), to_message(value).payload)


def cancel(name: str) -> bool:
    """Cancels a one-shot timer; False when there was none that had not fired."""
    return node().cancel(name)


#: What a default says is wanted.
_WANTED = {int: "a whole number", float: "a number", bool: "`true` or `false`"}


class _Config:
    """The plugin's configuration."""

    @overload
    def get(self, key: str) -> str | None: ...
    @overload
    def get(self, key: str, default: Value) -> Value: ...
    def get(self, key: str, default: Any = None) -> Any:
        """A value, in the type of the default; the default, or None, when it is not set."""
        text = node().setting(key)
        if text is None:
            return default
        if default is None or isinstance(default, str):
            return text
        if type(default) not in _WANTED:
            raise TypeError(f"a default is a text, a number or a truth, not {default!r}: config.get({key!r}) reads it")
        try:
            if isinstance(default, bool):
                return {"true": True, "false": False}[text]
            return type(default)(text)
        except (KeyError, ValueError):
            wanted = _WANTED[type(default)]
            raise HiveError("invalid", f"the configuration's `{key}` is `{text}`, and {wanted} is wanted") from None

    def all(self) -> dict[str, str]:
        """Everything, nested keys joined by dots."""
        return node().config()


def secret(name: str) -> str:
    """A secret that the node's configuration grants the plugin; a HiveError `denied` has the line to add."""
    return node().secret(name)


class _Log:
    """Lines in the node's log, under the plugin's name."""

    def enabled(self, level: str) -> bool:
        """Whether a line of that level is written at all."""
        return node().log_enabled(level)

    def trace(self, message: object, /, **fields: object) -> None:
        self._say("trace", message, fields)

    def debug(self, message: object, /, **fields: object) -> None:
        self._say("debug", message, fields)

    def info(self, message: object, /, **fields: object) -> None:
        self._say("info", message, fields)

    def warn(self, message: object, /, **fields: object) -> None:
        self._say("warn", message, fields)

    def error(self, message: object, /, **fields: object) -> None:
        self._say("error", message, fields)

    def _say(self, level: str, message: object, fields: dict[str, object]) -> None:
        node().log(level, str(message), [(name, str(value)) for name, value in fields.items()])


class _Here:
    """Where the plugin is."""

    @property
    def id(self) -> str:
        """The node's id: its public key."""
        return node().where("id")

    @property
    def name(self) -> str:
        """What the node is called, for people."""
        return node().where("name")

    @property
    def networks(self) -> list[str]:
        """The networks it is in, the home network first."""
        return node().where("networks")

    @property
    def plugin(self) -> str:
        """The plugin's identity on this node."""
        return node().where("plugin")

    @property
    def generation(self) -> int:
        """Which loaded version of the plugin this is."""
        return node().where("generation")


config = _Config()
log = _Log()
here = _Here()


def _calling(channel: str, call: Callable[[], Any]) -> Any:
    """Errors of a call name its channel."""
    try:
        return call()
    except HiveError as error:
        raise _of(channel, error) from None


def _of(channel: str, error: HiveError) -> HiveError:
    return HiveError(error.code, error.value, channel)


def _read(message: Message, channel: str) -> Any:
    try:
        return message.data()
    except ValueError as error:
        raise HiveError("unexpected-answer", error, channel) from None


def _outcome(said: Message | HiveError, channel: str) -> Any:
    if isinstance(said, HiveError):
        return _of(channel, said)
    try:
        return _read(said, channel)
    except HiveError as error:
        return error


def _ms(timeout: float | None) -> int:
    return 0 if timeout is None else max(1, round(timeout * 1000))
