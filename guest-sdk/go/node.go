package hive

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// The node's interfaces: of a component, or nobody's.
type node interface {
	publish(channel string, message Message, expires time.Duration) (string, error)
	forward(channel string, headers [][2]string) (string, error)
	retain(channel string, message Message) (string, error)
	clear(channel string) error
	request(channel string, message Message, timeout time.Duration) (Message, error)
	requestEach(channels []string, messages []Message, timeout time.Duration) ([]Answered, error)
	gather(channel string, message Message, timeout time.Duration, limit uint32) ([]Answered, int, error)
	keptValues(pattern string, after *string) ([]Kept, error)
	after(name string, delay time.Duration, payload []byte) error
	cancel(name string) (bool, error)
	config(key string) (string, bool)
	secret(name string) (string, error)
	stateGet(key string) ([]byte, error)
	stateGetEach(keys []string) ([][]byte, error)
	stateSet(key string, value []byte, ttl time.Duration) error
	stateDelete(key string) error
	stateKeys(prefix string, after *string) ([]string, error)
	stateIncrement(key string, delta int64) (int64, error)
	stateSwap(key string, expected, value []byte, ttl time.Duration) (bool, error)
	stateFlush() error
	log(level Level, message string, fields [][2]string)
	current() Facts
	where() Place
	// The handler's line that asks; empty outside a component.
	place() string
}

var here node = nowhere{}

// Facts are what is known of the event in hand beside what nearly every handler reads.
type Facts struct {
	// ID is unique for each publish, the same on every redelivery.
	ID string
	// Origin is the id of the publishing node, as the mesh authenticated it; OriginName what that calls itself.
	Origin, OriginName string
	// Network is the one it was published to; empty for a local channel, which has one segment.
	Network     string
	PublishedAt time.Time
	// TimeLeft is how long until this call is cut.
	TimeLeft time.Duration
	// MeshHeaders are the mesh's own, such as `hive-depth`, and what a dead letter says of itself: `hive-reason`, `hive-channel`.
	MeshHeaders [][2]string
}

// Facts asks the node.
func (c *Context) Facts() Facts { return here.current() }

// Place is where the plugin is.
type Place struct {
	NodeID, NodeName, Plugin string
	// Networks are those that the node is in, the home network first.
	Networks []string
	// Generation is which loaded version of the plugin this is; 1 is the first since the node started.
	Generation uint64
}

// Here is where the plugin is.
func Here() Place { return here.where() }

// A PublishOption changes a message that is sent.
type PublishOption func(*Message, *time.Duration)

// WithKey has events of one channel with the same key handled in order.
func WithKey(key string) PublishOption { return func(m *Message, _ *time.Duration) { m.Key = key } }

// WithHeader adds a header.
func WithHeader(name, value string) PublishOption {
	return func(m *Message, _ *time.Duration) { m.Headers = append(m.Headers, [2]string{name, value}) }
}

// Expiring has nobody want it so long afterwards: wherever it waits then, it is dropped.
func Expiring(after time.Duration) PublishOption {
	return func(_ *Message, expires *time.Duration) { *expires = max(after, time.Millisecond) }
}

// Publish publishes a value and gives the event's id. It takes effect at once, also when the handler fails later.
func Publish(channel string, value any, options ...PublishOption) (string, error) {
	message, err := toMessage(value)
	if err != nil {
		return "", err
	}
	var expires time.Duration
	for _, option := range options {
		option(&message, &expires)
	}
	return here.publish(channel, message, expires)
}

// Forward publishes the payload of the event in hand, without copying it.
func Forward(channel string, headers ...[2]string) (string, error) {
	return here.forward(channel, headers)
}

// Retain publishes a value and keeps it as the channel's last one, on every node.
func Retain(channel string, value any) (string, error) {
	message, err := toMessage(value)
	if err != nil {
		return "", err
	}
	return here.retain(channel, message)
}

