package hive

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

type order struct {
	Broken bool `json:"broken"`
}

var total int

func init() {
	Plugin(Options{Instances: Single, Publishes: []string{"out/*", "names/*", "{shop}/due"}})
	Answer("greet/*", func(ctx *Context, name string) (string, error) { return "Hello, " + name + "!", nil })
	On("sensor/*", func(ctx *Context, celsius float64) error {
		limit, err := ConfigOr("limit", 30.0)
		if err == nil && celsius > limit {
			_, err = Publish("out/alert", celsius, WithKey(ctx.Segment(1)))
		}
		return err
	})
	Answer("ask/*", func(ctx *Context, name string) (string, error) { return Call[string]("names/nick", name) })
	Answer("panics/*", func(ctx *Context, prices []int) (int, error) { return prices[0], nil })
	Tick("report", "@every 10s", func(ctx *Context) error { _, err := Retain("out/report", 7); return err })
	On("set/*", func(ctx *Context, due string) error { return After("once", time.Second, due) })
	On("$timer/*", func(ctx *Context, due string) error { _, err := Publish("out/due", due); return err })

	On("orders/paid", func(ctx *Context, o order) error {
		if first, err := ctx.Once(); !first || err != nil {
			return err
		}
		if _, err := State.Increment("paid", 1); err != nil {
			return err
		}
		if o.Broken {
			return errors.New("the printer is busy")
		}
		return nil
	})
	Answer("do/*", func(ctx *Context, _ Message) (any, error) { return deeds[ctx.Segment(1)]() })
	Snapshot(func() (int, error) { return total, nil }, func(saved int, version string) error {
		if version == "9.9.9" {
			return errors.New("too new")
		}
		total = saved
		return nil
	})
}

var deeds = map[string]func() (any, error){
	"values": func() (any, error) {
		err := errors.Join(State.Set("a", []int{1}), State.Set("raw", []byte{1, 2}), State.Set("empty", []byte{}))
		var list []int
		var raw []byte
		found, err1 := State.Get("a", &list)
		gone, err2 := State.Get("gone", &list)
		_, err3 := State.Get("raw", &raw)
		each, err4 := State.BytesEach("empty", "gone")
		return []any{found, gone, list, string(raw), each[0] != nil, each[1] == nil}, errors.Join(err, err1, err2, err3, err4)
	},
	"keys": func() (any, error) {
		var keys []string
		for _, key := range []string{"k/5", "k/1", "k/4", "k/2", "k/3", "l"} {
			if err := State.Set(key, key); err != nil {
				return nil, err
			}
		}
		if err := errors.Join(State.Delete("k/4"), State.Delete("k/9")); err != nil {
			return nil, err
		}
		for key, err := range State.Keys("k/") {
			if err != nil {
				return nil, err
			}
			keys = append(keys, key)
		}
		return keys, nil
	},
	"swaps": func() (any, error) {
		one, err1 := State.Swap("s", nil, 1)
		two, err2 := State.Swap("s", nil, 2)
		three, err3 := State.SwapFor(time.Second, "s", 1, 3)
		more := func(before *int) *int {
			if before == nil {
				before = new(int)
			}
			*before += 11
			return before
		}
		_, err4 := Update("u", more)
		last, err5 := Update("u", more)
		sum, err6 := State.Increment("u", -2)
		return []any{one, two, three, last, sum}, errors.Join(err1, err2, err3, err4, err5, err6)
	},
	"text": func() (any, error) {
		if err := State.Set("t", "x"); err != nil {
			return nil, err
		}
		return State.Increment("t", 1)
	},
	"kind": func() (any, error) {
		var number int
		if err := State.Set("t", "x"); err != nil {
			return nil, err
		}
		return State.Get("t", &number)
	},
	"once": func() (any, error) {
		if err := State.Flush(); err != nil {
			return nil, err
		}
		return OnceFor(50*time.Millisecond, "mine")
	},
	"secret": func() (any, error) { return Secret("database") },
	"nan":    func() (any, error) { return math.NaN(), nil },
}

// What a deed answers, as JSON.
func done(t *testing.T, h *Host, deed string) string {
	t.Helper()
	delivered := h.Call("do/"+deed, nil)
	if delivered.Err != nil {
		t.Fatal(delivered.Err)
	}
	return string(delivered.Answer.Payload)
}

func is(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%v, wanted is %v", got, want)
	}
}

func has(t *testing.T, err error, rejected, wanted bool, part string) {
	t.Helper()
	if err == nil || rejected != wanted || !strings.Contains(err.Error(), part) {
		t.Fatalf("%v (rejected: %v), wanted is %s", err, rejected, part)
	}
}

