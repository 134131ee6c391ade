"""The fake node refuses what a node would, in its words."""

from __future__ import annotations

import unittest
from typing import Any, Callable
from unittest import mock

import hive
from hive import _registry
from hive._patterns import covers, matches
from hive.testing import Host

# A plugin of its own.
ASKER = _registry.Plugin(name="asker", publishes=["out/*", "names/**", "{shop}/done"])

DEEDS: dict[str, Callable[[], Any]] = {
    "publish": lambda: hive.publish("in/x", 1),
    "retain": lambda: hive.retain("in/x", 1),
    "clear": lambda: hive.clear("in/x"),
    "forward": lambda: hive.forward("in/x"),
    "call": lambda: hive.call("in/x"),
    "gather": lambda: hive.gather("in/x"),
    "call_each": lambda: hive.call_each([("in/x", 1)])[0].code,
    "many": lambda: hive.call_each([("names/a", 1)] * 65),
    "no channel": lambda: hive.publish("out//x", 1),
    "wild": lambda: hive.publish("out/*", 1),
    "mesh": lambda: hive.publish("out/x", 1, headers={"hive-id": 1}),
    "kept": lambda: hive.kept("far/x"),
    "after": lambda: hive.after("other", 1),
    "declared": lambda: hive.after("report", 1),
    "slash": lambda: hive.after("a/b", 1),
    "timers": lambda: [hive.after(f"once-{at}", 1) for at in range(64)],
    "secret": lambda: hive.secret("door"),
    "nobody": lambda: hive.gather("names/none/there"),
    "everybody": lambda: hive.publish("out/said", told(hive.gather("names/nick"))),
    "enough": lambda: hive.publish("out/said", told(hive.gather("names/nick", limit=1))),
    "fine": lambda: hive.publish("baker/done", [*hive.kept_values("in/here")]),
}


def told(answers: hive.Answers) -> list[object]:
    return [(one.origin, one.value if one.error is None else one.error.code) for one in answers.answers]


def rejecting(_: object) -> object:
    raise hive.Reject("no such name")


with mock.patch.object(_registry, "PLUGIN", ASKER):

    @hive.on("in/*")
    def do(what: str) -> None:
        said = DEEDS[what]()
        if what == "call_each":
            hive.publish("out/said", said)

    @hive.answer("{shop}/ask")
    def ask(name: str) -> list[object]:
        try:
            return hive.call("names/nick", name)
        except hive.HiveError as error:
            return [error.code, error.value, str(error)]

    @hive.tick("report", "@every 1h")
    def report() -> None: ...

    @hive.on("*/other")
    def others() -> None: ...


