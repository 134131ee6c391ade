"""What the fake node keeps for the plugin, and its clock, which the test moves."""

from __future__ import annotations

from typing import Any

from ._errors import HiveError
from ._message import Message

_KEY_BYTES_MAX = 1 << 10
_VALUE_BYTES_MAX = 1 << 20
_KEYS_MAX = 256
# Keys of a page: few, so that a handler is tested with more pages than one.
_PAGE = 3


class Store:
    """The state of a plugin over a dict: it raises what the node would."""

    def __init__(self, values: dict[str, bytes]) -> None:
        #: Values, each with the moment from which on it is not there any more.
        self._values: dict[str, tuple[bytes, int | None]] = {key: (value, None) for key, value in values.items()}
        #: Milliseconds that the test has let pass.
        self._now = 0

    def state(self, key: str) -> Any:
        """What the plugin's state has for a key now."""
        found = self.state_get(key)
        return None if found is None else Message(found).data()

    def let_pass(self, seconds: float) -> None:
        """Lets time pass for what the plugin's state has only for so long."""
        self._now += round(seconds * 1000)
        self._values = {key: one for key, one in self._values.items() if one[1] is None or one[1] > self._now}

    # What a handler sees of it.

    def state_get(self, key: str) -> bytes | None:
        _check(key)
        return self._values[key][0] if key in self._values else None

    def state_get_each(self, keys: list[str]) -> list[bytes | None]:
        if len(keys) > _KEYS_MAX:
            raise HiveError("too-large", _KEYS_MAX)
        return [self.state_get(key) for key in keys]

    def state_set(self, key: str, value: bytes, ttl_ms: int | None) -> None:
        _check(key)
        if len(value) > _VALUE_BYTES_MAX:
            raise HiveError("too-large", _VALUE_BYTES_MAX)
        if ttl_ms == 0:
            raise HiveError("invalid", "a value is there for 1 ms at least")
        self._values[key] = (value, None if ttl_ms is None else self._now + ttl_ms)

    def state_delete(self, key: str) -> None:
        _check(key)
        self._values.pop(key, None)

    def state_keys(self, prefix: str, after: str | None) -> list[str]:
        ours = (key for key in self._values if key.startswith(prefix) and (after is None or key > after))
        return sorted(ours)[:_PAGE]

    def state_increment(self, key: str, by: int) -> int:
        _check(key)
        before, ends = self._values.get(key, (b"0", None))
        try:
            total = int(before) + by
        except ValueError:
            raise HiveError("invalid", f"`{key}` holds no whole number") from None
        if not -(2**63) <= total < 2**63:
            raise HiveError("invalid", f"the sum of `{key}` would not fit 64 bits")
        self._values[key] = (str(total).encode(), ends)
        return total

    def state_swap(self, key: str, expected: bytes | None, value: bytes | None, ttl_ms: int | None) -> bool:
        if self.state_get(key) != expected:
            return False
        if value is None:
            self.state_delete(key)
        else:
            self.state_set(key, value, ttl_ms)
        return True

    def state_flush(self) -> None:
        pass


def _check(key: str) -> None:
    size = len(key.encode())
    if size == 0:
        raise HiveError("invalid", "a key has at least one byte")
    if size > _KEY_BYTES_MAX:
        raise HiveError("too-large", _KEY_BYTES_MAX)