func TestHandlersRunOnTheFakeNode(t *testing.T) {
	h := NewHost()
	h.Answers["names/*"] = func(Message) (any, error) { return "Countess", nil }
	is(t, string(h.Call("greet/you", "Ada").Answer.Payload), `"Hello, Ada!"`)
	is(t, string(h.Call("ask/x", "Ada").Answer.Payload), `"Countess"`)
	nobody := NewHost().Call("ask/x", "Ada")
	is(t, []any{nobody.Reason, nobody.Rejected}, []any{"`names/nick`: nobody answers on that channel", false})
	sent := h.Deliver("sensor/attic", 31).PublishedOn("out/alert")
	is(t, []string{string(sent[0].Payload), sent[0].Key}, []string{"31", "attic"})
	h.Config["limit"] = "many"
	hot := h.Deliver("sensor/attic", 31)
	has(t, hot.Err, hot.Rejected, true, "the configuration's `limit` is `many`, and a number is wanted")
	wrong := h.Deliver("sensor/attic", "warm")
	has(t, wrong.Err, wrong.Rejected, true, "the payload does not parse")
	bug := h.Deliver("panics/x", []int{})
	has(t, bug.Err, bug.Rejected, true, "index out of range")
	is(t, strings.Contains(bug.Logged[0].Message, "host_test.go:"), true)
	is(t, strings.Contains(bug.Reason, "host_test.go:"), true)
	asked := h.Call("panics/x", []int{})
	is(t, asked.Reason, "panic: runtime error: index out of range [0] with length 0")
	is(t, strings.Contains(asked.Logged[0].Message, "host_test.go:"), true)
	is(t, string(h.Tick("report").Retained[0].Message.Payload), "7")
	h.Deliver("set/x", "due")
	delay, _ := h.Timer("once")
	is(t, delay, time.Second)
	is(t, string(h.Fire("once").PublishedOn("out/due")[0].Payload), `"due"`)
}

func TestAPayloadIsWhatItsContentTypeSays(t *testing.T) {
	for _, c := range []struct {
		contentType, payload string
		want                 any
	}{
		{"application/json; charset=utf-8", `"Ada"`, "Ada"},
		{"application/vnd.x+json", `7`, 7.0},
		{"application/json", "", nil},
		{"text/plain", "Ada", "Ada"},
		{"Text/Plain; charset=utf-8", "21.5", "21.5"},
		{"text/plain", "", ""},
		{"", "21.5", 21.5},
		{"", "Ada", "Ada"},
		{"", "A\xff", []byte("A\xff")},
		{"", "", nil},
		{"image/png", "Ada", []byte("Ada")},
		{"image/png", "", nil},
	} {
		got, err := read[any](Message{Payload: []byte(c.payload), ContentType: c.contentType})
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q %q is %v, %v", c.contentType, c.payload, got, err)
		}
	}
}

func TestWhatIsNoUTF8IsRejectedAndNotReplaced(t *testing.T) {
	for _, contentType := range []string{"application/json", "text/plain", ""} {
		payload := Message{Payload: []byte("\"A\xff\""), ContentType: contentType}
		if text, err := read[string](payload); err == nil || !strings.Contains(err.Error(), "it is not UTF-8") {
			t.Errorf("%q: %q, %v", contentType, text, err)
		}
		if bytes, err := read[[]byte](payload); err != nil || string(bytes) != "\"A\xff\"" {
			t.Errorf("%q: %q, %v", contentType, bytes, err)
		}
	}
	if tags, err := read[map[string]string](Message{Payload: []byte("{\"a\": \"\xff\"}")}); err == nil {
		t.Error(tags)
	}
}

func TestWhatIsNoJSONIsAnErrorOfTheSDKs(t *testing.T) {
	_, err := Publish("out/x", math.NaN())
	var own *Error
	is(t, errors.As(err, &own) && own.Code == "invalid", true)
	is(t, err.Error(), "invalid: the value cannot be written as JSON: json: unsupported value: NaN")
	answered := NewHost().Call("do/nan", nil)
	has(t, answered.Err, answered.Rejected, true, "what `do/*` answers: invalid: the value cannot be written as JSON")
}

func TestAConfigurationsValueIsOfTheUsualOnesType(t *testing.T) {
	h := NewHost()
	defer func(before node) { here = before }(here)
	here = h
	for key, value := range map[string]string{"a": "7", "b": "true", "c": "2.5", "d": "x"} {
		h.Config[key] = value
	}
	a, err1 := ConfigOr("a", 1)
	long, err2 := ConfigOr("a", int64(1))
	b, err3 := ConfigOr("b", false)
	c, err4 := ConfigOr("c", 1.0)
	d, err5 := ConfigOr("d", "")
	none, err6 := ConfigOr("none", 3)
	is(t, []any{a, long, b, c, d, none}, []any{7, int64(7), true, 2.5, "x", 3})
	is(t, errors.Join(err1, err2, err3, err4, err5, err6), nil)
	_, err1 = ConfigOr("c", 1)
	_, err2 = ConfigOr("a", true)
	_, err3 = ConfigOr("b", 1.0)
	has(t, err1, false, false, "the configuration's `c` is `2.5`, and a whole number is wanted")
	has(t, err2, false, false, "the configuration's `a` is `7`, and true or false is wanted")
	has(t, err3, false, false, "the configuration's `b` is `true`, and a number is wanted")
}

