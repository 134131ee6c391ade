"""Made by `hive-node build`: the interpreter and the SDK, of which each project is made."""

import importlib
import shutil
import sys

# It would compile the SDK beside its sources, of which the program itself is built in a clone.
sys.dont_write_bytecode = True

from hive._registry import PLUGIN

# There is no handler yet; the project's entry says when all are there.
PLUGIN.complete = lambda: None
from hive.component import Handler, Snapshot, Startup

del PLUGIN.complete

# What modules that are not loaded yet are loaded from. componentize-py has them in itself.
for folder in ("python", "world", "bundled"):
    shutil.copytree(f"/{folder}", f"/0/{folder}")


def load():
    """Loads a project, whose folders are there now."""
    importlib.invalidate_caches()
    try:
        importlib.import_module("hive_entry")
    except SystemExit as error:
        raise RuntimeError("the program is ended while it is loaded: it is to say what it handles, and return") from error
