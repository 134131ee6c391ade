//go:build !wasip1

package hive

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Host is a fake node for unit tests, with one instance of the plugin that the package under test has registered: what a
// handler publishes, asks and logs is written down, and calls are answered by the test.
type Host struct {
	// Config is the plugin's configuration, Secrets what it is granted, Kept the kept values by channel.
	Config, Secrets map[string]string
	Kept            map[string]Message
	// Answers says who answers the handler's calls, by pattern.
	Answers map[string]func(Message) (any, error)

	fakeStore
	timers  map[string]timed
	started bool
	sent    int
	done    *Delivered
	ctx     *Context
	id      string
}

type timed struct {
	delay   time.Duration
	payload []byte
}

// Sent is a message that a handler sent.
type Sent struct {
	Channel string
	Message Message
}

// Logged is a line that a handler logged.
type Logged struct {
	Level   Level
	Message string
	Fields  [][2]string
}

// Delivered is what a handler did with one event.
type Delivered struct {
	Published, Retained, Asked []Sent
	Cleared                    []string
	Logged                     []Logged
	// Answer is what it answered a call.
	Answer Message
	// Err is why it failed, Reason what the node is told of it; Rejected says that it would fail again.
	Err      error
	Reason   string
	Rejected bool
}

// NewHost is a node that knows nothing yet.
func NewHost() *Host {
	return &Host{
		Config: map[string]string{}, Secrets: map[string]string{}, Kept: map[string]Message{},
		Answers: map[string]func(Message) (any, error){}, timers: map[string]timed{},
		fakeStore: fakeStore{values: map[string]lastingValue{}},
	}
}

// Deliver delivers an event. It panics where the plugin does not subscribe.
func (h *Host) Deliver(channel string, value any) *Delivered {
	return h.DeliverAgain("", 1, channel, value)
}

// DeliverAgain delivers an event of an id once more; each has one of its own otherwise.
func (h *Host) DeliverAgain(id string, attempt uint32, channel string, value any) *Delivered {
	ctx := &Context{Channel: channel, Message: made(value), Attempt: attempt}
	return h.run(h.subscription(channel, false), id, ctx)
}

// Call sends a request and waits for the answer. It panics where the plugin does not answer.
func (h *Host) Call(channel string, value any) *Delivered {
	ctx := &Context{Channel: channel, Message: made(value), Attempt: 1, WantsReply: true}
	return h.run(h.subscription(channel, true), "", ctx)
}

// Tick lets one of the plugin's timers tick.
func (h *Host) Tick(name string) *Delivered {
	if !slices.ContainsFunc(timers, func(t *timer) bool { return t.name == name }) {
		panic("the plugin has no timer " + name)
	}
	return h.run(0, "", &Context{Channel: "$timer/" + name, Attempt: 1})
}

// Fire fires a one-shot timer that the plugin has set.
func (h *Host) Fire(name string) *Delivered {
	set, ok := h.timers[name]
	if !ok {
		panic("the plugin has not set the timer " + name)
	}
	delete(h.timers, name)
	return h.Deliver("$timer/"+name, set.payload)
}

// Timer says after how long a one-shot timer fires, and whether it is set.
func (h *Host) Timer(name string) (time.Duration, bool) {
	set, ok := h.timers[name]
	return set.delay, ok
}

// Save is what the plugin saves for the version that takes over.
func (h *Host) Save() (saved []byte, err error) {
	h.within(func() {
		if handed != nil {
			saved, err = handed.save()
		}
	})
	return saved, err
}

// Restore hands the plugin what another version has saved, before its first event.
func (h *Host) Restore(saved []byte, version string) (err error) {
	h.within(func() {
		if handed != nil {
			err = handed.restore(saved, version)
		}
	})
	return err
}

// PublishedOn has the messages that it published on one channel, in order.
func (d *Delivered) PublishedOn(channel string) (found []Message) {
	for _, sent := range d.Published {
		if sent.Channel == channel {
			found = append(found, sent.Message)
		}
	}
	return found
}

func (h *Host) run(subscription uint32, id string, ctx *Context) *Delivered {
	done := &Delivered{}
	h.done, h.ctx, h.id = done, ctx, id
	if id == "" {
		h.id = h.note(nil, "", Message{})
	}
	h.within(func() {
		answer, err := guarded(func() (*Message, error) { return chosen(subscription, ctx) })
		if answer != nil {
			done.Answer = *answer
		}
		if err != nil {
			done.Err = err
			done.Rejected, done.Reason, _ = told(err, ctx.WantsReply)
		}
	})
	return done
}

func (h *Host) within(run func()) {
	before := here
	here = h
	defer func() { here = before }()
	if !h.started {
		h.started = true
		if err := begin(); err != nil {
			panic(fmt.Sprintf("the plugin refuses to start: %v", err))
		}
	}
	run()
}

