/* What the files of this SDK share; not for handlers. */
#ifndef HIVE_INNER_H
#define HIVE_INNER_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* These files define what handlers call with a place. */
#define HIVE_INNER

#include "bindings/handler.h"
#include "hive.h"

typedef handler_string_t wire_text;

/* The adapter for WASI may call the node only between these two: see toolchain/build/wasi/wasi.wat of the node. */
__attribute__((import_module("wasi_snapshot_preview1"), import_name("hive_enter"))) void hive_enter(void *scratch);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("hive_leave"))) void hive_leave(void);
extern uint64_t hive_scratch[4];

/* During a call of the node it may put results into our memory: nothing else is called out then. */
#define ASK(call)        \
  hive_leave();          \
  bool fine = (call);    \
  hive_enter(hive_scratch)

/* What a handler has to give: NULL is a trap here, which the node tells with the function that was given it. */
#define GIVEN(pointer)                                         \
  do {                                                         \
    if (!(pointer)) __attribute__((nomerge)) __builtin_trap(); \
  } while (0)

static inline wire_text borrowed(const char *text) {
  GIVEN(text);
  return (wire_text){(uint8_t *)text, strlen(text)};
}

/* A copy, ended by a zero. */
static inline char *ended(const uint8_t *bytes, size_t len) {
  char *copied = malloc(len + 1);
  if (!copied) abort();
  if (len) memcpy(copied, bytes, len);
  copied[len] = 0;
  return copied;
}

/* Notes what is wrong and would be so again; false. */
bool hive_wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether a text that was made is JSON; an empty one says nothing, which is fine. */
bool hive_is_json(const char *made);
/* The same; notes what is wrong. */
bool hive_made(const char *made);

/* A trap where a format's text would be NULL, unless none of it is written. */
void hive_given_texts(const char *format, va_list args);

/* Notes an error and frees it; false. */
bool hive_noted(hive_node_types_error_t *error);

/* A call begins: what the last one promised to do once is of no interest. */
void hive_forget_promises(void);
/* A call has failed, and is to be the first again. */
void hive_break_promises(void);

#endif
