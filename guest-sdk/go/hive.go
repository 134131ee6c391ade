// Package hive writes hive-node handlers in Go. The README is the reference.
//
//	func init() {
//		hive.Answer("greet/hello", func(ctx *hive.Context, name string) (string, error) {
//			return "Hello, " + name + "!", nil
//		})
//	}
//
//	func main() {}
package hive

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"
)

// Mode is how long an instance, and what it keeps in memory, lives.
type Mode uint8

const (
	// Pool keeps several warm instances; memory is a cache, nothing more.
	Pool Mode = iota
	// Fresh makes a new one for each event.
	Fresh
	// Single keeps one per node, one call at a time: memory lives from event to event.
	Single
)

// Options say what the plugin is. All of it may be left out.
type Options struct {
	// Name and Version are for people.
	Name, Version string
	Instances     Mode
	// Publishes are patterns that it means to publish to or call; the node denies every other.
	Publishes []string
}

type subscription struct {
	pattern string
	answers bool
	group   *string
	durable bool
	run     func(*Context) (*Message, error)
}

type timer struct {
	name, schedule string
	mesh           bool
	run            func(*Context) error
}

var (
	plugin        Options
	subscriptions []*subscription
	timers        []*timer
	starts        []func() error
)

// Plugin says what the plugin is.
func Plugin(options Options) { plugin = options }

// An Option of a subscription.
type Option func(*subscription)

// Group has one node of the group get each event; without a name it is the plugin's own.
func Group(name ...string) Option {
	return func(s *subscription) {
		group := strings.Join(name, "")
		s.group = &group
	}
}

// Durable has each node get every event, also what durable channels carried while it was away; not with Group, which goes on
// where it left off anyway.
func Durable(s *subscription) { s.durable = true }

// On handles events. T is what the payload is read as: JSON, or with []byte and Message the payload as it is.
func On[T any](pattern string, run func(*Context, T) error, options ...Option) {
	add(pattern, false, options, func(ctx *Context) (*Message, error) {
		data, err := read[T](ctx.Message)
		if err != nil {
			return nil, Reject(err)
		}
		return nil, run(ctx, data)
	})
}

// Answer handles events, and answers calls with what the function returns.
func Answer[T, R any](pattern string, run func(*Context, T) (R, error), options ...Option) {
	add(pattern, true, options, func(ctx *Context) (*Message, error) {
		data, err := read[T](ctx.Message)
		if err != nil {
			return nil, Reject(err)
		}
		value, err := run(ctx, data)
		if err != nil || !ctx.WantsReply {
			return nil, err
		}
		message, err := toMessage(value)
		if err != nil {
			// The function is over, so that there is no line of it.
			return nil, fmt.Errorf("what `%s` answers: %w", pattern, err)
		}
		return &message, nil
	})
}

func add(pattern string, answers bool, options []Option, run func(*Context) (*Message, error)) {
	for _, other := range subscriptions {
		if other.pattern == pattern {
			panic("hive: there are two handlers for " + pattern + ": the second would never be called")
		}
	}
	s := &subscription{pattern: pattern, answers: answers, run: run}
	for _, option := range options {
		option(s)
	}
	if s.durable && s.group != nil {
		panic("hive: `" + pattern + "` is Durable, which is for who gets every event: a group goes on where it left off anyway")
	}
	subscriptions = append(subscriptions, s)
}

// Tick runs again and again: `@every 5s`, or five fields of cron in UTC.
func Tick(name, schedule string, run func(*Context) error) {
	timers = append(timers, &timer{name: name, schedule: schedule, run: run})
}

// TickMesh does so on one of the nodes that run the plugin.
func TickMesh(name, schedule string, run func(*Context) error) {
	timers = append(timers, &timer{name: name, schedule: schedule, mesh: true, run: run})
}

// Start runs once in each new instance, before its first event. An error refuses the instance.
func Start(run func() error) { starts = append(starts, run) }

// A Failure says that an event was not handled.
type Failure struct {
	err      error
	rejected bool
	after    time.Duration
}

func (f *Failure) Error() string { return f.err.Error() }
func (f *Failure) Unwrap() error { return f.err }

// Reject makes an error hopeless: the event goes to the plugin's dead letters, a caller gets `rejected`.
func Reject(err error) error { return &Failure{err: err, rejected: true} }

// Rejectf is Reject of a new error.
func Rejectf(format string, args ...any) error { return Reject(fmt.Errorf(format, args...)) }

// RetryAfter has the event delivered again after so long. Every other error is a retry when the node likes.
func RetryAfter(after time.Duration, err error) error { return &Failure{err: err, after: after} }

