//go:build !wasip1

package hive

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What the fake node refuses as a node does, and the channels and patterns that this takes.

const (
	// Calls that are made at once.
	callsMax = 64
	// Timers of a plugin, those with a schedule among them.
	timersMax = 64
)

// What every publish and call must satisfy.
func (h *Host) mayPublish(channel string, headers [][2]string) error {
	if err := checkChannel(channel); err != nil {
		return err
	}
	if slices.ContainsFunc(headers, func(header [2]string) bool { return strings.HasPrefix(header[0], "hive-") }) {
		return &Error{Code: "invalid", Text: "headers that begin with `hive-` belong to the mesh"}
	}
	if slices.ContainsFunc(plugin.Publishes, func(pattern string) bool { return matches(h.expand(pattern), channel) }) {
		return nil
	}
	return &Error{Code: "denied", Text: fmt.Sprintf(
		"the plugin may not publish to `%s`, nor call it: its code does not declare that: publishes [\"%s\"]", channel, channel)}
}

// Whether the plugin listens to all that a pattern matches.
func (h *Host) mayRead(pattern string) error {
	if slices.ContainsFunc(subscriptions, func(s *subscription) bool { return covers(h.expand(s.pattern), pattern) }) {
		return nil
	}
	return &Error{Code: "denied", Text: fmt.Sprintf(
		"the plugin may not read what is kept on `%s`: its code does not listen there", pattern)}
}

// Whether a node would set a one-shot timer.
func (h *Host) maySet(name string) error {
	channel := "$timer/" + name
	_, isSet := h.timers[name]
	switch {
	case strings.Contains(name, "/") || checkChannel(channel) != nil:
		return &Error{Code: "invalid", Text: "a timer's name is like one segment of a channel"}
	case slices.ContainsFunc(timers, func(t *timer) bool { return t.name == name }):
		return &Error{Code: "invalid", Text: fmt.Sprintf("`%s` is a timer that the plugin declares", name)}
	case !slices.ContainsFunc(subscriptions, func(s *subscription) bool { return matches(h.expand(s.pattern), channel) }):
		return &Error{Code: "invalid", Text: fmt.Sprintf(
			"no subscription of the plugin matches `%s`, where it would fire", channel)}
	case !isSet && len(h.timers)+len(timers) >= timersMax:
		return &Error{Code: "too-large", Number: timersMax}
	}
	return nil
}

// Replaces `{name}` segments by values of the configuration; one that is missing stays, and matches nothing.
func (h *Host) expand(pattern string) string {
	segments := strings.Split(pattern, "/")
	for at, segment := range segments {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			if value, ok := h.Config[strings.TrimSuffix(name, "}")]; ok {
				segments[at] = value
			}
		}
	}
	return strings.Join(segments, "/")
}

func checkChannel(channel string) error {
	segments := strings.Split(channel, "/")
	isOdd := func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) || strings.ContainsRune("*{}", c) }
	isNone := func(segment string) bool {
		return segment == "" || len(segment) > 64 || strings.ContainsFunc(segment, isOdd)
	}
	if len(channel) > 255 || len(segments) > 32 || !utf8.ValidString(channel) || slices.ContainsFunc(segments, isNone) {
		return &Error{Code: "invalid", Text: fmt.Sprintf("`%s` is not a channel", channel)}
	}
	return nil
}

// Panics where a node would not load the plugin.
func checkPlugin() {
	for _, pattern := range plugin.Publishes {
		checkPattern(pattern)
	}
	for _, subscription := range subscriptions {
		checkPattern(subscription.pattern)
	}
	for _, timer := range timers {
		if !strings.HasPrefix(timer.schedule, "@every ") && len(strings.Fields(timer.schedule)) != 5 {
			panic(fmt.Sprintf("%q is no schedule: it is `@every 5s`, or five fields of cron: minute hour day month weekday",
				timer.schedule))
		}
	}
}

func checkPattern(pattern string) {
	segments := strings.Split(pattern, "/")
	for at, segment := range segments {
		isFilled := strings.HasPrefix(segment, "{") && strings.HasSuffix(segment, "}")
		if segment == "*" || segment == "**" || isFilled {
			segments[at] = "x"
		}
	}
	if checkChannel(strings.Join(segments, "/")) != nil {
		panic(fmt.Sprintf("%q is no pattern: segments are names, `*`, `**` or `{name}`, none is empty or has a blank", pattern))
	}
}

// Whether a pattern matches: `*` is one segment, `**` any number. Names that begin with `$` are not for wildcards.
func matches(pattern, channel string) bool { return match(pattern, strings.Split(channel, "/")) }

func match(pattern string, channel []string) bool {
	if len(channel) > 0 && strings.HasPrefix(channel[0], "$") && strings.HasPrefix(pattern, "*") {
		return false
	}
	var walk func(want, have []string) bool
	walk = func(want, have []string) bool {
		switch {
		case len(want) == 0:
			return len(have) == 0
		case want[0] == "**":
			return walk(want[1:], have) || (len(have) > 0 && walk(want, have[1:]))
		}
		return len(have) > 0 && (want[0] == "*" || want[0] == have[0]) && walk(want[1:], have[1:])
	}
	return walk(strings.Split(pattern, "/"), channel)
}

// Whether a pattern matches whatever the other matches: the other's wildcards become segments that nobody names, `**` as many
// of them as the pattern could tell apart.
func covers(pattern, other string) bool {
	most := strings.Count(pattern, "/") + 2
	shapes := [][]string{nil}
	for _, segment := range strings.Split(other, "/") {
		least, many, name := 1, 1, segment
		switch segment {
		case "**":
			least, many, name = 0, most, "\x00"
		case "*":
			name = "\x00"
		}
		var longer [][]string
		for _, shape := range shapes {
			for count := least; count <= many; count++ {
				longer = append(longer, append(slices.Clone(shape), slices.Repeat([]string{name}, count)...))
			}
		}
		shapes = longer
	}
	return !slices.ContainsFunc(shapes, func(shape []string) bool { return !match(pattern, shape) })
}
