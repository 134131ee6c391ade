// A greeter: the smallest handler that answers calls.
//
//	hive-node call greet/hello '"Ada"'              answers "Hello, Ada!"
//	hive-node call greet/hello '{"name": "Grace"}'  answers "Hello, Grace!"
//	hive-node call greet/hello                      answers "Hello, world!"
package main

import (
	"encoding/json"

	hive "hive-guest"
)

// Who is to be greeted: "Ada" or {"name": "Ada"}.
type Who struct{ Name string }

func (w *Who) UnmarshalJSON(text []byte) error {
	if json.Unmarshal(text, &w.Name) == nil {
		return nil
	}
	var person struct{ Name *string }
	if json.Unmarshal(text, &person) != nil || person.Name == nil {
		return hive.Rejectf("expected a name such as \"Ada\", or {\"name\": \"Ada\"}")
	}
	w.Name = *person.Name
	return nil
}

func init() {
	hive.Plugin(hive.Options{Version: "0.1.0"})
	hive.Answer("greet/hello", func(ctx *hive.Context, who Who) (string, error) {
		if len(ctx.Message.Payload) == 0 {
			who.Name = "world"
		}
		return "Hello, " + who.Name + "!", nil
	})
}

func main() {}
