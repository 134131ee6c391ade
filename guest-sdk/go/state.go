package hive

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"
)

// How long Once remembers, and what its keys begin with.
const (
	remembered = 24 * time.Hour
	oncePrefix = "$once/"
)

// Store is what the plugin keeps on its node: values by key, for all its instances, over new versions and restarts. Values
// are JSON, []byte as it is. Other instances see at once what a handler writes; it gets to disk as a whole within about a
// second; a crash before loses it, and Flush waits for it. A rejection or a retry keeps what was written before.
type Store struct{}

// State is the plugin's.
var State Store

// Get reads the value of a key into what `to` points to; false when there is none.
func (s Store) Get(key string, to any) (bool, error) {
	found, err := s.Bytes(key)
	if err != nil || found == nil {
		return false, err
	}
	return true, parse(key, found, to)
}

// Bytes has the bytes of a key; nil when there are none.
func (Store) Bytes(key string) ([]byte, error) { return here.stateGet(key) }

// BytesEach has those of several keys, at most 256, in the order asked.
func (Store) BytesEach(keys ...string) ([][]byte, error) { return here.stateGetEach(keys) }

// Set puts a value in place of any that the key has.
func (s Store) Set(key string, value any) error { return s.SetFor(0, key, value) }

// SetFor sets what is not there any more so long afterwards; 0 is for ever.
func (Store) SetFor(ttl time.Duration, key string, value any) error {
	bytes, err := written(value)
	if err != nil {
		return err
	}
	return here.stateSet(key, bytes, ttl)
}

// Delete removes a key; one that is not there is fine.
func (Store) Delete(key string) error { return here.stateDelete(key) }

// Keys are those that begin with a prefix, in order, read page by page as it goes. An error ends them.
func (Store) Keys(prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var after *string
		for {
			page, err := here.stateKeys(prefix, after)
			if err != nil {
				yield("", err)
				return
			}
			if len(page) == 0 {
				return
			}
			for _, key := range page {
				if !yield(key, nil) {
					return
				}
			}
			after = &page[len(page)-1]
		}
	}
}

// Increment adds to a number and gives the sum, whoever else adds at the same time. A missing key counts as 0.
func (Store) Increment(key string, delta int64) (int64, error) {
	return here.stateIncrement(key, delta)
}

// Swap puts a value in place of the expected one, nil meaning that the key is not there; the value nil removes it. False when
// it had another. The expected one is compared as it is written.
func (s Store) Swap(key string, expected, value any) (bool, error) {
	return s.SwapFor(0, key, expected, value)
}

// SwapFor swaps in what is not there any more so long afterwards; 0 is for ever.
func (Store) SwapFor(ttl time.Duration, key string, expected, value any) (bool, error) {
	before, err := written(expected)
	if err != nil {
		return false, err
	}
	after, err := written(value)
	if err != nil {
		return false, err
	}
	return here.stateSwap(key, before, after, ttl)
}

// Flush waits until everything that this call has written so far is on disk.
func (Store) Flush() error { return here.stateFlush() }

// Update makes a new value from the old one, again when somebody else was faster, and gives what it made. A nil is a key that
// is not there.
func Update[T any](key string, change func(before *T) (after *T)) (*T, error) {
	for {
		found, err := State.Bytes(key)
		if err != nil {
			return nil, err
		}
		var before *T
		var expected, value any
		if found != nil {
			before, expected = new(T), found
			if err := parse(key, found, before); err != nil {
				return nil, err
			}
		}
		after := change(before)
		if after != nil {
			value = *after
		}
		if swapped, err := State.Swap(key, expected, value); swapped || err != nil {
			return after, err
		}
	}
}

// What this call has promised to do once.
var promised []string

// Once says whether this is the first time that something is done, by an id of your own; for the event in hand it is
// Context.Once. Remembered for 24 hours.
//
// What a handler writes to its state beside it gets to disk together with it. Where the handler returns an error or panics, it
// was not done, and the next attempt is the first again: do what may fail before you write. So it is where the call is cut or
// the instance ends in it, but only before a Flush: what is on disk stays.
func Once(id string) (bool, error) { return OnceFor(remembered, id) }

// OnceFor remembers for so long.
func OnceFor(remembered time.Duration, id string) (bool, error) {
	key := oncePrefix + id
	first, err := State.SwapFor(remembered, key, nil, []byte("1"))
	if first {
		promised = append(promised, key)
	}
	return first, err
}

// Once says whether this event is handled for the first time, on this node: false when an earlier attempt was done with it and
// only its outcome was lost on the way. Remembered for 24 hours.
func (c *Context) Once() (bool, error) { return Once(c.Facts().ID) }

// A call has failed, and is to be the first again.
func breakPromises() {
	for _, key := range promised {
		// Whoever cannot delete now could not write either; the next attempt then thinks that it is the second.
		if err := State.Delete(key); err != nil {
			Warn(fmt.Sprintf("`%s` stays: %v", key, err))
		}
	}
}

// Secret is one that the node's configuration grants the plugin; an Error `denied` has the line to add.
func Secret(name string) (string, error) { return here.secret(name) }

// Handed by the functions of Snapshot.
type memory struct {
	save    func() ([]byte, error)
	restore func(state []byte, version string) error
}

var handed *memory

// Snapshot hands the memory of a Single plugin to the version that takes over: what save gives, restore gets before the first
// event, as JSON, []byte as it is. An error of either refuses the new version, and the one before goes on.
func Snapshot[T any](save func() (T, error), restore func(saved T, version string) error) {
	handed = &memory{
		save: func() ([]byte, error) {
			value, err := save()
			if err != nil {
				return nil, err
			}
			message, err := toMessage(value)
			return message.Payload, err
		},
		restore: func(state []byte, version string) error {
			saved, err := read[T](Message{Payload: state, ContentType: jsonType})
			if err != nil {
				return fmt.Errorf("what version %s saved: %w", version, err)
			}
			return restore(saved, version)
		},
	}
}

func parse(key string, bytes []byte, to any) error {
	if raw, ok := to.(*[]byte); ok {
		*raw = bytes
		return nil
	}
	if err := json.Unmarshal(bytes, to); err != nil {
		return refused("unexpected-value", fmt.Sprintf("`%s`: %v", key, err))
	}
	return nil
}

// nil is nothing, bytes are as they are, and never nothing.
func written(value any) ([]byte, error) {
	message, err := toMessage(value)
	if value != nil && message.Payload == nil {
		message.Payload = []byte{}
	}
	return message.Payload, err
}
