"""Types that the data are of, down to their fields."""

from __future__ import annotations

import functools
import sys
import unittest
from dataclasses import dataclass
from typing import Literal, Optional, Union
from unittest import mock

import hive
from hive import _registry
from hive._fields import settle


@dataclass
class Bad:
    id: int
    lines: list[Lime]


@dataclass
class Holder:
    bads: dict[str, list[Optional[Bad]]]


@dataclass
class Heir(Bad):
    more: int = 0


@dataclass
class Wrong:
    at: Optional[sys.tomorrow]


@dataclass
class Odd:
    at: Literal["Lime"]
    of: int | 3 | "x"


@dataclass
class Early:
    late: Late
    union: Union[Late, tuple[Late, ...]]
    kind: Literal["Lime"]


@dataclass
class Late:
    early: Early | None = None


def place(line: str) -> str:
    with open(__file__) as source:
        return f"({__file__}:{1 + source.read().splitlines().index(line)})"


class Fields(unittest.TestCase):
    def test_a_field_of_no_type_is_refused_with_its_place(self):
        def plain(ctx: hive.Context, bad: Bad) -> None: ...
        def deep(holder: list[Holder | None]) -> None: ...
        def heir(heir: Heir) -> None: ...
        def wrong(wrong: Wrong) -> None: ...
        def odd(odd: Odd) -> None: ...

        cure = "define it in that module, or import it outside of TYPE_CHECKING"
        lines, tomorrow = place("    lines: list[Lime]"), place("    at: Optional[sys.tomorrow]")
        bad = f"Bad {lines}: what `lines` is, `list[Lime]`: name 'Lime' is not defined: {cure}"
        for function, want in [
            (plain, bad),
            (deep, bad),
            (heir, bad),
            (wrong, f"Wrong {tomorrow}: what `at` is, `Optional[sys.tomorrow]`: module 'sys' has no attribute 'tomorrow'"),
            (odd, f"Odd {place('class Odd:')}: what a field of it is: unsupported operand type(s) for |: 'type' and 'int'"),
        ]:
            with self.assertRaises(TypeError) as refused:
                settle(function)
            self.assertEqual(str(refused.exception), want)

    def test_what_is_defined_later_or_given_by_nobody_is_fine(self):
        def early(early: Early) -> Unseen: ...
        def left(early: Early, bad: Bad = None) -> None: ...
        def none() -> None: ...
        def message(message: hive.Message) -> None: ...

        @functools.wraps(early)
        def wrapped(*args): ...

        for function in (early, left, none, message, wrapped):
            settle(function)

    def test_it_is_said_when_all_of_a_plugin_is_there(self):
        plugin = _registry.Plugin()
        with mock.patch.object(_registry, "PLUGIN", plugin):
            hive.on("a/b")(lambda data: None)

            @hive.answer("a/c")
            def handle(bad: Bad) -> None: ...

        with self.assertRaisesRegex(TypeError, "what `lines` is"):
            plugin.complete()
        plugin = _registry.Plugin(instances="single", save=lambda: 1)
        with mock.patch.object(_registry, "PLUGIN", plugin):

            @hive.restore
            def restore(bad: list[Bad]) -> None: ...

        with self.assertRaisesRegex(TypeError, "what `lines` is"):
            plugin.complete()


if __name__ == "__main__":
    unittest.main()
