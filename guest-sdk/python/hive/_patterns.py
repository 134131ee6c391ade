"""The grammar of patterns and schedules, checked while modules are loaded and not only where a node loads the plugin."""

from __future__ import annotations

import re
import unicodedata

_BYTES_MAX = 255
_SEGMENTS_MAX = 32
_SEGMENT_BYTES_MAX = 64
_DEEP_WILDCARDS_MAX = 4


def check_pattern(pattern: object) -> None:
    """Refuses what a node would, once `{name}` segments are values of the configuration."""
    if not isinstance(pattern, str):
        raise TypeError('a pattern is a str such as "orders/*": write @hive.on("orders/*")')
    fault = _fault(pattern)
    if fault is not None:
        raise ValueError(f"{pattern!r} is no pattern: {fault}")


def channel_fault(channel: str) -> str | None:
    """What a node would have against a channel."""
    letter = next((letter for letter in channel if letter in "*{}"), None)
    return _fault(channel) if letter is None else f"it has a `{letter}`"


def matches(pattern: str, channel: str) -> bool:
    """Whether a pattern matches: `*` is one segment, `**` any number. Names that begin with `$` are not for wildcards."""
    return _matches(pattern, channel.split("/"))


def covers(pattern: str, other: str) -> bool:
    """Whether a pattern matches whatever the other matches.

    The other's wildcards become segments that nobody names, `**` as many of them as the pattern could tell apart.
    """
    shapes: list[list[str]] = [[]]
    for segment in other.split("/"):
        most = pattern.count("/") + 2
        runs = [["\0"] * run for run in range(most + 1)] if segment == "**" else [["\0" if segment == "*" else segment]]
        shapes = [shape + run for shape in shapes for run in runs]
    return all(_matches(pattern, shape) for shape in shapes)


def check_timer(name: str, schedule: str) -> None:
    """Refuses what no timer is called, and when none ticks."""
    fault = "it has a `/`" if "/" in name else _segment_fault(name)
    if fault is not None or "*" in name:
        raise ValueError(f"{name!r} is no name for a timer, which is like one segment of a channel: {fault or 'it has a `*`'}")
    every = schedule.strip().removeprefix("@every ").strip()
    is_every = schedule.strip().startswith("@every ")
    if is_every and not re.search("[a-z]", every):
        raise ValueError(f"{schedule!r} is no schedule: `@every` needs a duration with its unit, such as `5s`")
    if not is_every and (schedule.strip() == "@every" or not schedule.startswith("@")) and len(schedule.split()) != 5:
        raise ValueError(
            f"{schedule!r} is no schedule: it is `@every 5s`, or five fields of cron: minute hour day month weekday"
        )


def _matches(pattern: str, channel: list[str]) -> bool:
    def walk(want: list[str], have: list[str]) -> bool:
        if not want:
            return not have
        if want[0] == "**":
            return walk(want[1:], have) or (bool(have) and walk(want, have[1:]))
        return bool(have) and want[0] in ("*", have[0]) and walk(want[1:], have[1:])

    if channel and channel[0].startswith("$") and pattern.startswith("*"):
        return False
    return walk(pattern.split("/"), channel)


def _fault(pattern: str) -> str | None:
    if not pattern:
        return "it has at least one segment"
    if len(pattern.encode()) > _BYTES_MAX:
        return f"it has at most {_BYTES_MAX} bytes"
    segments = pattern.split("/")
    if len(segments) > _SEGMENTS_MAX:
        return f"it has at most {_SEGMENTS_MAX} segments"
    for segment in segments:
        fault = _segment_fault(segment)
        if fault is not None:
            return fault
    # A run of wildcards counts once: `**/*/**` says what `*/**` says.
    wild = "".join("*" if segment == "**" else "" if segment == "*" else " " for segment in segments)
    if len(wild.split()) > _DEEP_WILDCARDS_MAX:
        return f"it has at most {_DEEP_WILDCARDS_MAX} `**`"
    return None


def _segment_fault(segment: str) -> str | None:
    if not segment:
        return "there are no empty segments: no `/` at its ends, no `//`"
    if len(segment.encode()) > _SEGMENT_BYTES_MAX:
        return f"{segment!r} is longer than {_SEGMENT_BYTES_MAX} bytes"
    if segment in ("*", "**"):
        return None
    is_filled = segment.startswith("{") and segment.endswith("}") and len(segment) > 1
    literal = segment[1:-1] if is_filled else segment
    if not literal:
        return "`{}` names no value of the configuration"
    for letter in literal:
        if letter == "*":
            return f"{segment!r}: `*` and `**` stand for whole segments"
        if letter in "{}":
            return f"{segment!r}: `{{name}}` stands for a whole segment"
        if letter.isspace() or unicodedata.category(letter) == "Cc":
            return f"{segment!r} has {letter!r} in it, which no segment may"
    return None
