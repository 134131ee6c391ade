/* What the component exports, and what a handler asks of the node. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>

#include "inner.h"

uint64_t hive_scratch[4];

#define SUBSCRIPTIONS_MAX 256
#define TIMERS_MAX 64
#define PUBLISHES_MAX 256

static struct {
  bool told;
  hive_mode mode;
  size_t subscriptions, timers, publishes;
  exports_hive_node_handler_subscription_t subscription[SUBSCRIPTIONS_MAX];
  hive_handler handlers[SUBSCRIPTIONS_MAX];
  exports_hive_node_handler_timer_t timer[TIMERS_MAX];
  hive_handler ticks[TIMERS_MAX];
  wire_text publish[PUBLISHES_MAX];
  bool durable[SUBSCRIPTIONS_MAX];
  hive_saver save;
  hive_restorer restore;
  /* A pattern that has two handlers; NULL: there is none. */
  const char *twice;
} plugin;

/* What the handler in hand has said. */
static struct {
  char *reason;
  bool has_delay, replied;
  uint64_t delay_ms;
  hive_node_types_message_t reply;
  char *error;
  bool permanent;
  /* The error is the node's; and somebody waits for the answer. */
  bool of_node, asked;
  /* Where the handler read what the error is about; NULL: it is about something else. */
  const char *file;
  int line;
  /* What it replied is no JSON. */
  bool misspoke;
  /* The event that it handles; NULL: it handles none. */
  const exports_hive_node_handler_event_t *event;
} said;

static void copy(const char *text, wire_text *to) { handler_string_dup(to, text); }

/* From the beginning on what is written is heard, until hive_plugin is over: nothing is put into our memory before. */
__attribute__((constructor(101))) static void begin(void) { hive_enter(hive_scratch); }

static void know(void) {
  if (plugin.told) return;
  plugin.told = true;
  hive_plugin();
  hive_leave();
}

static void subscribe(const char *pattern, bool answers, bool grouped, const char *group, hive_handler handler) {
  GIVEN(pattern);
  GIVEN(handler);
  if (plugin.subscriptions == SUBSCRIPTIONS_MAX) abort();
  for (size_t at = 0; at < plugin.subscriptions; at++) {
    wire_text other = plugin.subscription[at].pattern;
    if (other.len == strlen(pattern) && !memcmp(other.ptr, pattern, other.len)) plugin.twice = pattern;
  }
  exports_hive_node_handler_subscription_t *one = &plugin.subscription[plugin.subscriptions];
  memset(one, 0, sizeof *one);
  one->pattern = borrowed(pattern);
  one->answers = answers;
  one->delivery = grouped ? EXPORTS_HIVE_NODE_HANDLER_DELIVERY_GROUP : EXPORTS_HIVE_NODE_HANDLER_DELIVERY_BROADCAST;
  if (group) one->group.is_some = true, one->group.val = borrowed(group);
  plugin.handlers[plugin.subscriptions++] = handler;
}

void hive_on(const char *pattern, hive_handler handler) { subscribe(pattern, false, false, NULL, handler); }
void hive_answer(const char *pattern, hive_handler handler) { subscribe(pattern, true, false, NULL, handler); }
void hive_on_group(const char *pattern, const char *group, hive_handler handler) {
  subscribe(pattern, false, true, group, handler);
}
void hive_on_durable(const char *pattern, hive_handler handler) {
  subscribe(pattern, false, false, NULL, handler);
  plugin.durable[plugin.subscriptions - 1] = true;
}
void hive_instances(hive_mode mode) { plugin.mode = mode; }
void hive_snapshot(hive_saver save, hive_restorer restore) {
  GIVEN(save);
  GIVEN(restore);
  plugin.save = save;
  plugin.restore = restore;
}

static void tick(const char *name, const char *schedule, uint8_t scope, hive_handler handler) {
  GIVEN(handler);
  if (plugin.timers == TIMERS_MAX) abort();
  exports_hive_node_handler_timer_t *one = &plugin.timer[plugin.timers];
  memset(one, 0, sizeof *one);
  one->name = borrowed(name);
  one->schedule = borrowed(schedule);
  one->scope = scope;
  plugin.ticks[plugin.timers++] = handler;
}

