"""What this plugin does. Try `hive-node dev`, then `hive-node call {{name}}/hello '"Ada"'`."""

import hive


@hive.answer("{{name}}/hello")
def hello(name: str | None) -> str:
    """Greets whoever is named, or the world."""
    return f"Hello, {name or 'world'}!"
