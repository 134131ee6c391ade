//go:build !wasip1

package hive

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
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

// NewHost is a node that knows nothing yet. It panics where no node would load the plugin, because of a pattern or a schedule.
func NewHost() *Host {
	checkPlugin()
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
	var there []string
	for _, t := range timers {
		there = append(there, t.name)
	}
	if !slices.Contains(there, name) {
		panic(fmt.Sprintf("the plugin has no timer `%s`; it has %s", name, cmp.Or(strings.Join(there, ", "), "none")))
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
	if err := checkChannel(channel); err != nil {
		panic(err)
	}
	at := slices.IndexFunc(subscriptions, func(s *subscription) bool {
		return (s.answers || !calls) && matches(h.expand(s.pattern), channel)
	})
	if at >= 0 {
		return uint32(at)
	}
	verb, patterns := "subscribe to", []string{}
	if calls {
		verb = "answer"
	}
	for _, s := range subscriptions {
		patterns = append(patterns, s.pattern)
	}
	panic(fmt.Sprintf("the plugin does not %s `%s`; its subscriptions are %v", verb, channel, patterns))
}

func made(value any) Message {
	message, err := toMessage(value)
	if err != nil {
		panic(err)
	}
	return message
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
	if err := h.mayPublish(channel, message.Headers); err != nil {
		return "", err
	}
	return h.note(&h.done.Published, channel, message), nil
}

func (h *Host) forward(channel string, headers [][2]string) (string, error) {
	if h.ctx == nil {
		return "", &Error{Code: "invalid", Text: "no event is being handled"}
	}
	message := h.ctx.Message
	message.Headers = headers
	return h.publish(channel, message, 0)
}

func (h *Host) retain(channel string, message Message) (string, error) {
	if err := h.mayPublish(channel, message.Headers); err != nil {
		return "", err
	}
	h.Kept[channel] = message
	return h.note(&h.done.Retained, channel, message), nil
}

func (h *Host) clear(channel string) error {
	if err := h.mayPublish(channel, nil); err != nil {
		return err
	}
	delete(h.Kept, channel)
	h.done.Cleared = append(h.done.Cleared, channel)
	return nil
}

func (h *Host) request(channel string, message Message, _ time.Duration) (Message, error) {
	responders, err := h.ask(channel, message)
	if err != nil {
		return Message{}, err
	}
	return answer(responders[0], message)
}

func (h *Host) requestEach(channels []string, messages []Message, timeout time.Duration) (answers []Answered, err error) {
	if len(channels) > callsMax {
		return nil, &Error{Code: "too-large", Number: callsMax}
	}
	for at, channel := range channels {
		message, err := h.request(channel, messages[at], timeout)
		answers = append(answers, Answered{Message: message, Err: err})
	}
	return answers, nil
}

func (h *Host) gather(channel string, message Message, _ time.Duration, limit uint32) (answers []Answered, missing int, err error) {
	responders, err := h.ask(channel, message)
	good := uint32(0)
	for _, responder := range responders {
		said, err := answer(responder, message)
		answers = append(answers, Answered{Origin: "test", Message: said, Err: err})
		if err == nil {
			good++
		}
		if limit > 0 && good >= limit {
			break
		}
	}
	return answers, 0, err
}

// Notes a question, and has who answers it, in the order of their patterns.
func (h *Host) ask(channel string, message Message) (responders []func(Message) (any, error), err error) {
	if err := h.mayPublish(channel, message.Headers); err != nil {
		return nil, err
	}
	h.done.Asked = append(h.done.Asked, Sent{channel, message})
	for _, pattern := range slices.Sorted(maps.Keys(h.Answers)) {
		if matches(pattern, channel) {
			responders = append(responders, h.Answers[pattern])
		}
	}
	if len(responders) == 0 {
		return nil, &Error{Code: "no-responder"}
	}
	return responders, nil
}

// What a responder says: an *Error is what the node says of it.
func answer(responder func(Message) (any, error), message Message) (Message, error) {
	value, err := responder(message)
	var failure *Failure
	var own *Error
	switch {
	case err == nil:
		return toMessage(value)
	case errors.As(err, &failure) && failure.rejected:
		return Message{}, &Error{Code: "rejected", Text: err.Error()}
	case failure == nil && errors.As(err, &own):
		return Message{}, own
	}
	return Message{}, &Error{Code: "failed", Text: err.Error()}
}

// Values a page at a time, as of keys.
func (h *Host) keptValues(pattern string, after *string) (found []Kept, err error) {
	if err := h.mayRead(pattern); err != nil {
		return nil, err
	}
	for channel, message := range h.Kept {
		if matches(pattern, channel) && (after == nil || channel > *after) {
			found = append(found, Kept{Channel: channel, Message: message, ID: "test-kept"})
		}
	}
	slices.SortFunc(found, func(a, b Kept) int { return strings.Compare(a.Channel, b.Channel) })
	return found[:min(page, len(found))], nil
}

func (h *Host) after(name string, delay time.Duration, payload []byte) error {
	if err := h.maySet(name); err != nil {
		return err
	}
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
	return "", &Error{Code: "denied", Text: fmt.Sprintf("the plugin has no secret `%s`; the configuration would have to grant it: "+
		"plugins: {each: {test: {secrets: {%s: {file: PATH}}}}}", name, name)}
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
