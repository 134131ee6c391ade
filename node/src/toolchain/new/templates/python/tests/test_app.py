"""Its unit tests, without WebAssembly."""

import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / ".hive/sdk"))

from hive.testing import Host, find_modules  # noqa: E402

find_modules(ROOT)  # those of `path` in pyproject.toml

import app  # noqa: E402, F401, loading it registers the handlers


class Handlers(unittest.TestCase):
    def test_greets_by_name(self):
        host = Host(config={"greeting": "Good day"})
        self.assertEqual(host.call("{{name}}/hello", "Ada").answer, "Good day, Ada!")

    def test_counts_visits(self):
        self.assertEqual(Host().deliver("{{name}}/visit").published_on("{{name}}/visits"), [1])
