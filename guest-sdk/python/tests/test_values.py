"""What values become on their way out, and what is read of them on their way in."""

from __future__ import annotations

import enum
import unittest
from dataclasses import dataclass
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Optional
from unittest import mock
from uuid import UUID

import hive
from hive import Message, _registry
from hive._context import Event
from hive._fit import read_as
from hive._message import to_message
from hive._state import _read
from hive.testing import Host

# A plugin of its own.
WRITER = _registry.Plugin(name="writer", publishes=["out/*"])


class Size(enum.Enum):
    SMALL = 1
    LARGE = 2


@dataclass
class Visit:
    at: datetime
    day: date
    hour: time
    id: UUID
    price: Decimal


LOOP: list[object] = []
LOOP.append(LOOP)
VISIT = Visit(
    datetime(2026, 1, 31, 12, 30, tzinfo=timezone.utc), date(2026, 1, 31), time(12, 30), UUID(int=7), Decimal("9.90")
)
WRITTEN = (
    '{"at":"2026-01-31T12:30:00+00:00","day":"2026-01-31","hour":"12:30:00",'
    '"id":"00000000-0000-0000-0000-000000000007","price":"9.90"}'
)
NO_JSON = {
    "nan": {"x": {"y": float("nan")}},
    "loop": LOOP,
    "surrogate": {"x": "\ud800"},
    "bytes": [b"x"],
    "class": Visit,
}


def read(kind, payload, content_type=None):
    return read_as(Event("a/b", Message(payload, content_type)), kind)


with mock.patch.object(_registry, "PLUGIN", WRITER):

    @hive.on("write/it")
    def write(how: str) -> None:
        hive.publish("out/x", NO_JSON[how])

    @hive.answer("answer/it")
    def answer(how: str) -> object:
        return NO_JSON[how]


class Values(unittest.TestCase):
    def setUp(self):
        for module in ("hive._registry", "hive._handle", "hive.testing"):
            patch = mock.patch(f"{module}.PLUGIN", WRITER)
            patch.start()
            self.addCleanup(patch.stop)

    def test_what_is_no_json_is_a_mistake_that_is_told_with_its_line(self):
        for how in NO_JSON:
            done = Host().deliver("write/it", how)
            self.assertTrue(done.failure.rejected, how)
            self.assertTrue(done.failure.reason.startswith("TypeError: the value cannot be written as JSON: "), done.failure)
            self.assertIn("test_values.py", done.failure.reason)
            self.assertIn('hive.publish("out/x"', done.logged[0][1])
            self.assertNotIn("/json/", done.logged[0][1])
            self.assertNotIn("_message.py", done.logged[0][1])

    def test_an_answer_that_is_no_json_is_told_with_its_handler(self):
        done = Host().call("answer/it", "nan")
        line = answer.__code__.co_firstlineno
        want = rf"TypeError: the answer on `answer/it` \(.*test_values.py:{line}\): the value cannot be written as JSON: Out of"
        self.assertTrue(done.failure.rejected)
        self.assertRegex(done.failure.reason, want)
        ((level, said, _),) = done.logged
        self.assertEqual(level, "error")
        self.assertRegex(said, want)
        self.assertNotIn("_handle.py", said)

    def test_what_is_read_as_json_is_json_in_utf_8(self):
        for payload in (b"5\x00", b"NaN", b'{"a":-Infinity}', b"\xef\xbb\xbf5"):
            with self.assertRaisesRegex(hive.Reject, "the payload does not parse"):
                read(object, payload, "application/json")
            with self.assertRaisesRegex(hive.HiveError, "`k`"):
                _read("k", payload, object)
        self.assertEqual(read(str, b"NaN"), "NaN")
        self.assertEqual(Message(b"NaN").data(), "NaN")

    def test_keys_are_what_the_annotation_says(self):
        self.assertEqual(read(dict[int, str], b'{"1":"a"}'), {1: "a"})
        self.assertEqual(read(dict[Size, int], b'{"2":5}'), {Size.LARGE: 5})
        self.assertEqual(read(dict[str, int], b'{"2":5}'), {"2": 5})
        self.assertEqual(read(dict[date, int], b'{"2026-01-31":5}'), {date(2026, 1, 31): 5})
        for kind, payload, want in [
            (dict[int, str], b'{"one":"a"}', "the key of `one` is 'one', not a whole number"),
            (dict[str, dict[Size, int]], b'{"a":{"3":1}}', "the key of `a.3` is '3', not one of 1, 2"),
        ]:
            with self.assertRaisesRegex(hive.Reject, want):
                read(kind, payload)

    def test_times_ids_and_decimals_are_written_as_texts_and_read_back(self):
        message = to_message(VISIT)
        self.assertEqual(message.text(), WRITTEN)
        self.assertEqual(read(Visit, message.payload), VISIT)
        self.assertEqual(read(datetime, b"2026-01-31T12:30:00+00:00"), VISIT.at)
        self.assertEqual(read(Optional[Decimal], b"9.9"), Decimal("9.9"))
        self.assertEqual(to_message({b"x", "b", "a", "c"} - {b"x"}).text(), '["a","b","c"]')
        for kind, payload, want in [
            (datetime, b'"soon"', "it is 'soon', not a date with its time, as `2026-01-31T12:00:00\\+00:00`"),
            (date, b"7", "it is 7, not a date, as `2026-01-31`"),
            (time, b'"noon"', "it is 'noon', not a time, as `12:00:00`"),
            (UUID, b'"7"', "it is '7', not a UUID"),
            (Decimal, b'"much"', "it is 'much', not a decimal number"),
            (Decimal, b"true", "it is True, not a decimal number"),
        ]:
            with self.assertRaisesRegex(hive.Reject, want):
                read(kind, payload, "application/json")


if __name__ == "__main__":
    unittest.main()