func TestATypeTakesWhatFitsIt(t *testing.T) {
	as := func(contentType, payload string) Message {
		return Message{Payload: []byte(payload), ContentType: contentType}
	}
	if text, err := read[string](as("", "21.5")); err != nil || text != "21.5" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := read[string](as("application/xml", "<a/>")); err != nil || text != "<a/>" {
		t.Errorf("%q, %v", text, err)
	}
	if text, err := read[*string](as("", "Ada")); err != nil || *text != "Ada" {
		t.Errorf("%v, %v", text, err)
	}
	if number, err := read[float64](as("text/plain", "21.5")); err != nil || number != 21.5 {
		t.Errorf("%v, %v", number, err)
	}
	if paid, err := read[order](as("image/png", `{"broken": true}`)); err != nil || !paid.Broken {
		t.Errorf("%v, %v", paid, err)
	}
	for _, message := range []Message{as("application/json", "Ada"), as("application/json", "7"), as("", "\xff")} {
		if text, err := read[string](message); err == nil {
			t.Errorf("%v is %q", message, text)
		}
	}
	if _, err := read[order](as("", "{")); err == nil || !strings.Contains(err.Error(), "does not parse: unexpected end") {
		t.Error(err)
	}
}

func TestValuesAreJSONAndBytesAsTheyAre(t *testing.T) {
	h := NewHost()
	h.Put("kept", 7)
	is(t, done(t, h, "values"), `[true,false,[1],"\u0001\u0002",true,true]`)
	var kept int
	found, err := h.State("kept", &kept)
	is(t, []any{found, err, kept}, []any{true, nil, 7})
}

func TestKeysSumsAndSwaps(t *testing.T) {
	h := NewHost()
	is(t, done(t, h, "keys"), `["k/1","k/2","k/3","k/5"]`)
	is(t, done(t, h, "swaps"), `[true,false,true,22,20]`)
	var s int
	h.Pass(999 * time.Millisecond)
	found, _ := h.State("s", &s)
	h.Pass(time.Millisecond)
	gone, _ := h.State("s", &s)
	is(t, []any{found, s, gone}, []any{true, 3, false})
}

func TestWhatTheNodeRefusesAndWhatIsOfAnotherKindIsSaid(t *testing.T) {
	h := NewHost()
	text, kind, secret := h.Call("do/text", nil), h.Call("do/kind", nil), h.Call("do/secret", nil)
	has(t, text.Err, text.Rejected, true, "`t` holds no whole number")
	has(t, kind.Err, kind.Rejected, true, "unexpected-value: `t`: json: cannot unmarshal")
	has(t, secret.Err, secret.Rejected, true, "{secrets: {database: {file: PATH}}}")
	h.Secrets["database"] = "s3cret"
	is(t, done(t, h, "secret"), `"s3cret"`)
}

func TestAnEventIsHandledOnceAndAgainWhenItWasNotDone(t *testing.T) {
	h := NewHost()
	h.DeliverAgain("e1", 1, "orders/paid", order{})
	h.DeliverAgain("e1", 2, "orders/paid", order{})
	busy := h.DeliverAgain("e2", 1, "orders/paid", order{Broken: true})
	has(t, busy.Err, busy.Rejected, false, "the printer is busy")
	h.DeliverAgain("e2", 2, "orders/paid", order{})
	var paid int
	_, err := h.State("paid", &paid)
	is(t, []any{paid, err}, []any{3, nil})
	is(t, []string{done(t, h, "once"), done(t, h, "once")}, []string{"true", "false"})
	h.Pass(50 * time.Millisecond)
	is(t, done(t, h, "once"), "true")
}

func TestMemoryIsHandedOverAndARefusalSaysWhy(t *testing.T) {
	h := NewHost()
	total = 5
	saved, err := h.Save()
	is(t, []any{string(saved), err}, []any{"5", nil})
	total = 10
	is(t, h.Restore(saved, "0.1.0"), nil)
	is(t, total, 5)
	has(t, h.Restore(saved, "9.9.9"), false, false, "too new")
	has(t, h.Restore([]byte("{"), "0.0.9"), false, false, "what version 0.0.9 saved: the payload does not parse")
}