// Error is what the node refuses, and what went wrong with a call.
type Error struct {
	// Code is `denied`, `invalid`, `too-large`, `overloaded`, `no-responder`, `timeout`, `deadlock`, `failed`, `rejected`,
	// `unavailable`, `unexpected-answer`, `unexpected-value`, or what a newer node says.
	Code string
	// Text is what goes with it: what would be needed, the reason.
	Text string
	// Number is a limit, or milliseconds after which it is worth trying again.
	Number uint64
	// Channel is the one that was called, if it was a call.
	Channel string
	// Where the handler asked for it; empty outside a component.
	place string
}

// What the SDK itself refuses, as the node would.
func refused(code, text string) *Error { return &Error{Code: code, Text: text, place: here.place()} }

func (e *Error) Error() string {
	if e.Channel != "" {
		return "`" + e.Channel + "`: " + e.text()
	}
	return e.text()
}

func (e *Error) text() string {
	switch e.Code {
	case "denied":
		return "denied: " + e.Text
	case "too-large":
		return fmt.Sprintf("too large: the limit is %d", e.Number)
	case "overloaded":
		return fmt.Sprintf("overloaded; try again in %d ms", e.Number)
	case "no-responder":
		return "nobody answers on that channel"
	case "timeout":
		return "no answer in time"
	case "deadlock":
		return "deadlock: the request would wait for itself"
	}
	return e.Code + ": " + e.Text
}

// Permanent says whether the same attempt would fail again.
func (e *Error) Permanent() bool {
	switch e.Code {
	case "denied", "invalid", "too-large", "rejected", "unexpected-answer", "unexpected-value":
		return true
	}
	return false
}

// Message is a message whose every part is yours.
type Message struct {
	Payload     []byte
	ContentType string
	Key         string
	Headers     [][2]string
}

// Header is the first header of that name.
func (m Message) Header(name string) string {
	for _, header := range m.Headers {
		if header[0] == name {
			return header[1]
		}
	}
	return ""
}

// Context is the event in hand, beside its data.
type Context struct {
	// Channel is where it came, without its network: never a pattern.
	Channel string
	Message Message
	// Attempt is 1 the first time, then 2, 3, …
	Attempt uint32
	// Retained says that it is a channel's kept value and not a live event.
	Retained bool
	// WantsReply says that somebody waits for the answer.
	WantsReply bool
}

// Segment is one segment of the channel, counted from 0: what a `*` stood for.
func (c *Context) Segment(index int) string {
	segments := strings.Split(c.Channel, "/")
	if index < 0 || index >= len(segments) {
		return ""
	}
	return segments[index]
}

const jsonType = "application/json"

// Reads the payload as its content type says: JSON, or a text where T takes one. The README has the table.
func read[T any](message Message) (value T, err error) {
	kind := strings.ToLower(strings.TrimSpace(strings.SplitN(message.ContentType, ";", 2)[0]))
	isJSON, isText := kind == jsonType || strings.HasSuffix(kind, "+json"), strings.HasPrefix(kind, "text/")
	switch to := any(&value).(type) {
	case *[]byte:
		*to = message.Payload
		return value, nil
	case *Message:
		*to = message
		return value, nil
	case *any:
		if isBytes := kind != "" && !isJSON && !isText; isBytes && len(message.Payload) > 0 {
			*to = message.Payload
			return value, nil
		}
	}
	switch {
	case isJSON:
		err = readJSON(message.Payload, &value)
	case isText:
		if err = readText(message.Payload, &value); err != nil && readJSON(message.Payload, &value) == nil {
			err = nil
		}
	default:
		if err = readJSON(message.Payload, &value); err != nil && readText(message.Payload, &value) == nil {
			err = nil
		}
	}
	if err != nil {
		return value, fmt.Errorf("the payload does not parse: %w", err)
	}
	return value, nil
}

var errNoText = errors.New("it is not UTF-8")

// What is empty is nothing: it leaves the value as it is. What is no text would be replaced without a word.
func readJSON(payload []byte, to any) error {
	switch {
	case len(payload) == 0:
		return nil
	case !utf8.Valid(payload):
		return errNoText
	}
	return json.Unmarshal(payload, to)
}

// What takes a text in JSON takes one without quotes, too.
func readText(payload []byte, to any) error {
	if !utf8.Valid(payload) {
		if value, ok := to.(*any); ok {
			*value = payload
			return nil
		}
		return errNoText
	}
	if text, ok := to.(*string); ok {
		*text = string(payload)
		return nil
	}
	quoted, err := json.Marshal(string(payload))
	if err != nil {
		return err
	}
	return json.Unmarshal(quoted, to)
}

