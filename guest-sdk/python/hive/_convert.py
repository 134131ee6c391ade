"""From what JSON has to what a function's annotation says: dataclasses, lists, dicts, options, enumerations, times."""

from __future__ import annotations

import dataclasses
import enum
import json
import types
import typing
from typing import Any, Union

_PLAIN = (str, int, float, bool, bytes)

# Types that are texts in JSON, and what such a text is. By their names: few projects import all of them.
_TEXTS = {
    "datetime.datetime": "a date with its time, as `2026-01-31T12:00:00+00:00`",
    "datetime.date": "a date, as `2026-01-31`",
    "datetime.time": "a time, as `12:00:00`",
    "uuid.UUID": "a UUID",
    "decimal.Decimal": "a decimal number",
}


class Mismatch(ValueError):
    """What was found is not what was expected."""


def convert(value: Any, wanted: Any, where: str = "") -> Any:
    """The value as the annotation wants it."""
    if wanted in (Any, object, None) or isinstance(wanted, (str, typing.TypeVar)):
        return value
    origin, args = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (Union, types.UnionType):
        return _one_of(value, args, where)
    if origin is typing.Annotated:
        return convert(value, args[0], where)
    if origin is typing.Literal:
        return value if value in args else _fail(value, f"one of {', '.join(map(repr, args))}", where)
    if origin in (list, set, frozenset, tuple) or wanted in (list, set, frozenset, tuple):
        return _sequence(value, origin or wanted, args, where)
    if origin is dict or wanted is dict:
        return _mapping(value, args, where)
    if dataclasses.is_dataclass(wanted):
        return _dataclass(value, wanted, where)
    if isinstance(wanted, type):
        return _plain(value, wanted, where)
    return value


def text_of(value: object) -> str | None:
    """How one of a type that is a text in JSON is written; None for others."""
    if any(_named(kind) in _TEXTS for kind in type(value).__mro__):
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    return None


def _one_of(value: Any, kinds: tuple[Any, ...], where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    wrong: list[str] = []
    for kind in kinds:
        if kind is type(None):
            continue
        try:
            return convert(value, kind, where)
        except Mismatch as error:
            wrong.append(str(error))
    raise Mismatch(" or ".join(wrong))


def _sequence(value: Any, kind: type, args: tuple[Any, ...], where: str) -> Any:
    if not isinstance(value, list):
        _fail(value, "a list", where)
    if kind is tuple and args and args[-1] is not Ellipsis:
        if len(value) != len(args):
            _fail(value, f"a list of {len(args)}", where)
        return tuple(convert(item, of, f"{where}[{at}]") for at, (item, of) in enumerate(zip(value, args)))
    of = args[0] if args else Any
    return kind(convert(item, of, f"{where}[{at}]") for at, item in enumerate(value))


def _mapping(value: Any, args: tuple[Any, ...], where: str) -> Any:
    if not isinstance(value, dict):
        _fail(value, "an object", where)
    keys, of = args if len(args) > 1 else (str, Any)
    return {_key(key, keys, _field(where, key)): convert(item, of, _field(where, key)) for key, item in value.items()}


def _key(key: str, wanted: Any, where: str) -> Any:
    """A key, which JSON has as a text: also where it is a number."""
    try:
        return convert(key, wanted, where)
    except Mismatch as error:
        try:
            return convert(json.loads(key), wanted, where)
        except ValueError:
            raise Mismatch(f"the key of {error}") from None


def _dataclass(value: Any, wanted: Any, where: str) -> Any:
    if not isinstance(value, dict):
        _fail(value, f"an object with the fields of {wanted.__name__}", where)
    hints = typing.get_type_hints(wanted)
    known = {}
    for item in dataclasses.fields(wanted):
        if not item.init:
            continue
        if item.name in value:
            known[item.name] = convert(value[item.name], hints.get(item.name, Any), _field(where, item.name))
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise Mismatch(f"the field `{_field(where, item.name)}` is missing")
    return wanted(**known)


def _plain(value: Any, wanted: type, where: str) -> Any:
    if wanted is type(None):
        return None if value is None else _fail(value, "null", where)
    if issubclass(wanted, enum.Enum):
        try:
            return wanted(value)
        except ValueError:
            _fail(value, f"one of {', '.join(repr(member.value) for member in wanted)}", where)
    if _named(wanted) in _TEXTS:
        return _from_text(value, wanted, where)
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted in _PLAIN and (not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)):
        _fail(value, {str: "a text", bytes: "bytes", int: "a whole number", float: "a number", bool: "true or false"}[wanted], where)
    return value


def _from_text(value: Any, wanted: type, where: str) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(value, str) or (is_number and _named(wanted) == "decimal.Decimal"):
        try:
            return getattr(wanted, "fromisoformat", wanted)(str(value))
        except (ValueError, ArithmeticError):
            pass
    return _fail(value, _TEXTS[_named(wanted)], where)


def _named(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _field(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _fail(value: Any, wanted: str, where: str) -> Any:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else shown[:60] + "…"
    raise Mismatch(f"{f'`{where}` is' if where else 'it is'} {shown}, not {wanted}")