void hive_tick(const char *name, const char *schedule, hive_handler handler) {
  tick(name, schedule, EXPORTS_HIVE_NODE_HANDLER_TIMER_SCOPE_NODE, handler);
}
void hive_tick_mesh(const char *name, const char *schedule, hive_handler handler) {
  tick(name, schedule, EXPORTS_HIVE_NODE_HANDLER_TIMER_SCOPE_MESH, handler);
}

void hive_publishes(const char *pattern) {
  if (plugin.publishes == PUBLISHES_MAX) abort();
  plugin.publish[plugin.publishes++] = borrowed(pattern);
}

/* What is returned is freed by the bindings, so it is a copy; the texts in it are literals, and no bindings free those of a
 * static world: each is copied, too. */
static wire_text owned(wire_text text) {
  wire_text copied;
  handler_string_dup_n(&copied, (const char *)text.ptr, text.len);
  return copied;
}

static void *array(size_t count, size_t size) { return count ? calloc(count, size) : NULL; }

static exports_hive_node_handler_settings_t setting(const char *name, const char *value) {
  exports_hive_node_handler_settings_t made = {array(1, sizeof *made.ptr), 1};
  copy(name, &made.ptr->f0);
  copy(value, &made.ptr->f1);
  return made;
}

void exports_hive_node_handler_describe(exports_hive_node_handler_description_t *ret) {
  know();
  memset(ret, 0, sizeof *ret);
  copy(HIVE_NAME, &ret->name);
  copy(HIVE_VERSION, &ret->version);
  ret->instances = (uint8_t)plugin.mode;
  ret->subscriptions.len = plugin.subscriptions;
  ret->subscriptions.ptr = array(plugin.subscriptions, sizeof *ret->subscriptions.ptr);
  for (size_t at = 0; at < plugin.subscriptions; at++) {
    exports_hive_node_handler_subscription_t *one = &ret->subscriptions.ptr[at];
    *one = plugin.subscription[at];
    one->pattern = owned(one->pattern);
    if (one->group.is_some) one->group.val = owned(one->group.val);
    if (plugin.durable[at]) one->settings = setting("durable", "true");
  }
  ret->timers.len = plugin.timers;
  ret->timers.ptr = array(plugin.timers, sizeof *ret->timers.ptr);
  for (size_t at = 0; at < plugin.timers; at++) {
    ret->timers.ptr[at] = plugin.timer[at];
    ret->timers.ptr[at].name = owned(plugin.timer[at].name);
    ret->timers.ptr[at].schedule = owned(plugin.timer[at].schedule);
  }
  ret->publishes.len = plugin.publishes;
  ret->publishes.ptr = array(plugin.publishes, sizeof *ret->publishes.ptr);
  for (size_t at = 0; at < plugin.publishes; at++) ret->publishes.ptr[at] = owned(plugin.publish[at]);
  /* The component exports the functions either way. */
  if (!plugin.save) ret->settings = setting("snapshot", "false");
}

__attribute__((weak)) bool hive_start(void) { return true; }

/* `exit` comes here, and nothing else does. */
__attribute__((destructor)) static void leave(void) { fputs("exit() was called: a handler returns\n", stderr); }

static char *formatted(const char *format, va_list args) {
  char *text = NULL;
  GIVEN(format);
  if (vasprintf(&text, format, args) < 0) abort();
  return text;
}

/* The same of what is data, where a NULL for a text would be `(null)`, which is no text of anybody. */
static char *formatted_json(const char *format, va_list args) {
  hive_given_texts(format, args);
  return formatted(format, args);
}

static hive_handler chosen(const exports_hive_node_handler_event_t *event) {
  static const char prefix[] = "$timer/";
  size_t length = sizeof prefix - 1;
  if (event->channel.len > length && !memcmp(event->channel.ptr, prefix, length)) {
    for (size_t at = 0; at < plugin.timers; at++) {
      wire_text name = plugin.timer[at].name;
      if (name.len == event->channel.len - length && !memcmp(name.ptr, event->channel.ptr + length, name.len))
        return plugin.ticks[at];
    }
  }
  return event->subscription < plugin.subscriptions ? plugin.handlers[event->subscription] : NULL;
}

