"""What the SDK keeps: state, what is done once, secrets, and memory that is handed over."""

from __future__ import annotations

import unittest
from dataclasses import dataclass
from unittest import mock

import hive
from hive import _registry
from hive.testing import Host


@dataclass
class Memory:
    total: int = 0


@dataclass
class Stock:
    left: int


MEMORY = Memory()
state = hive.state

# A plugin of its own: that of the other tests keeps several instances.
KEEPER = _registry.Plugin(name="keeper", instances="single")


def values():
    state["a"] = {"b": [1, None]}
    state.set("raw", b"\x01\x02")
    state["stock"] = Stock(3)
    del state["gone"]
    try:
        state["gone"]
    except KeyError:
        gone = state.get("gone", "none")
    stock = state.get("stock", kind=Stock)
    return [state["a"], gone, list(state.bytes("raw")), state.get_each(["a", "gone"]), stock.left, "a" in state]


def keys():
    for key in ("k/5", "k/1", "k/4", "k/2", "k/3", "l"):
        state[key] = key
    state.delete("k/4")
    return [*state.keys("k/")], len([*state])


def sums():
    return state.increment("n"), state.increment("n", 41), state.increment("n", -2), state["n"]


def text():
    state["t"] = "x"
    return state.increment("t")


def half():
    return state.increment("n", 1.5)


def swaps():
    return (
        state.swap("s", None, 1),
        state.swap("s", None, 2),
        state.swap("s", 1, 3, ttl=1),
        state.update("u", lambda before: (before or 10) + 1),
        state.update("u", lambda before: before + 1),
        state.update("u", lambda _: None),
        "u" in state,
    )


def wrong_kind():
    state["stock"] = {"left": "many"}
    return state.get("stock", kind=Stock)


def once():
    state.flush()
    return hive.once("mine", remembered=0.05)


with mock.patch.object(_registry, "PLUGIN", KEEPER):

    @hive.answer("do/*")
    def do(what: str):
        deeds = (values, keys, sums, half, text, swaps, wrong_kind, once)
        return {deed.__name__: deed for deed in deeds}[what]()

    @hive.answer("do/secret")
    def secret():
        return hive.secret("database")

    @hive.answer("memory/total")
    def total() -> int:
        return MEMORY.total

    @hive.on("memory/add")
    def add(by: int) -> None:
        MEMORY.total += by

    @hive.on("orders/paid")
    def paid(order: dict, ctx: hive.Context) -> None:
        if not ctx.once():
            return
        state.increment("paid")
        if order.get("broken"):
            raise hive.Retry("the printer is busy")

    @hive.save
    def save() -> Memory:
        return MEMORY

    @hive.restore
    def restore(saved: Memory, version: str) -> None:
        if version == "9.9.9":
            raise hive.Reject("too new")
        MEMORY.total = saved.total


class Keeping(unittest.TestCase):
    def setUp(self):
        MEMORY.total = 0
        for module in ("hive._registry", "hive._handle", "hive.testing"):
            patch = mock.patch(f"{module}.PLUGIN", KEEPER)
            patch.start()
            self.addCleanup(patch.stop)

    def deed(self, what, host=None):
        return (host or Host()).call("do/it", what).answer

    def test_values_are_json_and_bytes_as_they_are(self):
        host = Host(state={"kept": 7})
        want = [{"b": [1, None]}, "none", [1, 2], [{"b": [1, None]}, None], 3, True]
        self.assertEqual(self.deed("values", host), want)
        self.assertEqual((host.state("kept"), host.state("stock"), host.state("none")), (7, {"left": 3}, None))

    def test_keys_come_in_order_page_by_page(self):
        self.assertEqual(self.deed("keys"), [["k/1", "k/2", "k/3", "k/5"], 5])

    def test_sums_and_swaps(self):
        host = Host()
        self.assertEqual(self.deed("sums", host), [1, 42, 40, 40])
        self.assertEqual(self.deed("swaps", host), [True, False, True, 11, 12, None, False])
        host.let_pass(0.999)
        self.assertEqual(host.state("s"), 3)
        host.let_pass(0.001)
        self.assertIsNone(host.state("s"))

    def test_what_the_node_refuses_and_what_is_of_another_kind_is_said(self):
        failure = Host().call("do/it", "text").failure
        self.assertIn("invalid: `t` holds no whole number", failure.reason)
        host = Host()
        failure = host.call("do/it", "half").failure
        self.assertEqual((failure.rejected, host.state("n")), (True, None))
        self.assertIn("TypeError: 'float' object cannot be interpreted as an integer", failure.reason)
        failure = Host().call("do/it", "wrong_kind").failure
        self.assertTrue(failure.rejected)
        self.assertIn("`stock`: `left` is 'many', not a whole number", failure.reason)

    def test_an_event_is_handled_once_and_again_when_it_was_not_done(self):
        host = Host()
        host.deliver("orders/paid", {}, id="e1").ok()
        host.deliver("orders/paid", {}, id="e1", attempt=2).ok()
        self.assertEqual(host.state("paid"), 1)
        failure = host.deliver("orders/paid", {"broken": True}, id="e2").failure
        self.assertEqual(failure.reason, "the printer is busy")
        host.deliver("orders/paid", {}, id="e2", attempt=2).ok()
        self.assertEqual(host.state("paid"), 3, "a failure keeps what it wrote, but not that it was done")

    def test_what_is_done_once_is_forgotten_when_its_time_is_over(self):
        host = Host()
        self.assertEqual((self.deed("once", host), self.deed("once", host)), (True, False))
        host.let_pass(0.05)
        self.assertTrue(self.deed("once", host))

    def test_secrets_are_what_the_configuration_grants(self):
        with mock.patch.object(KEEPER, "subscriptions", KEEPER.subscriptions[1:]):
            self.assertEqual(Host(secrets={"database": "s3cret"}).call("do/secret").answer, "s3cret")
            failure = Host().call("do/secret").failure
        self.assertTrue(failure.rejected)
        self.assertIn("{secrets: {database: {file: PATH}}}", failure.reason)

    def test_memory_is_handed_over_and_a_refusal_says_why(self):
        host = Host()
        host.deliver("memory/add", 5).ok()
        saved = host.save()
        host.deliver("memory/add", 5).ok()
        self.assertIsNone(host.restore(saved, "0.1.0"))
        self.assertEqual(host.call("memory/total").answer, 5)
        self.assertEqual(host.restore(saved, "9.9.9"), "what version 9.9.9 saved: too new")
        self.assertIn("`total` is 'much', not a whole number", host.restore({"total": "much"}, "0.0.9"))
        self.assertIn("what version 0.0.9 saved: the payload does not parse", host.restore(b"{", "0.0.9"))

    def test_saving_is_for_who_keeps_one_instance_and_has_two_functions(self):
        with mock.patch.object(KEEPER, "restore", None), self.assertRaisesRegex(TypeError, "belong together"):
            Host()
        with mock.patch.object(KEEPER, "instances", "pool"), self.assertRaisesRegex(TypeError, 'instances="single"'):
            Host()


if __name__ == "__main__":
    unittest.main()
