#include <stdlib.h>
#include <string.h>

static int64_t here;

static hive_outcome save(void) { return hive_reply_json("%lld", (long long)here), HIVE_DONE; }

static hive_outcome restore(hive_bytes saved, hive_bytes version) {
  if (hive_json_int(saved, NULL, &here)) return HIVE_DONE;
  return hive_reject("%.*s saved no number", (int)version.len, version.ptr);
}

static hive_outcome count(const hive_event *event) {
  int64_t total;
  if (!hive_state_increment("count", 1, &total)) return hive_failed();
  hive_reply_json("[%lld,%lld]", (long long)total, (long long)++here);
  return HIVE_DONE;
}

static hive_outcome keep(const hive_event *event) {
  char *a = NULL, *none = NULL, *b = NULL, *after = NULL, *key = NULL, *secret = NULL, keys[100] = "", quoted[100];
  size_t length = 0;
  bool wrong, right, first, second;
  const hive_bytes one = {"\"one\"", 5}, two = {"\"two\"", 5}, three = {"\"three\"", 7};
  bool fine = hive_state_set_json("kept/a", "\"%s\"", "one") && hive_state_set("kept/b", "1", 1, 3600 * 1000) &&
              hive_state_delete("kept/none") && hive_state_get("kept/a", &a, &length) &&
              hive_state_get("kept/none", &none, NULL) && hive_state_get("kept/b", &b, NULL);
  while (fine && (fine = hive_state_next("kept/", &key)) && key) {
    if (*keys) strcat(keys, ",");
    strcat(keys, hive_quoted(key, quoted, sizeof quoted));
  }
  fine = fine && hive_state_swap("kept/a", &two, &one, 0, &wrong) && hive_state_swap("kept/a", &one, &three, 0, &right) &&
         hive_state_get("kept/a", &after, NULL) && hive_once("it", &first) && hive_once("it", &second) &&
         (secret = hive_secret("door"));
  if (!fine) return hive_failed();
  hive_reply_json("[%.*s,%s,%s,[%s],%s,%s,%s,%s,%s,%s]", (int)length, a, none ? none : "null", b, keys,
                  wrong ? "true" : "false", right ? "true" : "false", after, first ? "true" : "false",
                  second ? "true" : "false", hive_quoted(secret, quoted, sizeof quoted));
  free(a), free(b), free(after), free(secret);
  return HIVE_DONE;
}

static hive_outcome pay(const hive_event *event) {
  bool first;
  if (!hive_once(NULL, &first)) return hive_failed();
  if (!first) return HIVE_DONE;
  if (!hive_state_increment("paid", 1, NULL) || !hive_state_flush()) return hive_failed();
  return event->attempt == 1 ? hive_retry("the printer is busy") : HIVE_DONE;
}

static hive_outcome paid(const hive_event *event) {
  char *number;
  if (!hive_state_get("paid", &number, NULL)) return hive_failed();
  hive_reply_json("%s", number ? number : "null");
  free(number);
  return HIVE_DONE;
}

static hive_outcome pass_on(const hive_event *event) {
  int length = (int)event->payload.len - 1;
  if (!hive_publish_json("chain/go", "%.*s,\"c\"]", length, event->payload.ptr)) return hive_failed();
  return HIVE_DONE;
}

static hive_outcome reading(const hive_event *event) {
  char text[100], quoted[300];
  bool there = hive_text(event, text, sizeof text);
  if (!there && event->payload.len) return hive_reject("that is no text");
  hive_reply_json("%s", there ? hive_quoted(text, quoted, sizeof quoted) : "null");
  return HIVE_DONE;
}

static void more(void) {
  hive_instances(HIVE_SINGLE);
  hive_snapshot(save, restore);
  hive_publishes("chain/*");
  hive_answer("greet-c/count", count);
  hive_answer("greet-c/keep", keep);
  hive_answer("greet-c/read", reading);
  hive_on("greet-c/pay", pay);
  hive_answer("greet-c/paid", paid);
  hive_on("chain/c", pass_on);
}
