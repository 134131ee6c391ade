//go:build !wasip1

package hive

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What the fake node keeps for the plugin, and its clock, which the test moves.
type fakeStore struct {
	values map[string]lastingValue
	now    time.Duration
}

// A value; from the moment on when it ends it is not there any more, 0 being never.
type lastingValue struct {
	bytes []byte
	ends  time.Duration
}

const (
	keyBytesMax   = 1 << 10
	valueBytesMax = 1 << 20
	keysMax       = 256
	// Keys of a page: few, so that a handler is tested with more pages than one.
	page = 3
)

// Put keeps a value in the plugin's state; it panics where a node would refuse it.
func (f *fakeStore) Put(key string, value any) {
	bytes, err := written(value)
	if err == nil {
		err = f.stateSet(key, bytes, 0)
	}
	if err != nil {
		panic(err)
	}
}

// State reads what the plugin's state has for a key now; false when there is nothing.
func (f *fakeStore) State(key string, to any) (bool, error) {
	found, err := f.stateGet(key)
	if err != nil || found == nil {
		return false, err
	}
	return true, parse(key, found, to)
}

// Pass lets time pass for what the plugin's state has only for so long.
func (f *fakeStore) Pass(time time.Duration) {
	f.now += time
	for key, value := range f.values {
		if value.ends > 0 && value.ends <= f.now {
			delete(f.values, key)
		}
	}
}

func (f *fakeStore) stateGet(key string) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	return bytes.Clone(f.values[key].bytes), nil
}

func (f *fakeStore) stateGetEach(keys []string) (found [][]byte, err error) {
	if len(keys) > keysMax {
		return nil, &Error{Code: "too-large", Number: keysMax}
	}
	for _, key := range keys {
		value, err := f.stateGet(key)
		if err != nil {
			return nil, err
		}
		found = append(found, value)
	}
	return found, nil
}

func (f *fakeStore) stateSet(key string, value []byte, ttl time.Duration) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if len(value) > valueBytesMax {
		return &Error{Code: "too-large", Number: valueBytesMax}
	}
	kept := lastingValue{bytes: append([]byte{}, value...)}
	if ttl != 0 {
		if ttl < time.Millisecond {
			return &Error{Code: "invalid", Text: "a value is there for 1 ms at least"}
		}
		kept.ends = f.now + ttl
	}
	f.values[key] = kept
	return nil
}

func (f *fakeStore) stateDelete(key string) error {
	delete(f.values, key)
	return checkKey(key)
}

func (f *fakeStore) stateKeys(prefix string, after *string) (found []string, err error) {
	for key := range f.values {
		if strings.HasPrefix(key, prefix) && (after == nil || key > *after) {
			found = append(found, key)
		}
	}
	slices.Sort(found)
	return found[:min(page, len(found))], nil
}

func (f *fakeStore) stateIncrement(key string, delta int64) (int64, error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	kept, ok := f.values[key]
	if !ok {
		kept.bytes = []byte("0")
	}
	before, err := strconv.ParseInt(string(kept.bytes), 10, 64)
	if err != nil {
		return 0, &Error{Code: "invalid", Text: fmt.Sprintf("`%s` holds no whole number", key)}
	}
	sum := before + delta
	if (sum > before) != (delta > 0) && delta != 0 {
		return 0, &Error{Code: "invalid", Text: fmt.Sprintf("the sum of `%s` would not fit 64 bits", key)}
	}
	kept.bytes = strconv.AppendInt(nil, sum, 10)
	f.values[key] = kept
	return sum, nil
}

func (f *fakeStore) stateSwap(key string, expected, value []byte, ttl time.Duration) (bool, error) {
	found, err := f.stateGet(key)
	if err != nil || (found == nil) != (expected == nil) || !bytes.Equal(found, expected) {
		return false, err
	}
	if value == nil {
		return true, f.stateDelete(key)
	}
	return true, f.stateSet(key, value, ttl)
}

func (f *fakeStore) stateFlush() error { return nil }

func checkKey(key string) error {
	switch {
	case len(key) == 0:
		return &Error{Code: "invalid", Text: "a key has at least one byte"}
	case len(key) > keyBytesMax:
		return &Error{Code: "too-large", Number: keyBytesMax}
	}
	return nil
}
