package hive

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func init() {
	On("{shop}/paid", func(*Context, Message) error { _, err := Publish("tea/due", 1); return err })
	Answer("try/*", func(ctx *Context, _ Message) (any, error) { return tries[ctx.Segment(1)]() })
}

// Each asks for what a node would refuse, or gives what it got.
var tries = map[string]func() (any, error){
	"publish": func() (any, error) { return Publish("else/x", 1) },
	"retain":  func() (any, error) { return Retain("else/x", 1) },
	"clear":   func() (any, error) { return nil, Clear("else/x") },
	"forward": func() (any, error) { return Forward("else/x") },
	"call":    func() (any, error) { return Call[any]("else/x", 1) },
	"channel": func() (any, error) { return Publish("out//x", 1) },
	"header":  func() (any, error) { return Publish("out/x", 1, WithHeader("hive-x", "1")) },
	"own":     func() (any, error) { return Forward("out/x", [2]string{"hive-x", "1"}) },
	"kept":    func() (any, error) { return KeptValues("else/*") },
	"every":   func() (any, error) { return KeptValues("**") },
	"name":    func() (any, error) { return nil, After("a/b", time.Second, 1) },
	"tick":    func() (any, error) { return nil, After("report", time.Second, 1) },
	"many":    func() (any, error) { return CallEach(0, make([]Question, 65)...) },
	"timers": func() (any, error) {
		for at := range 63 {
			if err := After(fmt.Sprint("t", at), time.Second, at); err != nil {
				return nil, fmt.Errorf("%d: %w", at, err)
			}
		}
		return nil, errors.Join(After("t0", time.Second, 1), After("more", time.Second, 1))
	},
	"rejects": func() (any, error) { return Call[any]("names/no", 1) },
	"page": func() (any, error) {
		var channels []string
		kept, err := KeptValues("sensor/*")
		for _, one := range kept {
			channels = append(channels, one.Channel)
		}
		return channels, err
	},
	"each": func() (any, error) {
		answers, err := CallEach(time.Second, Question{"names/a", 1}, Question{"else/x", 1}, Question{"names/none", 1})
		said := []any{string(answers[0].Message.Payload)}
		for _, answer := range answers[1:] {
			said = append(said, answer.Err.Error())
		}
		return said, err
	},
	"all": func() (any, error) {
		answers, missing, err := Gather("names/a", 1, 0, 0)
		first, _, err1 := Gather("names/a", 1, 0, 1)
		return []int{len(answers), missing, len(first)}, errors.Join(err, err1)
	},
}

func TestTheFakeNodeRefusesWhatANodeWould(t *testing.T) {
	denied := "denied: the plugin may not publish to `else/x`, nor call it: its code does not declare that: publishes [\"else/x\"]"
	for try, part := range map[string]string{
		"publish": denied, "retain": denied, "clear": denied, "forward": denied, "call": denied,
		"channel": "invalid: `out//x` is not a channel",
		"header":  "invalid: headers that begin with `hive-` belong to the mesh",
		"own":     "invalid: headers that begin with `hive-` belong to the mesh",
		"kept":    "denied: the plugin may not read what is kept on `else/*`: its code does not listen there",
		"every":   "denied: the plugin may not read what is kept on `**`: its code does not listen there",
		"name":    "invalid: a timer's name is like one segment of a channel",
		"tick":    "invalid: `report` is a timer that the plugin declares",
		"many":    "too large: the limit is 64",
		"timers":  "too large: the limit is 64",
	} {
		done := NewHost().Call("try/"+try, nil)
		has(t, done.Err, done.Rejected, true, part)
		is(t, len(done.Published)+len(done.Retained)+len(done.Asked)+len(done.Cleared), 0)
	}
	subscribed := subscriptions
	defer func() { subscriptions = subscribed }()
	subscriptions = nil
	has(t, NewHost().after("x", 0, nil), false, false, "no subscription of the plugin matches `$timer/x`, where it would fire")
}

func TestWhatAResponderRejectsIsRejected(t *testing.T) {
	h := NewHost()
	h.Answers["names/no"] = func(Message) (any, error) { return nil, Rejectf("no such name") }
	rejected := h.Call("try/rejects", nil)
	has(t, rejected.Err, rejected.Rejected, true, "`names/no`: rejected: no such name")
	h.Answers["names/no"] = func(Message) (any, error) { return nil, errors.New("not now") }
	failed := h.Call("try/rejects", nil)
	has(t, failed.Err, failed.Rejected, false, "`names/no`: failed: not now")
}

func TestPatternsAreFilledFromTheConfiguration(t *testing.T) {
	h := NewHost()
	h.Config["shop"] = "tea"
	is(t, len(h.Deliver("tea/paid", nil).PublishedOn("tea/due")), 1)
	defer func() {
		said := fmt.Sprint(recover())
		is(t, strings.Contains(said, "does not subscribe to `milk/paid`; its subscriptions are [{shop}/paid try/* "), true)
	}()
	h.Deliver("milk/paid", nil)
}

func TestWhatIsKeptIsReadPageByPageAndSeveralAreAsked(t *testing.T) {
	h := NewHost()
	for at := range 7 {
		h.Kept[fmt.Sprint("sensor/", at)] = Message{}
	}
	is(t, string(h.Call("try/page", nil).Answer.Payload),
		`["sensor/0","sensor/1","sensor/2","sensor/3","sensor/4","sensor/5","sensor/6"]`)
	h.Answers["names/a"] = func(Message) (any, error) { return "Ada", nil }
	said := string(h.Call("try/each", nil).Answer.Payload)
	is(t, strings.HasPrefix(said, `["\"Ada\"","`+"`else/x`: denied: the plugin may not publish"), true)
	is(t, strings.HasSuffix(said, "\"`names/none`: nobody answers on that channel\"]"), true)
	h.Answers["names/*"] = h.Answers["names/a"]
	is(t, string(h.Call("try/all", nil).Answer.Payload), `[2,0,1]`)
}

func TestPatternsMatchAsTheMeshSays(t *testing.T) {
	for _, c := range []struct {
		pattern, channel string
		matches, covers  bool
	}{
		{"a/*", "a/b", true, true}, {"a/*", "a", false, false}, {"a/**", "a", true, true}, {"a/**", "a/b/c", true, true},
		{"**/c", "a/b/c", true, true}, {"**", "$timer/x", false, false}, {"*/x", "$timer/x", false, false},
		{"$timer/*", "$timer/x", true, true}, {"a/**", "a/*", true, true}, {"a/*", "a/**", true, false},
		{"*/**", "**", true, false}, {"**", "**", true, true}, {"**/**", "*/**", true, true},
	} {
		if got := matches(c.pattern, c.channel); got != c.matches {
			t.Errorf("%s matches %s: %v", c.pattern, c.channel, got)
		}
		if got := covers(c.pattern, c.channel); got != c.covers {
			t.Errorf("%s covers %s: %v", c.pattern, c.channel, got)
		}
	}
	for channel, fine := range map[string]bool{
		"a/b": true, "$timer/x": true, "ä": true, "": false, "a//b": false, "a b": false, "a/*": false, "{a}": false, "a\x7f": false,
		strings.Repeat("a", 65): false, strings.Repeat("a/", 32) + "a": false, "a\xff": false,
	} {
		if (checkChannel(channel) == nil) != fine {
			t.Errorf("%q", channel)
		}
	}
}
