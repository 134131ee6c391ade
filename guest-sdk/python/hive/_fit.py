"""What the parameters of a plugin's functions are given, by their annotations, and what they may be: said when one is loaded."""

from __future__ import annotations

import inspect
import re
import types
import typing
from dataclasses import dataclass
from typing import Any, Callable, NoReturn, Union

from ._context import Context, Event
from ._convert import Mismatch, convert
from ._errors import Reject
from ._message import Message

Giver = Callable[[Event], Any]

#: What handlers may take, for messages.
MAY = "a handler takes the event's data and, if it likes, a hive.Context, as in `def handle(order: Order, ctx: hive.Context)`"


def handling(function: Callable[..., Any]) -> Giver:
    """The function as one of an event: its parameters get the data and the context."""
    _is_plain(function, "handler")
    data: list[str] = []

    def giver(parameter: inspect.Parameter, kind: Any) -> Giver | None:
        if _is_context(parameter, kind, ("ctx", "context")):
            return Context
        if data and parameter.default is not inspect.Parameter.empty:
            return None
        if kind is not Message:
            data.append(parameter.name)
        return _data_giver(kind)

    run = _called(function, giver, MAY)
    if len(data) > 1:
        names = " and ".join(f"`{name}`" for name in data)
        raise TypeError(
            f"{function.__name__} would be given the event's data as {names}: {MAY}. Several values are one dataclass or dict"
        )
    return run


def ticking(function: Callable[..., Any]) -> Giver:
    """The same of a timer, whose events have no data."""
    _is_plain(function, "tick")
    may = "a tick takes nothing or a hive.Context"
    is_first = True

    def giver(parameter: inspect.Parameter, kind: Any) -> Giver | None:
        nonlocal is_first
        # There is nothing else that the only one could be.
        names, is_first = (parameter.name,) if is_first else (), False
        if _is_context(parameter, kind, names):
            return Context
        if parameter.default is not inspect.Parameter.empty:
            return None
        raise TypeError(f"{function.__name__} takes `{parameter.name}`: {may}")

    return _called(function, giver, may)


def restoring(function: Callable[..., Any]) -> Callable[[Event, str], Any]:
    """The same of what takes over the memory of another version, which may be told the name of that."""
    _is_plain(function, "restore")
    may = "what restores takes what was saved and, if it likes, the version that saved it"
    version = ""
    takes = 0

    def giver(parameter: inspect.Parameter, kind: Any) -> Giver | None:
        nonlocal takes
        if takes == 2 and parameter.default is not inspect.Parameter.empty:
            return None
        takes += 1
        return _data_giver(kind) if takes == 1 else lambda _: version

    run = _called(function, giver, may)
    if takes not in (1, 2):
        raise TypeError(f"{function.__name__} takes {takes} things: {may}")

    def restore(event: Event, said: str) -> Any:
        nonlocal version
        version = said
        return run(event)

    return restore


def taking_nothing(function: Callable[..., Any], what: str) -> None:
    """Refuses a function that would have to be given something."""
    _is_plain(function, what)
    may = f"a function of @hive.{what} takes nothing"

    def giver(parameter: inspect.Parameter, _: Any) -> None:
        if parameter.default is inspect.Parameter.empty:
            raise TypeError(f"{function.__name__} takes `{parameter.name}`: {may}")

    _called(function, giver, may)


def data_kind(function: Callable[..., Any]) -> Any:
    """What a function that was taken is given the data as."""
    signature = _signature(function)
    hints = _hints(function, signature)
    for parameter in signature.parameters.values():
        kind = hints.get(parameter.name, Any)
        if kind is not Message and not _is_context(parameter, kind, ("ctx", "context")):
            return kind
    return Any


def _is_plain(function: Callable[..., Any], what: str) -> None:
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"{function.__name__} is async, which nobody would wait for: a {what} is a plain function")


