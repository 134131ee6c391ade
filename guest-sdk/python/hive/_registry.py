"""What the plugin says of itself: collected while its modules are loaded, which happens when it is built."""

from __future__ import annotations

import inspect
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Callable, TypeVar

from ._context import Event
from ._errors import Reject, in_project
from ._fields import settle
from ._fit import handling, restoring, taking_nothing, ticking
from ._patterns import check_pattern, check_timer

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass
class Subscription:
    """One thing the plugin listens to."""

    pattern: str
    run: Callable[[Event], Any]
    answers: bool
    group: bool | str
    durable: bool
    #: The code of its function, where it is one.
    code: types.CodeType | None

    def named(self) -> str:
        """Its pattern, and where its function is."""
        place = f" ({in_project(self.code.co_filename)}:{self.code.co_firstlineno})" if self.code else ""
        return f"`{self.pattern}`{place}"


@dataclass
class Timer:
    """One of the plugin's clocks."""

    name: str
    schedule: str
    run: Callable[[Event], Any]
    mesh: bool


@dataclass
class Plugin:
    """Everything the plugin says of itself."""

    name: str = ""
    version: str = ""
    instances: str = "pool"
    publishes: list[str] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    starts: list[Callable[[], object]] = field(default_factory=list)
    save: Callable[[], object] | None = None
    restore: Callable[[Event, str], object] | None = None
    #: The functions that are given data.
    takers: list[Callable[..., Any]] = field(default_factory=list)

    def chosen(self, event: Event) -> Callable[[Event], Any]:
        """The function that an event is for."""
        for timer in self.timers:
            if event.channel == f"$timer/{timer.name}":
                return timer.run
        if event.subscription >= len(self.subscriptions):
            raise Reject(f"there is no subscription {event.subscription}")
        return self.subscriptions[event.subscription].run

    def complete(self) -> None:
        """Says what is wrong with the plugin as a whole."""
        if (self.save is None) != (self.restore is None):
            raise TypeError("@hive.save and @hive.restore belong together: what one gives, the other gets")
        if self.save and self.instances != "single":
            raise TypeError('only a plugin that keeps one instance saves it: hive.plugin(instances="single")')
        for function in self.takers:
            settle(function)


#: The plugin whose modules are being loaded.
PLUGIN = Plugin()


def plugin(
    *,
    name: str | None = None,
    version: str | None = None,
    instances: typing.Literal["pool", "fresh", "single"] | None = None,
    publishes: list[str] | None = None,
) -> None:
    """Says what the plugin is and where it means to publish; the node denies it every other channel."""
    if instances not in (None, "pool", "fresh", "single"):
        raise ValueError(f"instances is pool, fresh or single, not {instances}")
    if isinstance(publishes, str):
        raise TypeError("publishes is a list of patterns")
    for pattern in publishes or []:
        check_pattern(pattern)
    PLUGIN.name = name if name is not None else PLUGIN.name
    PLUGIN.version = version if version is not None else PLUGIN.version
    PLUGIN.instances = instances if instances is not None else PLUGIN.instances
    PLUGIN.publishes = [*PLUGIN.publishes, *(publishes or [])]


def on(pattern: str, *, group: bool | str = False, durable: bool = False) -> Callable[[Function], Function]:
    """Handles events. A `{name}` segment is what the configuration has there.

    Where several patterns match, the function that stands first in the source is the only one that runs. With `group` one node of the group gets each event; with `durable` each gets every event, also what durable
    channels carried while it was away. A group goes on where it left off anyway: both together are refused.
    """
    return _subscribe(pattern, False, group, durable)


def answer(pattern: str, *, group: bool | str = False, durable: bool = False) -> Callable[[Function], Function]:
    """Handles events, and answers calls with what the function returns; see `on`."""
    return _subscribe(pattern, True, group, durable)


def tick(name: str, schedule: str, *, mesh: bool = False) -> Callable[[Function], Function]:
    """Runs again and again: `@every 5s`, or five fields of cron in UTC; with `mesh` on one of the nodes that run it."""
    check_timer(name, schedule)

    def register(function: Function) -> Function:
        if any(other.name == name for other in PLUGIN.timers):
            raise ValueError(f"there are two timers {name}: the second, {function.__name__}, would never be called")
        PLUGIN.timers.append(Timer(name, schedule, ticking(function), mesh))
        return function

    return register


def start(function: Function) -> Function:
    """Runs once in each new instance, before its first event. What it raises refuses the instance."""
    taking_nothing(function, "start")
    PLUGIN.starts.append(function)
    return function


def save(function: Function) -> Function:
    """Gives the memory of a `single` plugin for the version that takes over. What it raises refuses that version."""
    taking_nothing(function, "save")
    PLUGIN.save = function
    return function


def restore(function: Function) -> Function:
    """Takes over what another version has saved, before the first event; what it raises refuses this version.

    It gets what was saved as its annotation says, and beside it, if it likes, what that version called itself.
    """
    PLUGIN.restore = restoring(function)
    PLUGIN.takers.append(function)
    return function


def _subscribe(pattern: str, answers: bool, group: bool | str, durable: bool) -> Callable[[Function], Function]:
    check_pattern(pattern)
    if durable and group:
        raise ValueError(f"`{pattern}` is `durable`, which is for who gets every event: a group goes on where it left off anyway")

    def register(function: Function) -> Function:
        if any(other.pattern == pattern for other in PLUGIN.subscriptions):
            raise ValueError(f"there are two handlers for {pattern}: the second, {function.__name__}, would never be called")
        code = getattr(inspect.unwrap(function), "__code__", None)
        PLUGIN.subscriptions.append(Subscription(pattern, handling(function), answers, group, durable, code))
        PLUGIN.takers.append(function)
        return function

    return register
