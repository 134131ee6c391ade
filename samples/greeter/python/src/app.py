"""A greeter: the smallest handler that answers calls.

    hive-node call greet/hello '"Ada"'              answers "Hello, Ada!"
    hive-node call greet/hello '{"name": "Grace"}'  answers "Hello, Grace!"
    hive-node call greet/hello                      answers "Hello, world!"
"""

from dataclasses import dataclass

import hive


@dataclass
class Person:
    name: str


@hive.answer("greet/hello")
def hello(who: str | Person | None) -> str:
    match who:
        case None:
            return "Hello, world!"
        case Person(name) | str(name):
            return f"Hello, {name}!"
    raise hive.Reject("expected a name")
