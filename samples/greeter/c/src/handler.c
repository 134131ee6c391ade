/* A greeter: the smallest handler that answers calls.
 *
 *     hive-node call greet/hello '"Ada"'              answers "Hello, Ada!"
 *     hive-node call greet/hello '{"name": "Grace"}'  answers "Hello, Grace!"
 *     hive-node call greet/hello                      answers "Hello, world!"
 */
#include <hive.h>
#include <stdio.h>

static hive_outcome hello(const hive_event *event) {
  char name[100] = "world", greeting[120], quoted[300];
  bool named = hive_json_text(event->payload, "name", name, sizeof name) || hive_text(event, name, sizeof name);
  if (event->payload.len && !named) return hive_reject("expected a name such as \"Ada\", or {\"name\": \"Ada\"}");
  snprintf(greeting, sizeof greeting, "Hello, %s!", name);
  hive_reply_json("%s", hive_quoted(greeting, quoted, sizeof quoted));
  return HIVE_DONE;
}

void hive_plugin(void) { hive_answer("greet/hello", hello); }
