"""A fake node for unit tests: what a handler publishes, asks and logs is written down, and calls are answered by the
test. The plugin is what the modules that the test imports have registered."""

from __future__ import annotations

import os
import pathlib
import re
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Callable

from . import _node
from ._context import Event
from ._errors import Failure, HiveError, Reject, Retry
from ._handle import begin, handle, restore, save
from ._message import Headers, Message, to_message
from ._node import Kept
from ._patterns import channel_fault, covers, matches
from ._registry import PLUGIN
from ._store import Store

#: Calls made together, and timers of a plugin, at most.
_MOST = 64


def find_modules(project: str | os.PathLike[str]) -> None:
    """Has modules found where a build finds them: in the folders that `path` of the project's pyproject.toml names, and among its
    packages."""
    try:
        import tomllib
    except ImportError:  # Python 3.10 has none of its own.
        from pip._vendor import tomli as tomllib

    root = pathlib.Path(project)
    manifest = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    path = manifest.get("tool", {}).get("hive", {}).get("path", "src" if (root / "src").is_dir() else ".")
    folders = [path] if isinstance(path, str) else path
    sys.path[:0] = [str(root / folder) for folder in (*folders, ".hive/site")]


@dataclass
class Sent:
    """A message that a handler sent."""

    channel: str
    message: Message

    @property
    def value(self) -> Any:
        """Its data."""
        return self.message.data()


@dataclass
class Delivered:
    """What a handler did with one event."""

    published: list[Sent] = field(default_factory=list)
    retained: list[Sent] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    asked: list[Sent] = field(default_factory=list)
    #: Level, line and fields.
    logged: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    _said: Message | None | Failure = None

    def ok(self) -> Delivered:
        """The same, once it is sure that the handler did not fail."""
        assert not isinstance(self._said, Failure), f"the handler failed: {self._said.reason}"
        return self

    @property
    def answer(self) -> Any:
        """The answer to a call. An AssertionError where the handler failed."""
        self.ok()
        return self._said.data() if isinstance(self._said, Message) else None

    @property
    def failure(self) -> Failure | None:
        """How the handler failed; None: it did not."""
        return self._said if isinstance(self._said, Failure) else None

    def published_on(self, channel: str) -> list[Any]:
        """The values it published on one channel, in order."""
        return [sent.value for sent in self.published if sent.channel == channel]


