/* What a handler keeps on its node, events that are handled once, and secrets. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>

#include "inner.h"

/* For so long it is remembered what was done once. */
#define REMEMBERED_MS (24ull * 3600 * 1000)

static uint64_t *lasting(uint64_t *ttl_ms) { return *ttl_ms ? ttl_ms : NULL; }

bool hive_state_get(const char *key, char **to, size_t *len) {
  wire_text asked = borrowed(key);
  handler_option_list_u8_t found;
  hive_node_types_error_t error;
  *to = NULL;
  if (len) *len = 0;
  ASK(hive_node_state_get(&asked, &found, &error));
  if (!fine) return hive_noted(&error);
  if (!found.is_some) return true;
  *to = ended(found.val.ptr, found.val.len);
  if (len) *len = found.val.len;
  handler_option_list_u8_free(&found);
  return true;
}

bool hive_state_set(const char *key, const void *bytes, size_t len, uint64_t ttl_ms) {
  wire_text asked = borrowed(key);
  handler_list_u8_t value = {(uint8_t *)bytes, len};
  if (len) GIVEN(bytes);
  hive_node_types_error_t error;
  ASK(hive_node_state_set(&asked, &value, lasting(&ttl_ms), &error));
  return fine || hive_noted(&error);
}

bool hive_state_set_json(const char *key, const char *format, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  hive_given_texts(format, args);
  if (vasprintf(&text, format, args) < 0) abort();
  va_end(args);
  bool set = hive_made(text) && hive_state_set(key, text, strlen(text), 0);
  free(text);
  return set;
}

bool hive_state_delete(const char *key) {
  wire_text asked = borrowed(key);
  hive_node_types_error_t error;
  ASK(hive_node_state_delete(&asked, &error));
  return fine || hive_noted(&error);
}

bool hive_state_next(const char *prefix, char **key) {
  wire_text begin = borrowed(prefix), after = borrowed(*key ? *key : "");
  handler_list_string_t found;
  hive_node_types_error_t error;
  ASK(hive_node_state_keys(&begin, *key ? &after : NULL, 1, &found, &error));
  free(*key);
  *key = NULL;
  if (!fine) return hive_noted(&error);
  if (found.len) *key = ended(found.ptr->ptr, found.ptr->len);
  handler_list_string_free(&found);
  return true;
}

bool hive_state_increment(const char *key, int64_t delta, int64_t *sum) {
  wire_text asked = borrowed(key);
  int64_t found;
  hive_node_types_error_t error;
  ASK(hive_node_state_increment(&asked, delta, &found, &error));
  if (!fine) return hive_noted(&error);
  if (sum) *sum = found;
  return true;
}

bool hive_state_swap(const char *key, const hive_bytes *expected, const hive_bytes *value, uint64_t ttl_ms, bool *swapped) {
  wire_text asked = borrowed(key);
  handler_list_u8_t before, after;
  if (expected) before = (handler_list_u8_t){(uint8_t *)expected->ptr, expected->len};
  if (value) after = (handler_list_u8_t){(uint8_t *)value->ptr, value->len};
  hive_node_types_error_t error;
  ASK(hive_node_state_swap(&asked, expected ? &before : NULL, value ? &after : NULL, lasting(&ttl_ms), swapped, &error));
  return fine || hive_noted(&error);
}

bool hive_state_flush(void) {
  hive_node_types_error_t error;
  ASK(hive_node_state_flush(&error));
  return fine || hive_noted(&error);
}

/* The keys of what this call has promised to do once. */
static struct {
  char **keys;
  size_t count;
} promised;

void hive_forget_promises(void) {
  while (promised.count) free(promised.keys[--promised.count]);
  free(promised.keys);
  promised.keys = NULL;
}

void hive_break_promises(void) {
  for (size_t at = 0; at < promised.count; at++) {
    /* Whoever cannot delete now could not write either; the next attempt then thinks that it is the second. */
    if (!hive_state_delete(promised.keys[at])) hive_log(HIVE_WARN, "`%s` stays: %s", promised.keys[at], hive_error());
  }
  hive_forget_promises();
}

char *hive_event_id(void) {
  wire_text id;
  hive_leave();
  hive_node_current_id(&id);
  hive_enter(hive_scratch);
  char *copied = ended(id.ptr, id.len);
  handler_string_free(&id);
  return copied;
}

bool hive_once(const char *id, bool *first) {
  char *own = id ? NULL : hive_event_id(), *key = NULL;
  if (asprintf(&key, "$once/%s", id ? id : own) < 0) abort();
  free(own);
  hive_bytes one = {"1", 1};
  bool fine = hive_state_swap(key, NULL, &one, REMEMBERED_MS, first);
  if (!fine || !*first) return free(key), fine;
  char **keys = realloc(promised.keys, (promised.count + 1) * sizeof *keys);
  if (!keys) abort();
  promised.keys = keys;
  promised.keys[promised.count++] = key;
  return true;
}

char *hive_secret(const char *name) {
  wire_text asked = borrowed(name), found;
  hive_node_types_error_t error;
  ASK(hive_node_secrets_get(&asked, &found, &error));
  if (!fine) return hive_noted(&error), NULL;
  char *copied = ended(found.ptr, found.len);
  handler_string_free(&found);
  return copied;
}
