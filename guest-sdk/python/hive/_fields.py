"""Whether every type that handlers take is there, down to the fields of dataclasses: Python itself looks only when it is asked."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from typing import Any, Callable, NoReturn

from ._errors import in_project
from ._fit import data_kind


def settle(function: Callable[..., Any]) -> None:
    """Refuses a function whose data have a field that is of no type, as no event of it could ever be read."""
    _settle(data_kind(function), set())


def _settle(kind: Any, seen: set[type]) -> None:
    if typing.get_origin(kind) is typing.Literal:
        return
    for part in typing.get_args(kind):
        _settle(part, seen)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)) or kind in seen:
        return
    seen.add(kind)
    try:
        hints = typing.get_type_hints(kind)
    except Exception as error:  # noqa: BLE001, an annotation is any expression
        _refuse(kind, error)
    for item in dataclasses.fields(kind):
        _settle(hints.get(item.name), seen)


def _refuse(kind: type, error: Exception) -> NoReturn:
    """Says which field it is, and where."""
    missing = getattr(error, "name", None)
    cure = ": define it in that module, or import it outside of TYPE_CHECKING" if isinstance(error, NameError) else ""
    for owner, name, written in _annotations(kind):
        if missing and re.search(rf"\b{re.escape(missing)}\b", written):
            raise TypeError(f"{owner.__qualname__}{_place(owner, name)}: what `{name}` is, `{written}`: {error}{cure}") from None
    raise TypeError(f"{kind.__qualname__}{_place(kind)}: what a field of it is: {error}{cure}") from None


def _annotations(kind: type) -> typing.Iterator[tuple[type, str, str]]:
    """The class that has it, the name and the text of every annotation, in the order that they are resolved in."""
    for owner in reversed(kind.__mro__):
        for name, annotation in _own(owner).items():
            yield owner, name, annotation if isinstance(annotation, str) else repr(annotation)


def _own(owner: type) -> dict[str, Any]:
    """What a class itself annotates; since 3.14 it is asked for as it is written."""
    try:
        from annotationlib import Format, get_annotations
    except ImportError:
        return inspect.get_annotations(owner)
    return get_annotations(owner, format=Format.STRING)


def _place(owner: type, field: str | None = None) -> str:
    """The file and line of a class or its field; nothing where there is no source."""
    try:
        lines, first = inspect.getsourcelines(owner)
        file = in_project(inspect.getfile(owner))
    except (OSError, TypeError):
        return ""
    begins = re.compile(rf"\s*{re.escape(field)}\s*:" if field else r"\s*class\b")
    at = next((at for at, line in enumerate(lines) if begins.match(line)), 0)
    return f" ({file}:{first + at})"
