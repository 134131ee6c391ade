"""Messages, made and read: JSON unless somebody says otherwise."""

from __future__ import annotations

import dataclasses
import enum
import json
from dataclasses import dataclass, field
from typing import Any, Iterator

from ._convert import text_of

JSON = "application/json"

Headers = list[tuple[str, str]]


@dataclass
class Message:
    """A message whose every part is yours."""

    payload: bytes = b""
    content_type: str | None = None
    key: str | None = None
    headers: Headers = field(default_factory=list)

    def text(self) -> str:
        """The payload as text."""
        return self.payload.decode()

    def json(self) -> Any:
        """The payload read as JSON; None if it is empty."""
        return read_json(self.payload) if self.payload else None

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for found, value in self.headers if found == name), None)

    def data(self) -> Any:
        """JSON as its value, `text/…` as a str, another content type as bytes.

        Without one it is JSON if it is JSON, else a str, else bytes. What is empty is None, but for a text.
        """
        if self._is_json():
            return self.json()
        kind = (self.content_type or "").strip().lower()
        if kind.startswith("text/"):
            return self.text()
        if kind and self.payload:
            return self.payload
        return next(iter(self.readings()))

    def readings(self) -> Iterator[Any]:
        """Everything that the payload may be, for a type that does not take what it is at first."""
        for read in (self.json,) if self._is_json() else (self.json, self.text, lambda: self.payload):
            try:
                yield read()
            except ValueError:
                continue

    def _is_json(self) -> bool:
        kind = (self.content_type or "").split(";")[0].strip().lower()
        return kind == JSON or kind.endswith("+json")


def to_message(
    value: object,
    key: str | None = None,
    headers: dict[str, str] | Headers | None = None,
    content_type: str | None = None,
) -> Message:
    """What a function gives as a message: nothing, bytes and messages as they are, everything else as JSON."""
    if isinstance(value, Message):
        message = dataclasses.replace(value)
    elif value is None:
        message = Message()
    elif isinstance(value, (bytes, bytearray, memoryview)):
        message = Message(bytes(value))
    else:
        message = json_message(value)
    if key is not None:
        message.key = str(key)
    if headers is not None:
        message.headers = to_headers(headers)
    if content_type is not None:
        message.content_type = content_type
    return message


def to_headers(headers: dict[str, str] | Headers) -> Headers:
    """Headers as pairs of texts."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    return [(str(name), str(text)) for name, text in pairs]


def read_json(payload: bytes) -> Any:
    """What is JSON in UTF-8, and nothing else that Python would take for it.

    ValueError when it is none.
    """
    try:
        return json.loads(payload.decode(), parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def json_message(value: object) -> Message:
    """A value as JSON; dataclasses and enumerations are written by their fields and values."""
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return Message(text.encode(), JSON)
    except (TypeError, ValueError, RecursionError) as error:
        # Since 3.14 the notes say where in the value it is.
        why = ", ".join([str(error), *getattr(error, "__notes__", [])])
        raise TypeError(f"the value cannot be written as JSON: {why}") from None


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (set, frozenset)):
        # In one order, as what is expected of the state is compared as it is written.
        return sorted(value, key=repr)
    text = text_of(value)
    if text is not None:
        return text
    raise TypeError(f"{type(value).__name__} is no type of JSON")