func TestASecondHandlerForAPatternIsRefusedAtOnce(t *testing.T) {
	defer func() {
		is(t, fmt.Sprint(recover()), "hive: there are two handlers for greet/*: the second would never be called")
	}()
	On("greet/*", func(ctx *Context, name string) error { return nil })
}

func TestAGroupThatIsDurableIsRefusedAtOnce(t *testing.T) {
	defer func() {
		is(t, strings.Contains(fmt.Sprint(recover()), "hive: `x/y` is Durable, which is for who gets every event"), true)
	}()
	On("x/y", func(ctx *Context, name string) error { return nil }, Group(), Durable)
}

func TestAStackIsThatOfTheProject(t *testing.T) {
	own := "main.t(0x1)\n\tx/main.go:36 +0x42"
	stack := "goroutine 1 [running]:\nruntime/debug.Stack()\n\truntime/debug/stack.go:26 +0xa\npanic({0x1, 0x2})\n" +
		"\truntime/panic.go:860 +0x1c\n" + own + "\nhive-guest.chosen(0x0)\n\thive-guest@v0.0.0/hive.go:363 +0x19\n" +
		"hive:node/handler@0.1.0#handle()\n\t<autogenerated>:1 +0x1\n"
	if found := shown(stack); found != "goroutine 1 [running]:\n"+own {
		t.Error(found)
	}
	if alone := "goroutine 1 [running]:\npanic(0x1)\n\truntime/panic.go:1 +0x1"; shown(alone) != alone {
		t.Error("a stack of nobody's is kept")
	}
}

func TestWhatTicksIsNamed(t *testing.T) {
	defer func() { is(t, recover(), "the plugin has no timer `reprt`; it has report") }()
	NewHost().Tick("reprt")
}

func TestNothingThatIsLoggedIsLost(t *testing.T) {
	h := NewHost()
	for _, c := range []struct {
		fields []any
		want   Logged
	}{
		{nil, Logged{LevelInfo, "report %d", [][2]string{}}},
		{[]any{"id", 7}, Logged{LevelInfo, "report %d", [][2]string{{"id", "7"}}}},
		{[]any{7}, Logged{LevelInfo, "report %d (and `7`, alone: what follows are names and values in turn)", [][2]string{}}},
		{[]any{"id", 7, "x"}, Logged{LevelInfo, "report %d (and `x`, alone: what follows are names and values in turn)", [][2]string{{"id", "7"}}}},
	} {
		h.done = &Delivered{}
		h.within(func() { Info("report %d", c.fields...) })
		is(t, h.done.Logged, []Logged{c.want})
	}
}

func TestWhatIsNoTextIsRefusedAndNotReplaced(t *testing.T) {
	type room struct {
		Name string `json:"name"`
		Note *string
	}
	bad := "Zimmer \xfc"
	for _, one := range []struct {
		value any
		want  string
	}{
		{bad, `the value is not UTF-8: "Zimmer \xfc"`},
		{map[string]any{"rooms": []room{{Name: "a"}, {Name: bad}}}, `rooms[1].name is not UTF-8: "Zimmer \xfc"`},
		{room{Note: &bad}, `Note is not UTF-8: "Zimmer \xfc"`},
		{map[string]int{bad: 1}, `a key of the value is not UTF-8: "Zimmer \xfc"`},
		{"\ufffd", ""},
		{json.RawMessage(`"\ufffd"`), ""},
		{[]any{bad[:7], nil, []byte(bad)}, ""},
	} {
		_, err := toMessage(one.value)
		if one.want == "" {
			is(t, err, error(nil))
			continue
		}
		is(t, err.Error(), "invalid: the value cannot be written as JSON: "+one.want)
	}
}

func TestWhatNoNodeWouldLoadIsSaidByTheFakeOne(t *testing.T) {
	said := func(change func()) (text any) {
		options, heard, ticks := plugin, subscriptions, timers
		defer func() { text, plugin, subscriptions, timers = recover(), options, heard, ticks }()
		change()
		NewHost()
		return nil
	}
	none := "is no pattern: segments are names, `*`, `**` or `{name}`, none is empty or has a blank"
	for _, pattern := range []string{"a//b", "/a", "a*", "a b", ""} {
		on := func() { On(pattern, func(*Context, int) error { return nil }) }
		is(t, said(on), any(fmt.Sprintf("%q %s", pattern, none)))
		is(t, said(func() { plugin.Publishes = []string{pattern} }), any(fmt.Sprintf("%q %s", pattern, none)))
	}
	is(t, said(func() { On("a/*/{b}/**", func(*Context, int) error { return nil }) }), nil)
	hourly := said(func() { Tick("a", "hourly", func(*Context) error { return nil }) })
	is(t, strings.HasPrefix(fmt.Sprint(hourly), `"hourly" is no schedule: it is `), true)
}
