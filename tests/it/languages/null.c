#include <hive.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER_INLINED __attribute__((noinline)) static

struct parcel {
  struct parcel *next;
  int number;
};

NEVER_INLINED struct parcel *find(size_t number) { return calloc(number, sizeof(struct parcel)); }
NEVER_INLINED int chase(size_t number) { return find(number)->next->number; }
NEVER_INLINED void hoard(struct parcel *first) {
  for (;;) {
    struct parcel *one = malloc(sizeof *one);
    one->next = first;
    first = one;
  }
}
/* The name of a type, as C++ has them in its symbols. */
NEVER_INLINED void t(void) { abort(); }

static hive_outcome try(const hive_event *event) {
  char how[20], room[40] = "", *none = hive_config("none");
  if (!hive_text(event, how, sizeof how)) return hive_failed();
  if (!strcmp(how, "strlen")) return hive_reject("%zu", strlen(none));
  if (!strcmp(how, "strcmp")) return hive_reject("%d", strcmp(how, none));
  if (!strcmp(how, "strncmp")) return hive_reject("%d", strncmp(none, how, 3));
  if (!strcmp(how, "strcpy")) return hive_reject("%s", strcpy(room, none));
  if (!strcmp(how, "strcat")) return hive_reject("%s", strcat(room, none));
  if (!strcmp(how, "strchr")) return hive_reject("%p", (void *)strchr(none, 'a'));
  if (!strcmp(how, "strstr")) return hive_reject("%p", (void *)strstr(how, none));
  if (!strcmp(how, "strdup")) return hive_reject("%s", strdup(none));
  if (!strcmp(how, "memcpy")) return memcpy(room, none, strlen(how)), hive_reject("%s", room);
  if (!strcmp(how, "memset")) return memset(none, 1, strlen(how)), hive_reject("%s", room);
  if (!strcmp(how, "memcmp")) return hive_reject("%d", memcmp(none, how, strlen(how)));
  if (!strcmp(how, "atoi")) return hive_reject("%d", atoi(none));
  if (!strcmp(how, "strtol")) return hive_reject("%ld", strtol(none, NULL, 10));
  if (!strcmp(how, "strtod")) return hive_reject("%g", strtod(none, NULL));
  if (!strcmp(how, "reply")) return hive_reply_json("[%lld, %g, \"%s\"]", 1LL, 2.0, none), HIVE_DONE;
  if (!strcmp(how, "publish")) return hive_publish_json("out/x", "[%5d%%, \"%-*s\"]", 1, 2, none) ? HIVE_DONE : hive_failed();
  if (!strcmp(how, "state")) return hive_state_set_json("x", "\"%s\"", none) ? HIVE_DONE : hive_failed();
  if (!strcmp(how, "chase")) return hive_reject("%d", chase(strlen(how)));
  if (!strcmp(how, "hoard")) hoard(NULL);
  if (!strcmp(how, "t")) t();
  /* Nothing of nowhere is nothing; and what a person reads may say so. */
  memcpy(room, none, event->key.len), memset(none, 0, event->key.len);
  hive_log(HIVE_INFO, "%s and %.*s", none, (int)event->key.len, none);
  hive_reply_json("[\"%.*s\", %zu, %ld, \"%c\", \"%5.1f\", %llu]", (int)event->key.len, none, strlen(how), -2L, 'a', 0.25, 1ULL << 63);
  return HIVE_DONE;
}

void hive_plugin(void) {
  hive_answer("null/try", try);
  hive_publishes("out/*");
}
