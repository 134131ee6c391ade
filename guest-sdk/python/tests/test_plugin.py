"""The SDK with a handler of each kind, under the fake node."""

from __future__ import annotations

import functools
import unittest
from dataclasses import dataclass, field
from typing import Optional

import hive
from hive import Message
from hive._context import Event
from hive._fit import MAY, handling, read_as, restoring, taking_nothing, ticking
from hive._patterns import check_pattern, check_timer
from hive.testing import Host

hive.plugin(name="sample", publishes=["out/*", "names/*", "nobody/*"])


@dataclass
class Reading:
    celsius: float
    tags: list[str] = field(default_factory=list)
    note: str | None = None


@hive.answer("greet/*")
def greet(name: str | None, ctx) -> str:
    return f"Hello, {name or ctx.segment(1)}!"


@hive.on("sensor/*")
def double(reading: Reading) -> None:
    hive.publish("out/reading", Reading(reading.celsius * 2, reading.tags), key="k")


@hive.on("raw/*")
def raw(payload: bytes) -> None:
    hive.publish("out/raw", len(payload))


@hive.on("fails/*")
def fails(how: str) -> None:
    if how == "reject":
        raise hive.Reject("never")
    if how == "retry":
        raise hive.Retry("not now", after=1.5)
    if how == "call":
        hive.call("nobody/there")
    if how == "bug":
        {}["missing"]
    try:
        raise OSError("the reason")
    except OSError as error:
        raise RuntimeError("trouble") from error


@hive.answer("ask/*")
def ask(value):
    return hive.call("names/nick", value)


@hive.answer("all/*")
def everything():
    return [(kept.channel, kept.value) for kept in hive.kept_values("room/*")]


@hive.on("room/*")
def room():
    """What is kept is read where a plugin listens."""


@hive.answer("each/*")
def each():
    said, error = hive.call_each([("names/nick", "tea"), ("nobody/there", None)])
    return [said, error.code, error.channel, str(error)]


@hive.on("carry/*")
def carry():
    hive.log.info("carried", message=1, self=2)
    hive.forward("out/carried", {"tries": 3})


@hive.tick("report", "@every 10s")
def report():
    hive.retain("out/report", hive.config.get("limit", 7))


@hive.on("set/*")
def later(seconds: float):
    hive.after("once", seconds, {"due": True})


@hive.on("$timer/*")
def due(value):
    hive.publish("out/due", value)


