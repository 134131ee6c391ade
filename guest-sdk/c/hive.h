/* Write hive-node handlers in C. The README is the reference. */
#ifndef HIVE_H
#define HIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "given.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that somebody else holds: without a zero at the end. */
typedef struct {
  const char *ptr;
  size_t len;
} hive_bytes;

/* The event in hand. What it points to is there until the handler returns. */
typedef struct {
  hive_bytes channel; /* without its network: never a pattern */
  hive_bytes payload;
  hive_bytes content_type; /* empty: unknown bytes */
  hive_bytes key;          /* empty: none */
  uint32_t attempt;        /* 1 the first time, then 2, 3, … */
  bool retained;           /* a channel's kept value, not a live event */
  bool wants_reply;        /* somebody waits for the answer */
} hive_event;

/* A failure that nobody looks at is lost: the compiler warns of it. `(void)` before a call says that it is meant. */
#define HIVE_CHECKED __attribute__((warn_unused_result))

/* What became of an event. */
typedef enum {
  HIVE_DONE = 0,
  HIVE_RETRY,  /* passing trouble: deliver it again; see hive_retry */
  HIVE_REJECT, /* hopeless: a dead letter; see hive_reject */
} hive_outcome;

typedef hive_outcome (*hive_handler)(const hive_event *event);

/* You write this: it says what the plugin wants, by the functions below. */
void hive_plugin(void);

/* You may write this: it runs once in each new instance, before its first event. False refuses the instance. */
bool hive_start(void);

typedef enum { HIVE_POOL = 0, HIVE_FRESH, HIVE_SINGLE } hive_mode;

/* What a compiler sees of a literal; the node sees the rest when it loads the component. */
#if defined(__has_attribute)
#if __has_attribute(diagnose_if)
#define HIVE_PATTERN(p)                                                                                             \
  __attribute__((diagnose_if(!p[0] || p[0] == '/' || p[__builtin_strlen(p) - 1] == '/' || __builtin_strchr(p, ' '), \
                             "this is no pattern: it is empty, begins or ends with `/`, or has a blank", "error")))
#define HIVE_SCHEDULE(s)                                                                                              \
  __attribute__((diagnose_if(s[0] != '@' && !__builtin_strchr(s, ' '),                                                \
                             "this is no schedule: it is `@every 5s`, or five fields of cron, as `0 6 * * *`", "error")))
#endif
#endif
#ifndef HIVE_PATTERN
#define HIVE_PATTERN(p)
#define HIVE_SCHEDULE(s)
#endif

/* Within hive_plugin. Texts must last: literals do. */
void hive_on(const char *pattern, hive_handler handler) HIVE_PATTERN(pattern);
void hive_answer(const char *pattern, hive_handler handler) HIVE_PATTERN(pattern);
/* Every event, also what durable channels carried while this node was away. */
void hive_on_durable(const char *pattern, hive_handler handler) HIVE_PATTERN(pattern);
/* One node of the group gets each event; NULL is the plugin's own group. */
void hive_on_group(const char *pattern, const char *group, hive_handler handler) HIVE_PATTERN(pattern);
void hive_tick(const char *name, const char *schedule, hive_handler handler) HIVE_SCHEDULE(schedule);
/* The same on one of the nodes that run the plugin. */
void hive_tick_mesh(const char *name, const char *schedule, hive_handler handler) HIVE_SCHEDULE(schedule);
/* Patterns that it means to publish to or call; the node denies every other. */
void hive_publishes(const char *pattern) HIVE_PATTERN(pattern);
void hive_instances(hive_mode mode);
/* Hands the memory of a HIVE_SINGLE plugin to the version that takes over: `save` replies with it, as a handler does, and
 * `restore` gets it before the first event. What either rejects refuses the new version, and the one before goes on. */
typedef hive_outcome (*hive_saver)(void);
typedef hive_outcome (*hive_restorer)(hive_bytes saved, hive_bytes version);
void hive_snapshot(hive_saver save, hive_restorer restore);