static hive_bytes seen(wire_text text) { return (hive_bytes){(const char *)text.ptr, text.len}; }

static void forget(void) {
  free(said.reason);
  free(said.error);
  memset(&said, 0, sizeof said);
  hive_forget_promises();
}

#define WITH_ARGS(last, what) \
  va_list args;               \
  va_start(args, last);       \
  what;                       \
  va_end(args)

static void because(const char *format, va_list args) {
  char *reason = formatted(format, args);
  free(said.reason);
  said.reason = reason;
}

/* Where the handler reads what came. */
static struct {
  const char *file;
  int line;
} reading;

void hive_at(const char *file, int line) {
  reading.file = file;
  reading.line = line;
}

bool hive_wrong(const char *format, ...) {
  char *error, *placed;
  WITH_ARGS(format, error = formatted(format, args));
  said.file = reading.file;
  said.line = reading.line;
  /* Whoever asked need not see the inside. */
  if (said.file && !said.asked) {
    if (asprintf(&placed, "%s (%s:%d)", error, said.file, said.line) < 0) abort();
    free(error);
    error = placed;
  }
  free(said.error);
  said.error = error;
  said.permanent = true;
  said.of_node = false;
  return false;
}

bool hive_made(const char *made) {
  hive_at(NULL, 0);
  return hive_is_json(made) || hive_wrong("what was made is no JSON: %.200s", made);
}

/* What an outcome comes to: whose reply is no JSON has not handled the event, and whoever fails has a reason. */
static hive_outcome judged(hive_outcome outcome) {
  if (outcome == HIVE_DONE && said.misspoke) return HIVE_REJECT;
  if (outcome != HIVE_DONE && !said.reason) (void)hive_reject("it returned %d without hive_reject or hive_retry", (int)outcome);
  return outcome;
}

bool exports_hive_node_startup_start(wire_text *err) {
  know();
  hive_enter(hive_scratch);
  bool fine = !plugin.twice && hive_start();
  hive_leave();
  if (plugin.twice) (void)hive_reject("there are two handlers for %s: the second would never be called", plugin.twice);
  if (!fine) copy(said.reason ? said.reason : "hive_start says no", err);
  return fine;
}

bool exports_hive_node_snapshot_save(handler_list_u8_t *ret, wire_text *err) {
  know();
  forget();
  hive_enter(hive_scratch);
  hive_outcome outcome = judged(plugin.save ? plugin.save() : HIVE_DONE);
  hive_leave();
  memset(ret, 0, sizeof *ret);
  if (outcome != HIVE_DONE) {
    copy(said.reason, err);
  } else if (said.replied) {
    /* What was replied is handed on: the bindings free it. */
    *ret = (handler_list_u8_t){said.reply.payload.ptr, said.reply.payload.len};
    said.reply.payload.len = 0;
  }
  if (said.replied) hive_node_types_message_free(&said.reply);
  said.replied = false;
  return outcome == HIVE_DONE;
}

bool exports_hive_node_snapshot_restore(exports_hive_node_snapshot_saved_t *saved, wire_text *err) {
  know();
  forget();
  hive_bytes state = {(const char *)saved->state.ptr, saved->state.len}, version = seen(saved->version);
  hive_enter(hive_scratch);
  hive_outcome outcome = judged(plugin.restore ? plugin.restore(state, version) : HIVE_DONE);
  hive_leave();
  exports_hive_node_snapshot_saved_free(saved);
  if (outcome != HIVE_DONE) copy(said.reason, err);
  return outcome == HIVE_DONE;
}