class Sdk(unittest.TestCase):
    def test_answers_and_publishes_json(self):
        host = Host()
        self.assertEqual(host.call("greet/you", "Ada").answer, "Hello, Ada!")
        self.assertEqual(host.call("greet/you").answer, "Hello, you!")
        (sent,) = host.deliver("sensor/attic", {"celsius": 4}).ok().published
        self.assertEqual((sent.value, sent.message.key), ({"celsius": 8.0, "tags": [], "note": None}, "k"))
        self.assertEqual(host.deliver("raw/x", b"abc").published_on("out/raw"), [3])

    def test_what_is_raised_is_a_retry_or_a_rejection(self):
        def failure(how):
            return Host().deliver("fails/x", how).failure

        self.assertEqual((failure("reject").rejected, failure("reject").reason), (True, "never"))
        self.assertEqual((failure("retry").rejected, failure("retry").after_ms), (False, 1500))
        self.assertEqual(failure("call").reason, "`nobody/there`: nobody answers on that channel")
        bug = Host().deliver("fails/x", "bug")
        self.assertTrue(bug.failure.rejected)
        self.assertTrue(bug.failure.reason.startswith("KeyError: 'missing'\n"), bug.failure.reason)
        self.assertIn('test_plugin.py", line', bug.logged[0][1])
        trouble = failure("else")
        self.assertFalse(trouble.rejected)
        self.assertIn("OSError: the reason", trouble.reason)

    def test_tries_that_end_alike_are_told_once_with_their_traceback(self):
        tried = [Host().deliver("fails/x", how, attempt=attempt) for how, attempt in
                 (("else", 1), ("else", 2), ("bug", 3), ("else", 4), ("else", 1))]
        said = [done.logged[0][1] for done in tried]
        self.assertEqual(said[1], "attempt 2 ends likewise: RuntimeError: trouble")
        for whole in (said[0], said[2], said[3], said[4]):
            self.assertIn("Traceback", whole)
        self.assertIn("OSError: the reason", tried[1].failure.reason)

    def test_a_payload_is_what_its_content_type_says(self):
        for content_type, payload, want in [
            ("application/json; charset=utf-8", b'"Ada"', "Ada"),
            ("application/vnd.x+json", b'{"a":1}', {"a": 1}),
            ("application/json", b"", None),
            ("text/plain", b"Ada", "Ada"),
            ("Text/Plain; charset=utf-8", b"21.5", "21.5"),
            ("text/plain", b"", ""),
            (None, b"21.5", 21.5),
            (None, b"Ada", "Ada"),
            (None, b"\x41\xff", b"\x41\xff"),
            (None, b"", None),
            ("image/png", b"\x41\xff", b"\x41\xff"),
            ("image/png", b"", None),
        ]:
            self.assertEqual(Message(payload, content_type).data(), want, (content_type, payload))

    def test_an_annotation_takes_what_fits_it(self):
        def read(kind, payload, content_type=None):
            return read_as(Event("a/b", Message(payload, content_type)), kind)

        self.assertEqual(read(str, b"21.5"), "21.5")
        self.assertEqual(read(str, b""), "")
        self.assertEqual(read(Optional[str], b""), None)
        self.assertEqual(read(float, b"21.5", "text/plain"), 21.5)
        self.assertEqual(read(str, b"<a/>", "application/xml"), "<a/>")
        self.assertEqual(read(Reading, b'{"celsius": 4}', "application/x-www-form-urlencoded"), Reading(4.0))
        self.assertEqual(read(Optional[bytes], b"Ada"), b"Ada")
        for kind, payload, content_type in [(str, b"", "application/json"), (str, b"7", "application/json"), (str, b"\xff", None)]:
            with self.assertRaises(hive.Reject):
                read(kind, payload, content_type)

    def test_payloads_that_do_not_fit_are_rejected(self):
        def reason(value):
            failure = Host().deliver("sensor/attic", value).failure
            self.assertTrue(failure.rejected)
            return failure.reason

        self.assertIn("the payload does not parse", reason(Message(b"{", "application/json")))
        deep = Message(b"[" * 100_000 + b"]" * 100_000, "application/json")
        self.assertEqual(reason(deep), "the payload does not parse: it is nested too deep")
        self.assertIn("the payload does not parse: Expecting property name", reason(b"{"))
        self.assertIn("it is 'warm', not an object", reason(Message(b"warm", "text/plain")))
        self.assertIn("the field `celsius` is missing", reason({}))
        self.assertIn("`celsius` is 'warm', not a number", reason({"celsius": "warm"}))
        self.assertIn("`tags[0]` is 1, not a text", reason({"celsius": 1, "tags": [1]}))

    def test_calls_are_answered_by_the_test_and_kept_values_and_timers_are_there(self):
        host = Host(answers={"names/*": str.upper}, kept={"room/b": 2, "room/a": 1})
        self.assertEqual(host.call("ask/x", "ada").answer, "ADA")
        nobody = ["no-responder", "nobody/there", "`nobody/there`: nobody answers on that channel"]
        self.assertEqual(host.call("each/x").answer, ["TEA", *nobody])
        self.assertEqual(host.call("all/x").answer, [["room/a", 1], ["room/b", 2]])
        host.tick("report").ok()
        self.assertEqual(host.kept("out/report"), 7)
        host.deliver("set/x", 0.25).ok()
        self.assertEqual(host.timer("once"), 0.25)
        self.assertEqual(host.fire("once").published_on("out/due"), [{"due": True}])

    def test_whatever_a_field_is_called_and_a_header_holds_it_is_a_text(self):
        done = Host().deliver("carry/x", 5).ok()
        self.assertEqual(done.logged, [("info", "carried", {"message": "1", "self": "2"})])
        self.assertEqual((done.published[0].value, done.published[0].message.headers), (5, [("tries", "3")]))

    def test_the_configuration_has_the_type_of_its_default(self):
        host = Host(config={"limit": "many"})
        failure = host.tick("report").failure
        self.assertTrue(failure.rejected)
        self.assertEqual(failure.reason, "invalid: the configuration's `limit` is `many`, and a whole number is wanted")

    def test_a_decorator_without_a_pattern_is_refused_at_once(self):
        with self.assertRaisesRegex(TypeError, "write @hive.on"):
            hive.on(lambda: None)

    def test_an_async_handler_is_refused_at_once(self):
        async def later() -> None:
            pass

        with self.assertRaisesRegex(TypeError, "later is async, which nobody would wait for"):
            hive.answer("greet/later")(later)

    def test_parameters_are_given_what_they_say(self):
        def decorated(function):
            return functools.wraps(function)(lambda *args, **named: function(*args, **named))

        event = Event("a/b", Message(b"5"))
        for function, want in [
            (lambda: "nothing", "nothing"),
            (lambda data: data, 5),
            (lambda ctx: ctx.channel, "a/b"),
            (lambda context, data: (context.channel, data), ("a/b", 5)),
            (lambda *, data: data, 5),
            (lambda data, /, *, ctx: (data, ctx.channel), (5, "a/b")),
            (lambda data, limit=3, ctx=None: (data, limit, ctx.channel), (5, 3, "a/b")),
            (decorated(lambda data, ctx: (data, ctx.channel)), (5, "a/b")),
        ]:
            self.assertEqual(handling(function)(event), want)

        def annotated(data: float, where: Optional[hive.Context] = None, *, again: "Message") -> tuple:
            return data, where.channel, again.payload

        self.assertEqual(handling(annotated)(event), (5.0, "a/b", b"5"))
        self.assertEqual(ticking(lambda at: at.channel)(event), "a/b")
        self.assertEqual(restoring(lambda saved, *, version: (saved, version))(event, "2.0"), (5, "2.0"))

    def test_parameters_that_cannot_be_given_anything_are_refused_at_once(self):
        def add(a: int, b: int) -> int:
            return a + b

        async def later(): ...

        for fit, function, want in [
            (handling, add, "add would be given the event's data as `a` and `b`: " + MAY),
            (handling, lambda a, b: a, "data as `a` and `b`"),
            (handling, lambda *args: 1, "takes `*args`, which does not say what it is to be given"),
            (handling, lambda **named: 1, "takes `**named`, which does not say"),
            (ticking, lambda ctx, order: 1, "takes `order`: a tick takes nothing or a hive.Context"),
            (ticking, later, "later is async"),
            (restoring, lambda: 1, "takes 0 things: what restores takes what was saved and"),
            (lambda function: taking_nothing(function, "start"), lambda ctx: 1, "takes `ctx`: a function of @hive.start"),
        ]:
            with self.assertRaises(TypeError) as refused:
                fit(function)
            self.assertIn(want, str(refused.exception))

    def test_an_annotation_that_is_not_there_costs_no_other_and_data_need_theirs(self):
        def returns(reading: Reading, ctx: Unseen.Context | None) -> Unseen:
            return reading.celsius, ctx.channel

        def later(what: list[Unseen]) -> None: ...

        def left(reading: Reading, more: Unseen = None) -> None:
            return reading, more

        event = Event("a/b", Message(b'{"celsius": 4}'))
        self.assertEqual(handling(returns)(event), (4.0, "a/b"))
        self.assertEqual(handling(left)(event), (Reading(4.0), None))
        for fit in (handling, restoring):
            with self.assertRaises(TypeError) as refused:
                fit(later)
            self.assertEqual(
                str(refused.exception),
                "later: what `what` is, `list[Unseen]`, is not there yet: define it above the handler, and import it outside of "
                "TYPE_CHECKING",
            )

    def test_patterns_and_schedules_are_checked_as_a_node_does(self):
        for fine in ["a", "a/b", "*", "**", "a/*/b/**", "{room}/x", "$timer/tick", "**/*/**/*/**/**/**/**", "ä/$b"]:
            check_pattern(fine)
        for pattern, want in [
            ("", "at least one segment"),
            ("a//b", "no empty segments"),
            ("/a", "no empty segments"),
            ("a/b*", "whole segments"),
            ("a/x{b}", "stands for a whole segment"),
            ("a/{}", "names no value"),
            ("a b/c", "'a b' has ' ' in it"),
            ("a/**/b/**/c/**/d/**/e/**", "at most 4 `**`"),
            ("/".join("a" * 33), "at most 32 segments"),
            ("a" * 65, "longer than 64 bytes"),
            ("/".join(["a" * 60] * 5), "at most 255 bytes"),
        ]:
            with self.assertRaises(ValueError) as refused:
                hive.on(pattern)
            self.assertIn(want, str(refused.exception))
        for name, schedule in [("a", "@every 5s"), ("a", "*/5 * * * 1"), ("a", "@every 1h30m"), ("a", "@daily")]:
            check_timer(name, schedule)
        for name, schedule, want in [
            ("a", "@every 5", "needs a duration with its unit"),
            ("a", "@every", "five fields of cron"),
            ("a", "hourly", "five fields of cron"),
            ("a", "* * * *", "five fields of cron"),
            ("a/b", "@every 5s", "no name for a timer"),
            ("report", "@every 5s", "two timers report"),
        ]:
            with self.assertRaises(ValueError) as refused:
                hive.tick(name, schedule)(lambda: None)
            self.assertIn(want, str(refused.exception))
        with self.assertRaisesRegex(ValueError, "'a//b' is no pattern"):
            hive.plugin(publishes=["a//b"])

    def test_a_second_handler_for_a_pattern_is_refused_at_once(self):
        with self.assertRaisesRegex(ValueError, r"two handlers for greet/\*: the second, greet, would never be called"):
            hive.on("greet/*")(greet)

    def test_a_group_that_is_durable_is_refused_at_once(self):
        for declare in (hive.on, hive.answer):
            with self.assertRaisesRegex(ValueError, "`x/y` is `durable`, which is for who gets every event"):
                declare("x/y", group="one", durable=True)


if __name__ == "__main__":
    unittest.main()
