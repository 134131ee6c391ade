package hive

import (
	"time"

	_ "hive-guest/internal/bindings"
	"hive-guest/internal/bindings/hive_node_bus"
	"hive-guest/internal/bindings/hive_node_config"
	"hive-guest/internal/bindings/hive_node_current"
	"hive-guest/internal/bindings/hive_node_handler"
	"hive-guest/internal/bindings/hive_node_log"
	"hive-guest/internal/bindings/hive_node_node"
	"hive-guest/internal/bindings/hive_node_secrets"
	"hive-guest/internal/bindings/hive_node_snapshot"
	"hive-guest/internal/bindings/hive_node_state"
	"hive-guest/internal/bindings/hive_node_timers"
	"hive-guest/internal/bindings/hive_node_types"
	"hive-guest/internal/export/handler"
	"hive-guest/internal/export/snapshot"
	"hive-guest/internal/export/startup"
	abi "hive-guest/internal/wit/runtime"
	"hive-guest/internal/wit/types"
)

func init() {
	here = component{}
	handler.Describe = describe
	handler.Handle = handle
	startup.Start = start
	snapshot.Save = save
	snapshot.Restore = restore
}

type pair = types.Tuple2[string, string]

func describe() (description hive_node_handler.Description) {
	abi.Within(func() {
		description = hive_node_handler.Description{
			Name: plugin.Name, Version: plugin.Version, Instances: uint8(plugin.Instances), Publishes: plugin.Publishes,
		}
		for _, s := range subscriptions {
			described := hive_node_handler.Subscription{Pattern: s.pattern, Answers: s.answers}
			if s.group != nil {
				described.Delivery = hive_node_handler.DeliveryGroup
				if *s.group != "" {
					described.Group = types.Some(*s.group)
				}
			}
			if s.durable {
				described.Settings = []pair{{F0: "durable", F1: "true"}}
			}
			description.Subscriptions = append(description.Subscriptions, described)
		}
		for _, t := range timers {
			described := hive_node_handler.Timer{Name: t.name, Schedule: t.schedule}
			if t.mesh {
				described.Scope = hive_node_handler.TimerScopeMesh
			}
			description.Timers = append(description.Timers, described)
		}
		if handed == nil {
			// The component exports the functions either way.
			description.Settings = []pair{{F0: "snapshot", F1: "false"}}
		}
	})
	return description
}

func start() (result types.Result[types.Unit, string]) {
	result = types.Ok[types.Unit, string](types.Unit{})
	abi.Within(func() {
		if err := begin(); err != nil {
			result = types.Err[types.Unit, string](err.Error())
		}
	})
	return result
}

func save() (result types.Result[[]uint8, string]) {
	abi.Within(func() {
		var saved []byte
		_, err := guarded(func() (_ *Message, err error) {
			if handed != nil {
				saved, err = handed.save()
			}
			return nil, err
		})
		if err != nil {
			result = types.Err[[]uint8, string](err.Error())
			return
		}
		result = types.Ok[[]uint8, string](saved)
	})
	return result
}

func restore(saved hive_node_snapshot.Saved) (result types.Result[types.Unit, string]) {
	abi.Within(func() {
		_, err := guarded(func() (*Message, error) {
			if handed == nil {
				return nil, nil
			}
			return nil, handed.restore(saved.State, saved.Version)
		})
		if err != nil {
			result = types.Err[types.Unit, string](err.Error())
			return
		}
		result = types.Ok[types.Unit, string](types.Unit{})
	})
	return result
}

func handle(event hive_node_types.Event) (handled handler.Handled) {
	abi.Within(func() {
		ctx := &Context{
			Channel: event.Channel, Message: got(event.Message), Attempt: event.Attempt, Retained: event.Retained,
			WantsReply: event.WantsReply,
		}
		message, err := guarded(func() (*Message, error) { return chosen(event.Subscription, ctx) })
		if err != nil {
			handled = types.Err[types.Option[hive_node_types.Message], hive_node_handler.Failure](failure(err, event.WantsReply))
			return
		}
		answer := types.None[hive_node_types.Message]()
		if message != nil && event.WantsReply {
			answer = types.Some(sent(*message))
		}
		handled = types.Ok[types.Option[hive_node_types.Message], hive_node_handler.Failure](answer)
	})
	return handled
}

func failure(err error, wantsReply bool) hive_node_handler.Failure {
	rejected, reason, after := told(err, wantsReply)
	if rejected {
		return hive_node_handler.MakeFailureReject(reason)
	}
	delay := hive_node_handler.Delay{Reason: reason}
	if after > 0 {
		delay.AfterMs = types.Some(uint64(after.Milliseconds()))
	}
	return hive_node_handler.MakeFailureRetry(delay)
}

func got(message hive_node_types.Message) Message {
	return Message{
		Payload: message.Payload, ContentType: message.ContentType.Some(), Key: message.Key.Some(), Headers: shownPairs(message.Headers),
	}
}

func shownPairs(headers []pair) (found [][2]string) {
	for _, header := range headers {
		found = append(found, [2]string{header.F0, header.F1})
	}
	return found
}

