package hive

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"
)

// The value as JSON. Go itself writes U+FFFD for what is no text, and nobody would know.
func marshal(value any) ([]byte, error) {
	payload, err := json.Marshal(value)
	// Only what was put in place of something else is written so, or what a value had of JSON itself.
	if err == nil && bytes.Contains(payload, []byte(`\ufffd`)) {
		err = noText(reflect.ValueOf(value), "the value")
	}
	return payload, err
}

// The first text in a value that is no UTF-8, by the name that it has in JSON.
func noText(value reflect.Value, called string) error {
	if !value.IsValid() || !value.CanInterface() {
		return nil
	}
	switch value.Interface().(type) {
	case json.Marshaler, encoding.TextMarshaler:
		// What is written is not what is there.
		return nil
	}
	within := func(name string) string {
		if called == "the value" {
			return strings.TrimPrefix(name, ".")
		}
		return called + name
	}
	switch value.Kind() {
	case reflect.String:
		if text := value.String(); !utf8.ValidString(text) {
			return fmt.Errorf("%s is not UTF-8: %.60q", called, text)
		}
	case reflect.Pointer, reflect.Interface:
		return noText(value.Elem(), called)
	case reflect.Slice, reflect.Array:
		for at := range value.Len() {
			if err := noText(value.Index(at), within(fmt.Sprintf("[%d]", at))); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			if err := noText(key, "a key of "+called); err != nil {
				return err
			}
			if err := noText(value.MapIndex(key), within(fmt.Sprintf(".%v", key))); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for at := range value.NumField() {
			field := value.Type().Field(at)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			if name == "" {
				name = field.Name
			}
			if err := noText(value.Field(at), within("."+name)); err != nil {
				return err
			}
		}
	}
	return nil
}
