#include <assert.h>
#include <hive.h>
#include <stdlib.h>
#include <string.h>

static hive_outcome or_failed(bool fine) { return fine ? HIVE_DONE : hive_failed(); }

static hive_outcome try(const hive_event *event) {
  const char *from = "{\"parcel\": \"a long one\", \"n\": 5, \"e\": \"\\u00e9\", \"z\": \"a\\u0000b\", \"l\": [1, -2.5e+3, {}]}";
  hive_bytes json = {from, strlen(from)}, list;
  char how[20], small[8];
  double number;
  if (!hive_text(event, how, sizeof how)) return hive_reject("%s", hive_error());
  if (!strcmp(how, "assert")) assert(strlen(how) == 1);
  if (!strcmp(how, "abort")) abort();
  if (!strcmp(how, "exit")) exit(3);
  if (!strcmp(how, "nowhere")) *hive_config("none") = 1;
  if (!strcmp(how, "null text")) hive_quoted(hive_config("none"), small, sizeof small);
  if (!strcmp(how, "null key")) return or_failed(hive_state_delete(hive_config("none")));
  if (!strcmp(how, "silent")) return HIVE_REJECT;
  if (!strcmp(how, "reply")) return hive_reply_json("{\"a\": %s}", "oops"), HIVE_DONE;
  if (!strcmp(how, "infinite")) return hive_reply_json("%g", 1 / (double)event->key.len), HIVE_DONE;
  if (!strcmp(how, "publish")) return or_failed(hive_publish_json("out/x", "\"%s\"", "o\"ops"));
  if (!strcmp(how, "state")) return or_failed(hive_state_set_json("x", "[1,]"));
  if (!strcmp(how, "nobody")) return or_failed(hive_call_json("out/nobody", "1") != NULL);
  if (!strcmp(how, "absent")) return or_failed(hive_json_text(json, "none", small, sizeof small));
  if (!strcmp(how, "kind")) return or_failed(hive_json_text(json, "n", small, sizeof small));
  if (!strcmp(how, "zero")) return or_failed(hive_json_text(json, "z", small, sizeof small));
  if (!strcmp(how, "room")) return or_failed(hive_json_text(json, "parcel", small, sizeof small));
  if (!strcmp(how, "half")) json.len -= 3;
  if (!strcmp(how, "deeper")) json.len--;
  if (!hive_json_text(json, "e", small, sizeof small) || !hive_json_number(json, "n", &number) ||
      !hive_json_field(json, "l", &list))
    return hive_failed();
  hive_reply_json(" {\"e\": \"%s\", \"n\": [%g, -0.5, 1E9, true, null, \"\\n\\u00e9\"], \"l\": %.*s } ", small, number,
                  (int)list.len, list.ptr);
  return HIVE_DONE;
}

/* What is not exact as a double is as an integer, or is said; and what is not there is said to be none. */
static hive_outcome get(const hive_event *event) {
  int64_t number;
  char from[20], *kept, *called;
  bool was_set;
  if (!hive_json_int(event->payload, "n", &number)) return hive_failed();
  if (!hive_header("from", from, sizeof from) || !hive_kept("wrong/kept", &kept, NULL) || !hive_cancel("none", &was_set) ||
      !(called = hive_call_json_within(500, "out/name", "%lld", (long long)number)))
    return hive_failed();
  hive_reply_json("[%lld, \"%s\", %s, %s, %s]", (long long)number, from, kept ? kept : "null", was_set ? "true" : "false", called);
  free(kept), free(called);
  return HIVE_DONE;
}

void hive_plugin(void) {
  hive_answer("wrong/try", try);
  hive_answer("wrong/get", get);
  hive_on("wrong/kept", get);
  hive_tick_mesh("clock", "@every 1h", get);
  hive_publishes("out/*");
}