func sent(message Message) hive_node_types.Message {
	wire := hive_node_types.Message{Payload: message.Payload, Headers: pairs(message.Headers)}
	if message.ContentType != "" {
		wire.ContentType = types.Some(message.ContentType)
	}
	if message.Key != "" {
		wire.Key = types.Some(message.Key)
	}
	return wire
}

func pairs(headers [][2]string) []pair {
	wire := make([]pair, 0, len(headers))
	for _, header := range headers {
		wire = append(wire, pair{F0: header[0], F1: header[1]})
	}
	return wire
}

func wrong(err hive_node_types.Error) error {
	made := said(err)
	made.place = place()
	return made
}

func said(err hive_node_types.Error) *Error {
	switch err.Tag() {
	case hive_node_types.ErrorDenied:
		return &Error{Code: "denied", Text: err.Denied()}
	case hive_node_types.ErrorInvalid:
		return &Error{Code: "invalid", Text: err.Invalid()}
	case hive_node_types.ErrorTooLarge:
		return &Error{Code: "too-large", Number: err.TooLarge()}
	case hive_node_types.ErrorOverloaded:
		return &Error{Code: "overloaded", Number: err.Overloaded()}
	case hive_node_types.ErrorNoResponder:
		return &Error{Code: "no-responder"}
	case hive_node_types.ErrorTimeout:
		return &Error{Code: "timeout"}
	case hive_node_types.ErrorDeadlock:
		return &Error{Code: "deadlock"}
	case hive_node_types.ErrorFailed:
		return &Error{Code: "failed", Text: err.Failed()}
	case hive_node_types.ErrorRejected:
		return &Error{Code: "rejected", Text: err.Rejected()}
	case hive_node_types.ErrorUnavailable:
		return &Error{Code: "unavailable", Text: err.Unavailable()}
	case hive_node_types.ErrorOther:
		return &Error{Code: err.Other().F0, Text: err.Other().F1}
	}
	return &Error{Code: "unknown", Text: "an error that this SDK does not know"}
}

// Asks the node: during the call it may put results into our memory, so nothing else is called out.
func ask[T any](call func() types.Result[T, hive_node_types.Error]) (value T, err error) {
	result := abi.Outside(call)
	if result.Tag() == types.ResultErr {
		return value, wrong(result.Err())
	}
	return result.Ok(), nil
}

func ms(timeout time.Duration) uint32 {
	if timeout <= 0 {
		return 0
	}
	return uint32(max(1, min(timeout.Milliseconds(), 1<<32-1)))
}

type component struct{}

func (component) publish(channel string, message Message, expires time.Duration) (string, error) {
	return ask(func() types.Result[string, hive_node_types.Error] {
		if expires > 0 {
			return hive_node_bus.PublishExpiring(channel, sent(message), uint64(ms(expires)))
		}
		return hive_node_bus.Publish(channel, sent(message))
	})
}

func (component) forward(channel string, headers [][2]string) (string, error) {
	return ask(func() types.Result[string, hive_node_types.Error] {
		return hive_node_bus.Forward(channel, pairs(headers))
	})
}

func (component) retain(channel string, message Message) (string, error) {
	return ask(func() types.Result[string, hive_node_types.Error] {
		return hive_node_bus.Retain(channel, sent(message))
	})
}

func (component) clear(channel string) error {
	_, err := ask(func() types.Result[types.Unit, hive_node_types.Error] { return hive_node_bus.Clear(channel) })
	return err
}

func (component) request(channel string, message Message, timeout time.Duration) (Message, error) {
	answer, err := ask(func() types.Result[hive_node_types.Message, hive_node_types.Error] {
		return hive_node_bus.Request(channel, sent(message), ms(timeout))
	})
	if err != nil {
		return Message{}, err
	}
	return got(answer), nil
}

func (component) requestEach(channels []string, messages []Message, timeout time.Duration) ([]Answered, error) {
	calls := make([]hive_node_bus.Call, 0, len(channels))
	for at, channel := range channels {
		calls = append(calls, hive_node_bus.Call{Channel: channel, Message: sent(messages[at])})
	}
	outcomes, err := ask(func() types.Result[[]types.Result[hive_node_types.Message, hive_node_types.Error], hive_node_types.Error] {
		return hive_node_bus.RequestEach(calls, ms(timeout))
	})
	answers := make([]Answered, 0, len(outcomes))
	for _, outcome := range outcomes {
		answers = append(answers, answered("", outcome))
	}
	return answers, err
}

func answered(origin string, outcome types.Result[hive_node_types.Message, hive_node_types.Error]) Answered {
	if outcome.Tag() == types.ResultErr {
		return Answered{Origin: origin, Err: wrong(outcome.Err())}
	}
	return Answered{Origin: origin, Message: got(outcome.Ok())}
}

func (component) gather(channel string, message Message, timeout time.Duration, limit uint32) ([]Answered, int, error) {
	answers, err := ask(func() types.Result[hive_node_bus.Answers, hive_node_types.Error] {
		return hive_node_bus.Gather(channel, sent(message), ms(timeout), limit)
	})
	if err != nil {
		return nil, 0, err
	}
	var all []Answered
	for _, answer := range answers.Answers {
		all = append(all, answered(answer.Origin, answer.Outcome))
	}
	return all, int(answers.Missing), nil
}