// nil is nothing, bytes and messages are as they are, everything else is JSON.
func toMessage(value any) (Message, error) {
	switch value := value.(type) {
	case nil:
		return Message{}, nil
	case []byte:
		return Message{Payload: value}, nil
	case Message:
		return value, nil
	}
	payload, err := marshal(value)
	if err != nil {
		return Message{}, refused("invalid", "the value cannot be written as JSON: "+err.Error())
	}
	return Message{Payload: payload, ContentType: jsonType}, nil
}

// What the node is told of an error: whether it is hopeless, why, and when to try again. Whoever asked need not see the stack
// of a panic; the log has it.
func told(err error, wantsReply bool) (rejected bool, reason string, after time.Duration) {
	var failure *Failure
	var own *Error
	var panicked *panicked
	reason = err.Error() + instead(err)
	if !wantsReply && errors.As(err, &panicked) {
		reason += "\n" + panicked.stack
	}
	if errors.As(err, &own) && own.place != "" {
		placed := reason + " (" + own.place + ")"
		if wantsReply {
			Log(LevelError, placed)
		} else {
			reason = placed
		}
	}
	switch {
	case errors.As(err, &failure):
		return failure.rejected, reason, failure.after
	case errors.As(err, &own):
		if own.Code == "overloaded" {
			after = time.Duration(own.Number) * time.Millisecond
		}
		return own.Permanent(), reason, after
	}
	return false, reason, 0
}

// What helps where something asked for what a handler does not have.
func instead(err error) string {
	if errors.Is(err, syscall.ENOSYS) {
		return " (a handler in Go has no files and no processes: hive.State keeps values)"
	}
	for ; err != nil; err = errors.Unwrap(err) {
		// By its name: the package would come into every handler.
		if fmt.Sprintf("%T", err) == "*net.OpError" {
			return " (a handler in Go has no network: hive.Call a handler in Rust, which asks over HTTP with the grant `http`)"
		}
	}
	return ""
}

// Whether a file is the SDK's or Go's own, which says nothing about a handler.
func isNobodys(file string) bool {
	return strings.HasPrefix(file, "hive-guest") || strings.HasPrefix(file, "runtime/") || file == "<autogenerated>"
}

// Where the handler has called the SDK.
func place() string {
	callers := make([]uintptr, 32)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for more := true; more; {
		var frame runtime.Frame
		if frame, more = frames.Next(); frame.File != "" && !isNobodys(frame.File) {
			return fmt.Sprintf("%s:%d", frame.File, frame.Line)
		}
	}
	return ""
}

// A stack as Go writes it, a function and its place in two lines, without those that are nobody's.
func shown(stack string) string {
	lines := strings.Split(strings.TrimSpace(stack), "\n")
	kept := lines[:1:1]
	for at := 1; at+1 < len(lines); at += 2 {
		if file, _, _ := strings.Cut(strings.TrimSpace(lines[at+1]), ":"); !isNobodys(file) {
			kept = append(kept, lines[at], lines[at+1])
		}
	}
	if len(kept) == 1 {
		return stack
	}
	return strings.Join(kept, "\n")
}

// A panic of a handler.
type panicked struct {
	cause any
	// The beginning of its stack.
	stack string
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v", p.cause) }

// Runs the function that an event is for.
func chosen(subscription uint32, ctx *Context) (*Message, error) {
	for _, t := range timers {
		if ctx.Channel == "$timer/"+t.name {
			return nil, t.run(ctx)
		}
	}
	if int(subscription) >= len(subscriptions) {
		return nil, Rejectf("there is no subscription %d", subscription)
	}
	return subscriptions[subscription].run(ctx)
}

// Runs what is to run before the first event.
func begin() error {
	_, err := guarded(func() (*Message, error) {
		for _, run := range starts {
			if err := run(); err != nil {
				return nil, err
			}
		}
		return nil, nil
	})
	return err
}

// Runs a handler; a panic is a rejection with its stack, since the same event would panic again.
func guarded(run func() (*Message, error)) (message *Message, err error) {
	promised = nil
	defer func() {
		if cause := recover(); cause != nil {
			stack := shown(string(debug.Stack()))
			Log(LevelError, fmt.Sprintf("panic: %v\n%s", cause, stack))
			if len(stack) > 2000 {
				stack = stack[:2000] + "…"
			}
			err = Reject(&panicked{cause, stack})
		}
		if err != nil {
			breakPromises()
		}
	}()
	return run()
}