/* Within a handler. Formats are printf's. */
HIVE_CHECKED hive_outcome hive_reject(const char *format, ...) __attribute__((format(printf, 1, 2)));
HIVE_CHECKED hive_outcome hive_retry(const char *format, ...) __attribute__((format(printf, 1, 2)));
HIVE_CHECKED hive_outcome hive_retry_after(uint64_t ms, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The answer to a call: JSON, or bytes. A reply that is no JSON makes a rejection of HIVE_DONE. */
void hive_reply_json(const char *format, ...) __attribute__((format(printf, 1, 2)));
void hive_reply(const void *bytes, size_t len, const char *content_type);

/* False: hive_error says why, and `return hive_failed();` is the outcome that fits. What is made by a format has to be JSON. */
HIVE_CHECKED bool hive_publish_json(const char *channel, const char *format, ...) __attribute__((format(printf, 2, 3)));
HIVE_CHECKED bool hive_publish(const char *channel, const void *bytes, size_t len, const char *content_type, const char *key);
HIVE_CHECKED bool hive_forward(const char *channel);
HIVE_CHECKED bool hive_retain_json(const char *channel, const char *format, ...) __attribute__((format(printf, 2, 3)));
HIVE_CHECKED bool hive_clear(const char *channel);
/* The answer, ended by a zero, to be freed; NULL: hive_error says why. */
HIVE_CHECKED char *hive_call_json(const char *channel, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, giving up after so many milliseconds. */
HIVE_CHECKED char *hive_call_json_within(uint32_t ms, const char *channel, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* What is kept on a channel, ended by a zero and to be freed; NULL: nothing is. The plugin has to subscribe to that channel.
 * `len` may be NULL. */
HIVE_CHECKED bool hive_kept(const char *channel, char **to, size_t *len);
/* Sets a one-shot timer: the JSON comes back on `$timer/<name>`, to which the plugin subscribes. */
HIVE_CHECKED bool hive_after(const char *name, uint64_t ms, const char *json);
/* Cancels it. `was_set` says whether there was one that had not fired, and may be NULL. */
HIVE_CHECKED bool hive_cancel(const char *name, bool *was_set);
/* What the plugin keeps on its node, for all its instances, over new versions and restarts: 1 byte to 1 KiB a key, at most
 * 1 MiB a value. Other instances see at once what a handler writes; it gets to disk as a whole within about a second; a crash
 * before loses it, and hive_state_flush waits for it. A rejection or a retry keeps what was written before.
 * `*to` is ended by a zero and to be freed; NULL: there is none. `len` may be NULL. */
HIVE_CHECKED bool hive_state_get(const char *key, char **to, size_t *len);
/* In place of any value that the key has; from `ttl_ms` later on it is not there any more, 0: it stays. */
HIVE_CHECKED bool hive_state_set(const char *key, const void *bytes, size_t len, uint64_t ttl_ms);
HIVE_CHECKED bool hive_state_set_json(const char *key, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Deleting what is not there is fine. */
HIVE_CHECKED bool hive_state_delete(const char *key);
/* The keys that begin with `prefix`, in order: `*key` is NULL at first, then the next one in place of the last, which is freed,
 * and NULL at the end: `char *key = NULL; while (hive_state_next("visits/", &key) && key) …`. */
HIVE_CHECKED bool hive_state_next(const char *prefix, char **key);
/* Adds to a number in digits, whoever else adds at the same time. A missing key counts as 0. `sum` may be NULL. */
HIVE_CHECKED bool hive_state_increment(const char *key, int64_t delta, int64_t *sum);
/* Replaces only while the value is still `expected`, NULL meaning that the key is not there; the value NULL deletes. */
HIVE_CHECKED bool hive_state_swap(const char *key, const hive_bytes *expected, const hive_bytes *value, uint64_t ttl_ms,
                                  bool *swapped);
/* Waits until everything that this call has written so far is on disk. */
HIVE_CHECKED bool hive_state_flush(void);
/* Whether this is the first time that something is done, by an id of yours, or by that of the event in hand (NULL). Remembered
 * for 24 hours. What the handler writes to its state gets to disk together with it; where it returns a failure, it was not done,
 * and the next attempt is the first again: do what may fail before you write. So it is where the handler traps or is cut, but
 * only before a hive_state_flush: what is on disk stays. */
HIVE_CHECKED bool hive_once(const char *id, bool *first);
/* The id of the event in hand, the same on every redelivery; to be freed. */
char *hive_event_id(void);
/* A secret that the node's configuration grants the plugin, to be freed; NULL: hive_error has the line to add. */
char *hive_secret(const char *name);
const char *hive_error(void);
/* It names its own place in the source. */
#define hive_failed() hive_failed_at(__FILE__, __LINE__)
HIVE_CHECKED hive_outcome hive_failed_at(const char *file, int line);

/* A value of the plugin's configuration, to be freed; NULL: it is not set. */
char *hive_config(const char *key);
/* `usual` where it is not set, and where it is no number, which is in the log then. */
double hive_config_number(const char *key, double usual);

typedef enum { HIVE_TRACE = 0, HIVE_DEBUG, HIVE_INFO, HIVE_WARN, HIVE_ERROR } hive_level;
void hive_log(hive_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One segment of the event's channel, counted from 0. False: there is none, or no room. */
bool hive_segment(const hive_event *event, int index, char *to, size_t size);

/* A header of the event in hand that its publisher gave it, the first of that name. False: there is none, or no room. */
bool hive_header(const char *name, char *to, size_t size);

/* The event's data as a text: as it stands where the content type is `text/…`, a JSON text where it is JSON, and without
 * either a JSON text if it is one, else what stands there. False: there is none (an empty payload that is no `text/…`), it
 * is no text, or has no room; hive_error says which. */
bool hive_text(const hive_event *event, char *to, size_t size);

/* JSON, as far as a handler needs it. `field` is one of an object, or NULL: the value itself. False: all of it together is no
 * JSON, the value is not there, not of that type, or has no room; hive_error says which. */
bool hive_json_number(hive_bytes json, const char *field, double *to);
/* A whole number, exact: a double knows no odd ones from 2^53 on. */
bool hive_json_int(hive_bytes json, const char *field, int64_t *to);
/* One with a zero in it, `\u0000`, would end too early: it is none here. */
bool hive_json_text(hive_bytes json, const char *field, char *to, size_t size);
bool hive_json_bool(hive_bytes json, const char *field, bool *to);
/* The value itself, as JSON. */
bool hive_json_field(hive_bytes json, const char *field, hive_bytes *to);
/* A text as JSON, in quotes, into a buffer; what does not fit is cut off. Returns the buffer. */
char *hive_quoted(const char *text, char *to, size_t size);

/* Where the handler reads what came: an error of that says it. Called by what follows. */
void hive_at(const char *file, int line);

#ifdef __cplusplus
}
#endif

#ifndef HIVE_INNER
#define hive_segment(...) (hive_at(__FILE__, __LINE__), hive_segment(__VA_ARGS__))
#define hive_header(...) (hive_at(__FILE__, __LINE__), hive_header(__VA_ARGS__))
#define hive_text(...) (hive_at(__FILE__, __LINE__), hive_text(__VA_ARGS__))
#define hive_json_number(...) (hive_at(__FILE__, __LINE__), hive_json_number(__VA_ARGS__))
#define hive_json_int(...) (hive_at(__FILE__, __LINE__), hive_json_int(__VA_ARGS__))
#define hive_json_text(...) (hive_at(__FILE__, __LINE__), hive_json_text(__VA_ARGS__))
#define hive_json_bool(...) (hive_at(__FILE__, __LINE__), hive_json_bool(__VA_ARGS__))
#define hive_json_field(...) (hive_at(__FILE__, __LINE__), hive_json_field(__VA_ARGS__))
#endif
#endif