func (component) keptValues(pattern string, after *string) ([]Kept, error) {
	from := types.None[string]()
	if after != nil {
		from = types.Some(*after)
	}
	page, err := ask(func() types.Result[[]hive_node_bus.Kept, hive_node_types.Error] {
		return hive_node_bus.KeptValues(pattern, from, 0)
	})
	values := make([]Kept, 0, len(page))
	for _, kept := range page {
		values = append(values, Kept{kept.Channel, got(kept.Message), kept.Id, time.UnixMilli(int64(kept.PublishedAt))})
	}
	return values, err
}

func (component) after(name string, delay time.Duration, payload []byte) error {
	_, err := ask(func() types.Result[types.Unit, hive_node_types.Error] {
		return hive_node_timers.After(name, uint64(max(0, delay.Milliseconds())), payload)
	})
	return err
}

func (component) cancel(name string) (bool, error) {
	return ask(func() types.Result[bool, hive_node_types.Error] { return hive_node_timers.Cancel(name) })
}

func (component) config(key string) (string, bool) {
	value := abi.Outside(func() types.Option[string] { return hive_node_config.Get(key) })
	return value.Some(), value.Tag() == types.OptionSome
}

func (component) log(level Level, message string, fields [][2]string) {
	abi.Outside(func() struct{} {
		hive_node_log.Log(uint8(level), message, pairs(fields))
		return struct{}{}
	})
}

func (component) current() Facts {
	return abi.Outside(func() Facts {
		return Facts{
			ID: hive_node_current.Id(), Origin: hive_node_current.Origin(), OriginName: hive_node_current.OriginName(),
			Network: hive_node_current.Network().Some(), PublishedAt: time.UnixMilli(int64(hive_node_current.PublishedAt())),
			TimeLeft:    time.Duration(hive_node_current.TimeLeft()) * time.Millisecond,
			MeshHeaders: shownPairs(hive_node_current.MeshHeaders()),
		}
	})
}

func (component) where() Place {
	return abi.Outside(func() Place {
		return Place{
			hive_node_node.Id(), hive_node_node.Name(), hive_node_node.Plugin(), hive_node_node.Networks(), hive_node_node.Generation(),
		}
	})
}

func (component) place() string { return place() }

func (component) secret(name string) (string, error) {
	return ask(func() types.Result[string, hive_node_types.Error] { return hive_node_secrets.Get(name) })
}

type bytesOrNone = types.Option[[]uint8]

// A value that is there is never nil.
func there(value bytesOrNone) []byte {
	if value.Tag() == types.OptionNone {
		return nil
	}
	return append([]byte{}, value.Some()...)
}

func some(value []byte) bytesOrNone {
	if value == nil {
		return types.None[[]uint8]()
	}
	return types.Some(value)
}

// 0 is for ever.
func lasting(ttl time.Duration) types.Option[uint64] {
	if ttl == 0 {
		return types.None[uint64]()
	}
	return types.Some(uint64(max(0, ttl.Milliseconds())))
}

func (component) stateGet(key string) ([]byte, error) {
	found, err := ask(func() types.Result[bytesOrNone, hive_node_types.Error] { return hive_node_state.Get(key) })
	return there(found), err
}

func (component) stateGetEach(keys []string) ([][]byte, error) {
	found, err := ask(func() types.Result[[]bytesOrNone, hive_node_types.Error] { return hive_node_state.GetEach(keys) })
	values := make([][]byte, 0, len(found))
	for _, value := range found {
		values = append(values, there(value))
	}
	return values, err
}

func (component) stateSet(key string, value []byte, ttl time.Duration) error {
	_, err := ask(func() types.Result[types.Unit, hive_node_types.Error] {
		return hive_node_state.Set(key, value, lasting(ttl))
	})
	return err
}

func (component) stateDelete(key string) error {
	_, err := ask(func() types.Result[types.Unit, hive_node_types.Error] { return hive_node_state.Delete(key) })
	return err
}

func (component) stateKeys(prefix string, after *string) ([]string, error) {
	from := types.None[string]()
	if after != nil {
		from = types.Some(*after)
	}
	return ask(func() types.Result[[]string, hive_node_types.Error] { return hive_node_state.Keys(prefix, from, 0) })
}

func (component) stateIncrement(key string, delta int64) (int64, error) {
	return ask(func() types.Result[int64, hive_node_types.Error] { return hive_node_state.Increment(key, delta) })
}

func (component) stateSwap(key string, expected, value []byte, ttl time.Duration) (bool, error) {
	return ask(func() types.Result[bool, hive_node_types.Error] {
		return hive_node_state.Swap(key, some(expected), some(value), lasting(ttl))
	})
}

func (component) stateFlush() error {
	_, err := ask(func() types.Result[types.Unit, hive_node_types.Error] { return hive_node_state.Flush() })
	return err
}