func (h *Host) subscription(channel string, calls bool) uint32 {
	at := slices.IndexFunc(subscriptions, func(s *subscription) bool {
		return (s.answers || !calls) && matches(s.pattern, channel)
	})
	if at < 0 {
		panic("the plugin does not subscribe, or answer, there: " + channel)
	}
	return uint32(at)
}

func made(value any) Message {
	message, err := toMessage(value)
	if err != nil {
		panic(err)
	}
	return message
}

// Whether a pattern matches: `*` is one segment, `**` any number.
func matches(pattern, channel string) bool {
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
	return walk(strings.Split(pattern, "/"), strings.Split(channel, "/"))
}

// What a handler sees of the node.

func (h *Host) note(list *[]Sent, channel string, message Message) string {
	if list != nil {
		*list = append(*list, Sent{channel, message})
	}
	h.sent++
	return fmt.Sprintf("test-%d", h.sent)
}

func (h *Host) publish(channel string, message Message, _ time.Duration) (string, error) {
	return h.note(&h.done.Published, channel, message), nil
}

func (h *Host) forward(channel string, headers [][2]string) (string, error) {
	message := h.ctx.Message
	message.Headers = headers
	return h.note(&h.done.Published, channel, message), nil
}

func (h *Host) retain(channel string, message Message) (string, error) {
	h.Kept[channel] = message
	return h.note(&h.done.Retained, channel, message), nil
}

func (h *Host) clear(channel string) error {
	delete(h.Kept, channel)
	h.done.Cleared = append(h.done.Cleared, channel)
	return nil
}

func (h *Host) request(channel string, message Message, _ time.Duration) (Message, error) {
	h.done.Asked = append(h.done.Asked, Sent{channel, message})
	for pattern, answer := range h.Answers {
		if !matches(pattern, channel) {
			continue
		}
		value, err := answer(message)
		var own *Error
		switch {
		case err == nil:
			return toMessage(value)
		case errors.As(err, &own):
			return Message{}, own
		}
		return Message{}, &Error{Code: "failed", Text: err.Error()}
	}
	return Message{}, &Error{Code: "no-responder"}
}

func (h *Host) requestEach(channels []string, messages []Message, timeout time.Duration) (answers []Answered, err error) {
	for at, channel := range channels {
		message, err := h.request(channel, messages[at], timeout)
		answers = append(answers, Answered{Message: message, Err: err})
	}
	return answers, nil
}

func (h *Host) gather(channel string, message Message, timeout time.Duration, _ uint32) ([]Answered, int, error) {
	answer, err := h.request(channel, message, timeout)
	var own *Error
	if errors.As(err, &own) && own.Code == "no-responder" {
		return nil, 0, err
	}
	return []Answered{{Origin: "test", Message: answer, Err: err}}, 0, nil
}

func (h *Host) keptValues(pattern string, after *string) (page []Kept, err error) {
	for channel, message := range h.Kept {
		if matches(pattern, channel) && (after == nil || channel > *after) {
			page = append(page, Kept{Channel: channel, Message: message, ID: "test-kept"})
		}
	}
	slices.SortFunc(page, func(a, b Kept) int { return strings.Compare(a.Channel, b.Channel) })
	return page, nil
}

func (h *Host) after(name string, delay time.Duration, payload []byte) error {
	h.timers[name] = timed{delay, payload}
	return nil
}

func (h *Host) cancel(name string) (bool, error) {
	_, ok := h.timers[name]
	delete(h.timers, name)
	return ok, nil
}

func (h *Host) config(key string) (string, bool) {
	value, ok := h.Config[key]
	return value, ok
}

func (h *Host) secret(name string) (string, error) {
	if value, ok := h.Secrets[name]; ok {
		return value, nil
	}
	return "", &Error{Code: "denied", Text: "the node's configuration would need: plugins: {each: {test: {secrets: {" + name + ": {file: PATH}}}}}"}
}

func (h *Host) log(level Level, message string, fields [][2]string) {
	if h.done != nil {
		h.done.Logged = append(h.done.Logged, Logged{level, message, fields})
	}
}

func (h *Host) current() Facts {
	network := ""
	if h.ctx != nil && strings.Contains(h.ctx.Channel, "/") {
		network = "hive"
	}
	return Facts{
		ID: h.id, Origin: "test", OriginName: "test", Network: network, PublishedAt: time.Now(), TimeLeft: 5 * time.Second,
	}
}

func (h *Host) where() Place {
	return Place{NodeID: "test", NodeName: "test", Plugin: "test", Networks: []string{"hive"}, Generation: 1}
}

func (h *Host) place() string { return "" }