class Fake(unittest.TestCase):
    def setUp(self):
        for module in ("hive._registry", "hive._handle", "hive.testing"):
            patch = mock.patch(f"{module}.PLUGIN", ASKER)
            patch.start()
            self.addCleanup(patch.stop)

    def test_what_a_node_refuses_is_refused(self):
        may_not = 'denied: the plugin may not publish to `in/x`, nor call it: its code does not declare that: publishes ["in/x"]'
        for what, want in [
            *((deed, may_not) for deed in ("publish", "retain", "clear", "forward", "call", "gather")),
            ("many", "too large: the limit is 64"),
            ("no channel", "invalid: `out//x` is no channel: there are no empty segments: no `/` at its ends, no `//`"),
            ("wild", "invalid: `out/*` is no channel: it has a `*`"),
            ("mesh", "invalid: headers that begin with `hive-` belong to the mesh"),
            ("kept", "denied: the plugin may not read what is kept on `far/x`: its code does not listen there"),
            ("after", "invalid: no subscription of the plugin matches `$timer/other`, where it would fire"),
            ("declared", "invalid: `report` is a timer that the plugin declares"),
            ("slash", "invalid: a timer's name is like one segment of a channel"),
            (
                "secret",
                "denied: the plugin has no secret `door`; the configuration would have to grant it: "
                "plugins: {each: {test: {secrets: {door: {file: PATH}}}}}",
            ),
        ]:
            done = Host().deliver("in/x", what)
            self.assertTrue(done.failure.rejected, what)
            self.assertEqual(done.failure.reason.removeprefix("`in/x`: "), want, what)
            self.assertEqual((done.published, done.retained, done.cleared, done.asked), ([], [], [], []), what)
        self.assertEqual(Host().deliver("in/x", "call_each").published_on("out/said"), ["denied"])

    def test_everybody_who_answers_is_asked_until_there_are_enough(self):
        host = Host(answers={"names/nick": "Ada", "names/*": rejecting, "*/nick": "Bo"})
        everybody = [["test-1", "Ada"], ["test-2", "rejected"], ["test-3", "Bo"]]
        self.assertEqual(host.deliver("in/x", "everybody").published_on("out/said"), [everybody])
        self.assertEqual(host.deliver("in/x", "enough").published_on("out/said"), [everybody[:1]])
        self.assertIn("nobody answers on that channel", host.deliver("in/x", "nobody").failure.reason)

    def test_what_went_well_has_no_failure(self):
        self.assertIsNone(Host(config={"shop": "baker"}).deliver("in/x", "fine").failure)

    def test_what_ticks_is_named(self):
        with self.assertRaisesRegex(AssertionError, "^the plugin has no timer `reprt`; it has report$"):
            Host().tick("reprt")
        with mock.patch.object(ASKER, "timers", []):
            with self.assertRaisesRegex(AssertionError, "^the plugin has no timer `report`; it has none$"):
                Host().tick("report")

    def test_timers_are_few(self):
        with mock.patch.object(ASKER, "subscriptions", [*ASKER.subscriptions]):
            with mock.patch.object(_registry, "PLUGIN", ASKER):
                hive.on("$timer/*")(lambda: None)
            host = Host()
            failure = host.deliver("in/x", "timers").failure
            self.assertEqual(failure.reason, "too large: the limit is 64")
            self.assertEqual((host.timer("once-62"), host.timer("once-63")), (1, None), "the declared one counts")

    def test_segments_are_filled_from_the_configuration(self):
        host = Host(config={"shop": "baker"}, answers={"names/*": str.upper})
        self.assertEqual(host.call("baker/ask", "ada").answer, "ADA")
        self.assertEqual(host.deliver("in/x", "fine").published_on("baker/done"), [[]])
        with self.assertRaisesRegex(AssertionError, r"does not answer on `baker/ask`: it does on \['\{shop\}/ask'\]"):
            Host().call("baker/ask", "ada")

    def test_what_an_answer_raises_is_what_a_call_gets(self):
        host = Host(config={"shop": "baker"}, answers={"names/*": rejecting})
        want = ["rejected", "no such name", "`names/nick`: the responder rejected the request: no such name"]
        self.assertEqual(host.call("baker/ask", "ada").answer, want)

        def failing(_: object) -> object:
            raise hive.Retry("not now")

        host = Host(config={"shop": "baker"}, answers={"names/*": failing})
        self.assertEqual(host.call("baker/ask", "ada").answer[:2], ["failed", "not now"])

    def test_patterns_match_and_cover_as_in_the_mesh(self):
        for pattern, channel, want in [
            ("a/*", "a/b", True),
            ("a/**", "a", True),
            ("**", "$timer/x", False),
            ("*/x", "$timer/x", False),
            ("$timer/*", "$timer/x", True),
            ("a/**/c", "a/b/b/c", True),
        ]:
            self.assertEqual(matches(pattern, channel), want, (pattern, channel))
        for pattern, other, want in [
            ("a/*", "a/b", True),
            ("a/*", "a/*", True),
            ("a/*", "a/**", False),
            ("a/**", "a/*/b", True),
            ("a/**/b", "a/**", False),
            ("**", "**", True),
        ]:
            self.assertEqual(covers(pattern, other), want, (pattern, other))


if __name__ == "__main__":
    unittest.main()