bool exports_hive_node_handler_handle(exports_hive_node_handler_event_t *event,
                                      exports_hive_node_handler_option_message_t *ret,
                                      exports_hive_node_handler_failure_t *err) {
  know();
  forget();
  hive_event shown = {
      .channel = seen(event->channel),
      .payload = {(const char *)event->message.payload.ptr, event->message.payload.len},
      .content_type = event->message.content_type.is_some ? seen(event->message.content_type.val) : (hive_bytes){"", 0},
      .key = event->message.key.is_some ? seen(event->message.key.val) : (hive_bytes){"", 0},
      .attempt = event->attempt,
      .retained = event->retained,
      .wants_reply = event->wants_reply,
  };
  hive_handler handler = chosen(event);
  said.asked = event->wants_reply;
  said.event = event;
  hive_enter(hive_scratch);
  hive_outcome outcome =
      judged(handler ? handler(&shown) : hive_reject("there is no subscription %u", (unsigned)event->subscription));
  if (outcome != HIVE_DONE) hive_break_promises();
  hive_leave();
  said.event = NULL;
  exports_hive_node_handler_event_free(event);
  const char *reason = said.reason;
  switch (outcome) {
    case HIVE_DONE:
      ret->is_some = said.replied;
      ret->val = said.reply;
      return true;
    case HIVE_RETRY:
      err->tag = EXPORTS_HIVE_NODE_HANDLER_FAILURE_RETRY;
      copy(reason, &err->val.retry.reason);
      err->val.retry.after_ms.is_some = said.has_delay;
      err->val.retry.after_ms.val = said.delay_ms;
      break;
    default:
      err->tag = EXPORTS_HIVE_NODE_HANDLER_FAILURE_REJECT;
      copy(reason, &err->val.reject);
  }
  if (said.replied) hive_node_types_message_free(&said.reply);
  return false;
}

hive_outcome hive_reject(const char *format, ...) {
  WITH_ARGS(format, because(format, args));
  return HIVE_REJECT;
}

hive_outcome hive_retry(const char *format, ...) {
  WITH_ARGS(format, because(format, args));
  return HIVE_RETRY;
}

hive_outcome hive_retry_after(uint64_t ms, const char *format, ...) {
  WITH_ARGS(format, because(format, args));
  said.has_delay = true;
  said.delay_ms = ms;
  return HIVE_RETRY;
}

static hive_node_types_message_t message(const void *bytes, size_t len, const char *content_type) {
  hive_node_types_message_t made;
  memset(&made, 0, sizeof made);
  if (len) GIVEN(bytes);
  made.payload.ptr = len ? malloc(len) : NULL;
  made.payload.len = len;
  if (len) memcpy(made.payload.ptr, bytes, len);
  if (content_type) made.content_type.is_some = true, copy(content_type, &made.content_type.val);
  return made;
}

void hive_reply(const void *bytes, size_t len, const char *content_type) {
  if (said.replied) hive_node_types_message_free(&said.reply);
  said.reply = message(bytes, len, content_type);
  said.replied = true;
  said.misspoke = false;
}

static const char JSON[] = "application/json";

void hive_reply_json(const char *format, ...) {
  char *text;
  WITH_ARGS(format, text = formatted_json(format, args));
  hive_reply(text, strlen(text), JSON);
  if (!hive_made(text)) {
    (void)hive_reject("%s", hive_error());
    said.misspoke = true;
  }
  free(text);
}

bool hive_noted(hive_node_types_error_t *error) {
  static const char *const texts[] = {"denied: ", "invalid: ",
                                      "too large", "overloaded", "nobody answers on that channel", "no answer in time",
                                      "deadlock: the request would wait for itself", "the responder failed: ",
                                      "the responder rejected the request: ", "unavailable: ", ""};
  wire_text more = {(uint8_t *)"", 0};
  switch (error->tag) {
    case HIVE_NODE_TYPES_ERROR_DENIED: more = error->val.denied; break;
    case HIVE_NODE_TYPES_ERROR_INVALID: more = error->val.invalid; break;
    case HIVE_NODE_TYPES_ERROR_FAILED: more = error->val.failed; break;
    case HIVE_NODE_TYPES_ERROR_REJECTED: more = error->val.rejected; break;
    case HIVE_NODE_TYPES_ERROR_UNAVAILABLE: more = error->val.unavailable; break;
    case HIVE_NODE_TYPES_ERROR_OTHER: more = error->val.other.f1; break;
    default: break;
  }
  free(said.error);
  if (asprintf(&said.error, "%s%.*s", texts[error->tag], (int)more.len, (const char *)more.ptr) < 0) abort();
  said.of_node = true;
  said.file = NULL;
  said.permanent = error->tag <= HIVE_NODE_TYPES_ERROR_TOO_LARGE || error->tag == HIVE_NODE_TYPES_ERROR_REJECTED;
  hive_node_types_error_free(error);
  return false;
}

