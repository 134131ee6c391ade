"""What this plugin does. Try `hive-node dev`, then `hive-node call {{name}}/hello '"Ada"'`."""

import hive

hive.plugin(publishes=["{{name}}/visits"])


@hive.answer("{{name}}/hello")
def hello(name: str | None) -> str:
    """Greets whoever is named, or the world, with the word that the configuration says."""
    greeting = hive.config.get("greeting", "Hello")
    return f"{greeting}, {name or 'world'}!"


@hive.on("{{name}}/visit")
def visit() -> None:
    """Counts in the plugin's state, which is on disk, and publishes the count."""
    visits = hive.state.increment("visits")
    hive.publish("{{name}}/visits", visits)