// Clear forgets the channel's last value; subscribers get an empty event.
func Clear(channel string) error { return here.clear(channel) }

// Call asks, and reads the answer. It waits as long as the event has time.
func Call[R any](channel string, value any) (R, error) { return CallWithin[R](channel, value, 0) }

// CallWithin gives up sooner.
func CallWithin[R any](channel string, value any, timeout time.Duration) (answer R, err error) {
	message, err := toMessage(value)
	if err != nil {
		return answer, err
	}
	said, err := here.request(channel, message, timeout)
	if err != nil {
		return answer, of(channel, err)
	}
	if answer, err = read[R](said); err != nil {
		return answer, of(channel, refused("unexpected-answer", err.Error()))
	}
	return answer, nil
}

// Question is one of several that are asked at once.
type Question struct {
	Channel string
	Value   any
}

// CallEach asks several at once, at most 64, and has the answers in the order asked, to be read with Read; what goes wrong
// with one of them stands in its place. It waits for the slowest, but no longer than the timeout; 0 is as long as the event
// has time.
func CallEach(timeout time.Duration, questions ...Question) ([]Answered, error) {
	channels, messages := make([]string, len(questions)), make([]Message, len(questions))
	for at, question := range questions {
		message, err := toMessage(question.Value)
		if err != nil {
			return nil, of(question.Channel, err)
		}
		channels[at], messages[at] = question.Channel, message
	}
	answers, err := here.requestEach(channels, messages, timeout)
	for at := range answers {
		answers[at].Err = of(channels[at], answers[at].Err)
	}
	return answers, err
}

// An error of a call names its channel.
func of(channel string, err error) error {
	var own *Error
	if !errors.As(err, &own) {
		return err
	}
	named := *own
	named.Channel = channel
	return &named
}

// Answered is what one responder answered.
type Answered struct {
	// Origin is the answering node's id, as Gather has it.
	Origin  string
	Message Message
	Err     error
}

// Gather asks everybody who answers there, and says how many had not answered to the end when time ran out. It ends
// early once limit answers are good; 0 is all.
func Gather(channel string, value any, timeout time.Duration, limit uint32) ([]Answered, int, error) {
	message, err := toMessage(value)
	if err != nil {
		return nil, 0, err
	}
	answers, missing, err := here.gather(channel, message, timeout, limit)
	for at := range answers {
		answers[at].Err = of(channel, answers[at].Err)
	}
	return answers, missing, of(channel, err)
}

// Read reads what was answered or kept.
func Read[T any](message Message) (T, error) { return read[T](message) }

// Kept is a channel's last value.
type Kept struct {
	Channel     string
	Message     Message
	ID          string
	PublishedAt time.Time
}

// KeptValues has the kept values that match, in the order of their channels. The pattern has to lie within one that the plugin
// subscribes to.
func KeptValues(pattern string) ([]Kept, error) {
	var all []Kept
	var after *string
	for {
		page, err := here.keptValues(pattern, after)
		if err != nil || len(page) == 0 {
			return all, err
		}
		all = append(all, page...)
		after = &page[len(page)-1].Channel
	}
}

// After sets a one-shot timer: the value comes back on `$timer/<name>`, to which the plugin subscribes.
func After(name string, delay time.Duration, value any) error {
	message, err := toMessage(value)
	if err != nil {
		return err
	}
	return here.after(name, delay, message.Payload)
}

// Cancel cancels a one-shot timer; false when there was none that had not fired.
func Cancel(name string) (bool, error) { return here.cancel(name) }

// Config is a value of the plugin's configuration.
func Config(key string) (string, bool) { return here.config(key) }