def _called(function: Callable[..., Any], giver: Callable[[inspect.Parameter, Any], Giver | None], may: str) -> Giver:
    """Calls the function with what `giver` finds for each parameter; what it finds nothing for is left to its default."""
    signature = _signature(function)
    hints = _hints(function, signature)
    placed: list[Giver] = []
    named: dict[str, Giver] = {}
    by_place = True
    for parameter in signature.parameters.values():
        if parameter.kind in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
            raise TypeError(
                f"{function.__name__} takes `{parameter}`, which does not say what it is to be given: {may}. "
                "Where a decorator made it, `@functools.wraps` says what it takes"
            )
        give = giver(parameter, hints.get(parameter.name, Any))
        if give is None:
            # Behind one that is left out there are no places any more.
            by_place = False
        elif by_place and parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            placed.append(give)
        else:
            named[parameter.name] = give
    if named:
        return lambda event: function(
            *(give(event) for give in placed), **{name: give(event) for name, give in named.items()}
        )
    return lambda event: function(*(give(event) for give in placed))


def _signature(function: Callable[..., Any]) -> inspect.Signature:
    """What the function takes; since 3.14 annotations are asked for as they are written, as one may not be there."""
    try:
        from annotationlib import Format
    except ImportError:
        return inspect.signature(function)
    return inspect.signature(function, annotation_format=Format.STRING)


@dataclass
class _NotYet:
    """In the place of an annotation that names what is not there: later in the file, or only for a type checker."""

    function: str
    name: str
    written: str

    def refuse(self) -> NoReturn:
        raise TypeError(
            f"{self.function}: what `{self.name}` is, `{self.written}`, is not there yet: define it above the handler, and "
            "import it outside of TYPE_CHECKING"
        )


def _hints(function: Callable[..., Any], signature: inspect.Signature) -> dict[str, Any]:
    """What the parameters are, each by itself where they are not all there."""
    try:
        return typing.get_type_hints(function)
    except NameError:
        pass
    hints: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        if parameter.annotation is not inspect.Parameter.empty:
            hints[name] = _hint(inspect.unwrap(function), name, parameter.annotation)
    return hints


def _hint(function: Callable[..., Any], name: str, annotation: Any) -> Any:
    def alone() -> None: ...

    alone.__annotations__ = {name: annotation}
    try:
        return typing.get_type_hints(alone, globalns=getattr(function, "__globals__", {}))[name]
    except NameError:
        return _NotYet(function.__name__, name, annotation if isinstance(annotation, str) else repr(annotation))


def _is_context(parameter: inspect.Parameter, kind: Any, names: tuple[str, ...]) -> bool:
    if parameter.annotation is inspect.Parameter.empty:
        return parameter.name in names
    if isinstance(kind, _NotYet):
        return re.search(r"\bContext\b", kind.written) is not None
    is_union = typing.get_origin(kind) in (Union, types.UnionType)
    return kind is Context or (is_union and Context in typing.get_args(kind))


def _data_giver(kind: Any) -> Giver:
    if isinstance(kind, _NotYet):
        kind.refuse()
    if kind is Message:
        return lambda event: event.message
    if kind is bytes:
        return lambda event: event.message.payload
    return lambda event: read_as(event, kind)


def read_as(event: Event, kind: Any) -> Any:
    """The event's data as the annotation wants them."""
    try:
        data = event.message.data()
    except ValueError as error:
        raise Reject(f"the payload does not parse: {error}") from None
    try:
        return convert(data, kind)
    except Mismatch as error:
        for other in event.message.readings():
            try:
                return convert(other, kind)
            except Mismatch:
                continue
        if isinstance(data, str):
            _wrong_json(event.message)
        raise Reject(f"the payload is not what the handler takes: {error}") from None


def _wrong_json(message: Message) -> None:
    """Says where a payload without a content type is no JSON, as a text is not what was wanted either."""
    if message.content_type is None:
        try:
            message.json()
        except ValueError as error:
            raise Reject(f"the payload does not parse: {error}") from None