/* The same of a call, which is named. */
static void noted_of(const char *channel, hive_node_types_error_t *error) {
  hive_noted(error);
  char *text = said.error;
  if (asprintf(&said.error, "`%s`: %s", channel, text) < 0) abort();
  free(text);
}

const char *hive_error(void) { return said.error ? said.error : "nothing went wrong"; }

hive_outcome hive_failed_at(const char *file, int line) {
  /* Whoever asked need not see the inside; the log has it. */
  if (said.asked) {
    if (said.of_node) hive_log(HIVE_ERROR, "%s (%s:%d)", hive_error(), file, line);
    else if (said.file) hive_log(HIVE_WARN, "%s (%s:%d)", hive_error(), said.file, said.line);
    return said.permanent ? hive_reject("%s", hive_error()) : hive_retry("%s", hive_error());
  }
  if (said.file) return hive_reject("%s", hive_error());
  return said.permanent ? hive_reject("%s (%s:%d)", hive_error(), file, line) : hive_retry("%s (%s:%d)", hive_error(), file, line);
}

static bool sent(const char *channel, hive_node_types_message_t *made, bool keep) {
  wire_text to = borrowed(channel), id;
  hive_node_types_error_t error;
  ASK(keep ? hive_node_bus_retain(&to, made, &id, &error) : hive_node_bus_publish(&to, made, &id, &error));
  hive_node_types_message_free(made);
  if (!fine) return hive_noted(&error);
  handler_string_free(&id);
  return true;
}

bool hive_publish(const char *channel, const void *bytes, size_t len, const char *content_type, const char *key) {
  hive_node_types_message_t made = message(bytes, len, content_type);
  if (key) made.key.is_some = true, copy(key, &made.key.val);
  return sent(channel, &made, false);
}

static bool send_json(const char *channel, bool keep, char *text) {
  if (!hive_made(text)) return free(text), false;
  hive_node_types_message_t made = message(text, strlen(text), JSON);
  free(text);
  return sent(channel, &made, keep);
}

bool hive_publish_json(const char *channel, const char *format, ...) {
  char *text;
  WITH_ARGS(format, text = formatted_json(format, args));
  return send_json(channel, false, text);
}

bool hive_retain_json(const char *channel, const char *format, ...) {
  char *text;
  WITH_ARGS(format, text = formatted_json(format, args));
  return send_json(channel, true, text);
}

bool hive_forward(const char *channel) {
  wire_text to = borrowed(channel), id;
  hive_node_types_headers_t headers = {NULL, 0};
  hive_node_types_error_t error;
  ASK(hive_node_bus_forward(&to, &headers, &id, &error));
  if (!fine) return hive_noted(&error);
  handler_string_free(&id);
  return true;
}

bool hive_clear(const char *channel) {
  wire_text to = borrowed(channel);
  hive_node_types_error_t error;
  ASK(hive_node_bus_clear(&to, &error));
  return fine || hive_noted(&error);
}

static char *called(const char *channel, uint32_t ms, char *text) {
  if (!hive_made(text)) return free(text), NULL;
  hive_node_types_message_t made = message(text, strlen(text), JSON), answer;
  free(text);
  wire_text to = borrowed(channel);
  hive_node_types_error_t error;
  ASK(hive_node_bus_request(&to, &made, ms, &answer, &error));
  hive_node_types_message_free(&made);
  if (!fine) return noted_of(channel, &error), NULL;
  char *copied = ended(answer.payload.ptr, answer.payload.len);
  hive_node_types_message_free(&answer);
  return copied;
}

char *hive_call_json(const char *channel, const char *format, ...) {
  char *text;
  WITH_ARGS(format, text = formatted_json(format, args));
  return called(channel, 0, text);
}