// ConfigOr is a value of the type of what holds when it is not set: `ConfigOr("limit", 30.0)` is a float64.
func ConfigOr[T string | bool | int | int64 | float64](key string, usual T) (value T, err error) {
	text, ok := here.config(key)
	if !ok {
		return usual, nil
	}
	wanted := "a whole number"
	switch to := any(&value).(type) {
	case *string:
		*to = text
	case *bool:
		wanted = "true or false"
		if *to = text == "true"; !*to && text != "false" {
			err = strconv.ErrSyntax
		}
	case *int:
		*to, err = strconv.Atoi(text)
	case *int64:
		*to, err = strconv.ParseInt(text, 10, 64)
	case *float64:
		wanted = "a number"
		*to, err = strconv.ParseFloat(text, 64)
	}
	if err != nil {
		return usual, refused("invalid", fmt.Sprintf("the configuration's `%s` is `%s`, and %s is wanted", key, text, wanted))
	}
	return value, nil
}

// Level is how urgent a line is.
type Level uint8

// The levels.
const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// Log writes a line in the node's log, under the plugin's name; fields are names and values in turn, and one that is left over
// is said in the line. An error's is `Log(LevelError, …)`: Error is a type.
func Log(level Level, message string, fields ...any) {
	pairs := make([][2]string, 0, len(fields)/2)
	for at := 0; at+1 < len(fields); at += 2 {
		pairs = append(pairs, [2]string{fmt.Sprint(fields[at]), fmt.Sprint(fields[at+1])})
	}
	if len(fields)%2 != 0 {
		message += fmt.Sprintf(" (and `%v`, alone: what follows are names and values in turn)", fields[len(fields)-1])
	}
	here.log(level, message, pairs)
}

// Debug writes a line of that level.
func Debug(message string, fields ...any) { Log(LevelDebug, message, fields...) }

// Info writes a line of that level.
func Info(message string, fields ...any) { Log(LevelInfo, message, fields...) }

// Warn writes a line of that level.
func Warn(message string, fields ...any) { Log(LevelWarn, message, fields...) }

type nowhere struct{}

var errNowhere = &Error{Code: "unavailable", Text: "there is no node here: this is no component"}

func (nowhere) publish(string, Message, time.Duration) (string, error)  { return "", errNowhere }
func (nowhere) forward(string, [][2]string) (string, error)             { return "", errNowhere }
func (nowhere) retain(string, Message) (string, error)                  { return "", errNowhere }
func (nowhere) clear(string) error                                      { return errNowhere }
func (nowhere) request(string, Message, time.Duration) (Message, error) { return Message{}, errNowhere }
func (nowhere) keptValues(string, *string) ([]Kept, error)              { return nil, errNowhere }
func (nowhere) after(string, time.Duration, []byte) error               { return errNowhere }
func (nowhere) cancel(string) (bool, error)                             { return false, errNowhere }
func (nowhere) config(string) (string, bool)                            { return "", false }
func (nowhere) secret(string) (string, error)                           { return "", errNowhere }
func (nowhere) stateGet(string) ([]byte, error)                         { return nil, errNowhere }
func (nowhere) stateGetEach([]string) ([][]byte, error)                 { return nil, errNowhere }
func (nowhere) stateSet(string, []byte, time.Duration) error            { return errNowhere }
func (nowhere) stateDelete(string) error                                { return errNowhere }
func (nowhere) stateKeys(string, *string) ([]string, error)             { return nil, errNowhere }
func (nowhere) stateIncrement(string, int64) (int64, error)             { return 0, errNowhere }
func (nowhere) stateFlush() error                                       { return errNowhere }
func (nowhere) log(_ Level, message string, _ [][2]string)              { fmt.Println(message) }
func (nowhere) current() Facts                                          { return Facts{} }
func (nowhere) where() Place                                            { return Place{} }
func (nowhere) place() string                                           { return "" }
func (nowhere) requestEach([]string, []Message, time.Duration) ([]Answered, error) {
	return nil, errNowhere
}
func (nowhere) gather(string, Message, time.Duration, uint32) ([]Answered, int, error) {
	return nil, 0, errNowhere
}
func (nowhere) stateSwap(string, []byte, []byte, time.Duration) (bool, error) {
	return false, errNowhere
}