class Host(Store):
    """A fake node with one instance of the plugin."""

    def __init__(
        self,
        *,
        config: dict[str, object] | None = None,
        answers: dict[str, Any] | None = None,
        kept: dict[str, object] | None = None,
        state: dict[str, object] | None = None,
        secrets: dict[str, str] | None = None,
    ) -> None:
        """`answers`: who answers the handler's calls, by pattern: values, or functions of the value asked with; `state`:
        what the plugin has kept, by key; `secrets`: what it is granted, by name."""
        PLUGIN.complete()
        super().__init__({key: to_message(value).payload for key, value in (state or {}).items()})
        self._secrets = secrets or {}
        self._config = {key: _text(value) for key, value in (config or {}).items()}
        self._answers = answers or {}
        self._kept = {channel: to_message(value) for channel, value in (kept or {}).items()}
        self._timers: dict[str, tuple[int, bytes]] = {}
        self._sent = 0
        self._started = False
        self._id = ""
        self._done = Delivered()
        self._event: Event | None = None

    def deliver(self, channel: str, value: object = None, **parts: Any) -> Delivered:
        """Delivers an event; `parts` are those of a message, `attempt`, `retained` and `id`, to deliver it twice."""
        return self._hand(channel, value, False, **parts)

    def call(self, channel: str, value: object = None, **parts: Any) -> Delivered:
        """Sends a request and waits for the answer."""
        return self._hand(channel, value, True, **parts)

    def tick(self, name: str) -> Delivered:
        """Lets one of the plugin's timers tick."""
        there = [timer.name for timer in PLUGIN.timers]
        assert name in there, f"the plugin has no timer `{name}`; it has {', '.join(there) or 'none'}"
        return self._run(Event(f"$timer/{name}", Message(), there.index(name)))

    def fire(self, name: str) -> Delivered:
        """Fires a one-shot timer that the plugin has set."""
        assert name in self._timers, f"the plugin has not set the timer `{name}`"
        _, payload = self._timers.pop(name)
        return self.deliver(f"$timer/{name}", payload)

    def timer(self, name: str) -> float | None:
        """Seconds after which a one-shot timer fires; None: it is not set."""
        return self._timers[name][0] / 1000 if name in self._timers else None

    def kept(self, channel: str) -> Any:
        """What is kept on a channel now."""
        message = self._kept.get(channel)
        return None if message is None else message.data()

    def save(self) -> bytes:
        """What the plugin saves for the version that takes over."""
        saved = self._within(save)
        assert not isinstance(saved, str), f"the plugin saves nothing: {saved}"
        return saved

    def restore(self, saved: object, version: str = "0.0.0") -> str | None:
        """Hands the plugin what another version has saved, before its first event; gives why it refuses."""

        def run() -> str | None:
            self._begin()
            return restore(version, to_message(saved).payload)

        return self._within(run)

    def _within(self, run: Callable[[], Any]) -> Any:
        before = _node.use(self)
        try:
            return run()
        finally:
            _node.use(before)

    def _begin(self) -> None:
        if not self._started:
            why = begin()
            assert why is None, f"the plugin refuses to start: {why}"
            self._started = True

    def _hand(
        self,
        channel: str,
        value: object,
        calls: bool,
        *,
        attempt: int = 1,
        retained: bool = False,
        id: str | None = None,
        **parts: Any,
    ) -> Delivered:
        takes = [(at, one.pattern) for at, one in enumerate(PLUGIN.subscriptions) if one.answers or not calls]
        at = next((at for at, pattern in takes if matches(self._filled(pattern), channel)), None)
        there = [pattern for _, pattern in takes]
        assert at is not None, f"the plugin does not {'answer' if calls else 'listen'} on `{channel}`: it does on {there}"
        return self._run(Event(channel, to_message(value, **parts), at, attempt, retained, calls), id)

    def _run(self, event: Event, id: str | None = None) -> Delivered:
        done = self._done = Delivered()
        self._event = event
        self._id = id or self._next()

        def run() -> Message | None | Failure:
            self._begin()
            return handle(event)

        done._said = self._within(run)
        return done

    def _next(self) -> str:
        self._sent += 1
        return f"test-{self._sent}"

    def _filled(self, pattern: str) -> str:
        """A pattern whose `{name}` segments are values of the configuration; one that is missing matches nothing."""
        is_name = re.compile(r"\{.+\}").fullmatch
        return "/".join(self._config.get(one[1:-1], one) if is_name(one) else one for one in pattern.split("/"))

    def _hears(self, fits: Callable[[str], bool]) -> bool:
        return any(fits(self._filled(one.pattern)) for one in PLUGIN.subscriptions)

    # What a handler sees of the node.

    def _may_send(self, channel: str, headers: Headers | tuple[()] = ()) -> None:
        """Refuses what a node would not carry for the plugin."""
        fault = channel_fault(channel)
        if fault is not None:
            raise HiveError("invalid", f"`{channel}` is no channel: {fault}")
        if any(name.startswith("hive-") for name, _ in headers):
            raise HiveError("invalid", "headers that begin with `hive-` belong to the mesh")
        if not any(matches(self._filled(pattern), channel) for pattern in PLUGIN.publishes):
            why = f'its code does not declare that: publishes ["{channel}"]'
            raise HiveError("denied", f"the plugin may not publish to `{channel}`, nor call it: {why}")

    def _note(self, sent: list[Sent], channel: str, message: Message) -> str:
        self._may_send(channel, message.headers)
        sent.append(Sent(channel, message))
        return self._next()

    def publish(self, channel: str, message: Message, expires_ms: int | None) -> str:
        return self._note(self._done.published, channel, message)

    def forward(self, channel: str, headers: Headers) -> str:
        carried = self._event.message
        return self._note(
            self._done.published, channel, Message(carried.payload, carried.content_type, carried.key, headers)
        )

    def retain(self, channel: str, message: Message) -> str:
        id = self._note(self._done.retained, channel, message)
        self._kept[channel] = message
        return id

    def clear(self, channel: str) -> None:
        self._may_send(channel)
        self._kept.pop(channel, None)
        self._done.cleared.append(channel)

    def request(self, channel: str, message: Message, timeout_ms: int) -> Message:
        return _answered(self._responders(channel, message)[0], message)

    def _responders(self, channel: str, message: Message) -> list[Any]:
        """Notes a question, and has who answers it, in the order of the test."""
        self._note(self._done.asked, channel, message)
        found = [answer for pattern, answer in self._answers.items() if matches(pattern, channel)]
        if not found:
            raise HiveError("no-responder")
        return found

    def request_each(self, calls: list[tuple[str, Message]], timeout_ms: int) -> list[Message | HiveError]:
        if len(calls) > _MOST:
            raise HiveError("too-large", _MOST)
        return [_outcome(lambda: self.request(*call, 0)) for call in calls]  # noqa: B023, it is called at once

    def gather(
        self, channel: str, message: Message, timeout_ms: int, limit: int
    ) -> tuple[list[tuple[str, Message | HiveError]], int]:
        said: list[tuple[str, Message | HiveError]] = []
        good = 0
        for answer in self._responders(channel, message):
            outcome = _outcome(lambda: _answered(answer, message))  # noqa: B023, it is called at once
            said.append((f"test-{len(said) + 1}", outcome))
            good += isinstance(outcome, Message)
            if good == limit > 0:
                break
        return said, 0

    def kept_values(self, pattern: str, after: str | None) -> list[Kept]:
        if not self._hears(lambda heard: covers(heard, pattern)):
            why = "its code does not listen there"
            raise HiveError("denied", f"the plugin may not read what is kept on `{pattern}`: {why}")
        return [
            Kept(channel, message, "test-kept", datetime.fromtimestamp(0, timezone.utc))
            for channel, message in sorted(self._kept.items())
            if matches(pattern, channel) and (after is None or channel > after)
        ]

    def current(self, fact: str) -> Any:
        return {"id": self._id, "network": None, "published_at": 0, "time_left": 5000, "mesh_headers": []}.get(
            fact, "test"
        )

    def where(self, fact: str) -> Any:
        return {"networks": ["hive"], "generation": 1}.get(fact, "test")

    def setting(self, key: str) -> str | None:
        return self._config.get(key)

    def config(self) -> dict[str, str]:
        return self._config

    def log_enabled(self, level: str) -> bool:
        return True

    def log(self, level: str, message: str, fields: list[tuple[str, str]]) -> None:
        self._done.logged.append((level, message, dict(fields)))

    def after(self, name: str, delay_ms: int, payload: bytes) -> None:
        channel, declared = f"$timer/{name}", [timer.name for timer in PLUGIN.timers]
        if "/" in name or channel_fault(channel) is not None:
            raise HiveError("invalid", "a timer's name is like one segment of a channel")
        if name in declared:
            raise HiveError("invalid", f"`{name}` is a timer that the plugin declares")
        if not self._hears(lambda heard: matches(heard, channel)):
            raise HiveError("invalid", f"no subscription of the plugin matches `{channel}`, where it would fire")
        if name not in self._timers and len(self._timers) + len(declared) >= _MOST:
            raise HiveError("too-large", _MOST)
        self._timers[name] = (delay_ms, payload)

    def cancel(self, name: str) -> bool:
        return self._timers.pop(name, None) is not None

    def secret(self, name: str) -> str:
        if name not in self._secrets:
            line = f"plugins: {{each: {{test: {{secrets: {{{name}: {{file: PATH}}}}}}}}}}"
            why = f"the plugin has no secret `{name}`; the configuration would have to grant it: {line}"
            raise HiveError("denied", why)
        return self._secrets[name]


def _outcome(ask: Callable[[], Message]) -> Message | HiveError:
    try:
        return ask()
    except HiveError as error:
        return error


def _answered(answer: Any, asked: Message) -> Message:
    """What somebody answers, or what a call of him comes to."""
    try:
        return to_message(answer(asked.data()) if callable(answer) else answer)
    except Reject as error:
        raise HiveError("rejected", str(error)) from None
    except Retry as error:
        raise HiveError("failed", str(error)) from None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