char *hive_call_json_within(uint32_t ms, const char *channel, const char *format, ...) {
  char *text;
  WITH_ARGS(format, text = formatted_json(format, args));
  return called(channel, ms ? ms : 1, text); /* 0 would be all the time that is left */
}

bool hive_kept(const char *channel, char **to, size_t *len) {
  wire_text of = borrowed(channel);
  hive_node_bus_list_kept_t found;
  hive_node_types_error_t error;
  *to = NULL;
  if (len) *len = 0;
  ASK(hive_node_bus_kept_values(&of, NULL, 1, &found, &error));
  if (!fine) return hive_noted(&error);
  if (found.len) {
    hive_node_types_message_t *kept = &found.ptr->message;
    *to = ended(kept->payload.ptr, kept->payload.len);
    if (len) *len = kept->payload.len;
  }
  hive_node_bus_list_kept_free(&found);
  return true;
}

bool hive_after(const char *name, uint64_t ms, const char *json) {
  if (!hive_made(json)) return false;
  wire_text called = borrowed(name);
  handler_list_u8_t payload = {(uint8_t *)json, strlen(json)};
  hive_node_types_error_t error;
  ASK(hive_node_timers_after(&called, ms, &payload, &error));
  return fine || hive_noted(&error);
}

bool hive_cancel(const char *name, bool *was_set) {
  wire_text called = borrowed(name);
  bool there;
  hive_node_types_error_t error;
  ASK(hive_node_timers_cancel(&called, &there, &error));
  if (!fine) return hive_noted(&error);
  if (was_set) *was_set = there;
  return true;
}

char *hive_config(const char *key) {
  wire_text asked = borrowed(key), value;
  ASK(hive_node_config_get(&asked, &value));
  if (!fine) return NULL;
  char *copied = ended(value.ptr, value.len);
  handler_string_free(&value);
  return copied;
}

double hive_config_number(const char *key, double usual) {
  char *text = hive_config(key), *end;
  if (!text) return usual;
  double value = strtod(text, &end);
  if (end == text || *end) {
    hive_log(HIVE_WARN, "the configuration's `%s` is `%s`, and a number is wanted: %g is used", key, text, usual);
    value = usual;
  }
  free(text);
  return value;
}

void hive_log(hive_level level, const char *format, ...) {
  char *text;
  WITH_ARGS(format, text = formatted(format, args));
  wire_text line = borrowed(text);
  handler_list_tuple2_string_string_t fields = {NULL, 0};
  hive_leave();
  hive_node_log_log((uint8_t)level, &line, &fields);
  hive_enter(hive_scratch);
  free(text);
}

bool hive_segment(const hive_event *event, int index, char *to, size_t size) {
  const char *at = event->channel.ptr, *end = at + event->channel.len;
  GIVEN(to);
  while (index-- > 0) {
    at = memchr(at, '/', (size_t)(end - at));
    if (!at++) return hive_wrong("the channel has no such segment");
  }
  const char *stop = memchr(at, '/', (size_t)(end - at));
  size_t length = (size_t)((stop ? stop : end) - at);
  if (length >= size) return hive_wrong("the segment has no room: it has %zu bytes", length);
  memcpy(to, at, length);
  to[length] = 0;
  return true;
}

bool hive_header(const char *name, char *to, size_t size) {
  GIVEN(name);
  GIVEN(to);
  if (!said.event) return hive_wrong("no event is being handled");
  hive_node_types_headers_t all = said.event->message.headers;
  for (size_t at = 0; at < all.len; at++) {
    wire_text of = all.ptr[at].f0, value = all.ptr[at].f1;
    if (of.len != strlen(name) || memcmp(of.ptr, name, of.len)) continue;
    if (value.len && memchr(value.ptr, 0, value.len)) return hive_wrong("the header `%s` has a zero in it, where a text in C ends", name);
    if (value.len >= size) return hive_wrong("the header `%s` has no room: it has %zu bytes", name, value.len);
    if (value.len) memcpy(to, value.ptr, value.len);
    to[value.len] = 0;
    return true;
  }
  return hive_wrong("the event has no header `%s`", name);
}
