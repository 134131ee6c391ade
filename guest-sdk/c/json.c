/* Reads JSON in place: what a handler asks for is found by walking over the rest. And texts, which may be JSON or not. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "inner.h"

/* Nested deeper than anything that is meant for a handler. */
#define DEPTH_MAX 64

typedef struct {
  const char *at, *end;
} reader;

static void blank(reader *r) {
  while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at) r->at++;
}

static bool take(reader *r, char c) {
  blank(r);
  if (r->at >= r->end || *r->at != c) return false;
  r->at++;
  return true;
}

static int hex(const char *at) {
  int code = 0;
  for (int n = 0; n < 4; n++) {
    char c = at[n];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
    if (digit < 0) return -1;
    code = code * 16 + digit;
  }
  return code;
}

/* Over a text; `from` and `to` are what is between the quotes. */
static bool text(reader *r, const char **from, const char **to) {
  if (!take(r, '"')) return false;
  *from = r->at;
  while (r->at < r->end && *r->at != '"') {
    if ((unsigned char)*r->at < 0x20) return false;
    if (*r->at++ != '\\') continue;
    if (r->at >= r->end || !*r->at || !strchr("\"\\/bfnrtu", *r->at)) return false;
    bool coded = *r->at++ == 'u';
    if (coded && (r->end - r->at < 4 || hex(r->at) < 0)) return false;
    if (coded) r->at += 4;
  }
  if (r->at >= r->end) return false;
  *to = r->at++;
  return true;
}

static bool digits(const char **at, const char *end) {
  const char *from = *at;
  while (*at < end && **at >= '0' && **at <= '9') ++*at;
  return *at > from;
}

/* Whether it is `true`, `false`, `null` or a number. */
static bool is_plain(const char *at, const char *end) {
  static const char *const words[] = {"true", "false", "null"};
  for (size_t n = 0; n < sizeof words / sizeof *words; n++) {
    if (strlen(words[n]) == (size_t)(end - at) && !memcmp(at, words[n], (size_t)(end - at))) return true;
  }
  if (at < end && *at == '-') at++;
  if (at < end && *at == '0') at++;
  else if (!digits(&at, end)) return false;
  if (at < end && *at == '.' && (at++, !digits(&at, end))) return false;
  if (at < end && (*at == 'e' || *at == 'E')) {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    if (!digits(&at, end)) return false;
  }
  return at == end;
}

static bool value(reader *r, int depth) {
  const char *from, *to;
  blank(r);
  if (r->at >= r->end || depth > DEPTH_MAX) return false;
  char first = *r->at;
  if (first == '"') return text(r, &from, &to);
  if (first == '{' || first == '[') {
    char last = first == '{' ? '}' : ']';
    r->at++;
    if (take(r, last)) return true;
    do {
      if (first == '{' && !(text(r, &from, &to) && take(r, ':'))) return false;
      if (!value(r, depth + 1)) return false;
    } while (take(r, ','));
    return take(r, last);
  }
  from = r->at;
  while (r->at < r->end && !strchr(",]} \t\r\n", *r->at)) r->at++;
  return is_plain(from, r->at);
}

bool hive_is_json(const char *made) {
  GIVEN(made);
  reader r = {made, made + strlen(made)};
  blank(&r);
  if (r.at == r.end) return true; /* nothing is said */
  if (!value(&r, 0)) return false;
  blank(&r);
  return r.at == r.end;
}

/* A field as people call it. */
#define CALLED(field) (field) ? "`" : "", (field) ? (field) : "the value", (field) ? "`" : ""

static bool absent(const char *field) {
  return field ? hive_wrong("`%s` is not there", field) : hive_wrong("there is no JSON");
}

static bool unfit(const char *field, const char *kind, hive_bytes found) {
  int shown = found.len > 60 ? 60 : (int)found.len;
  return hive_wrong("%s%s%s is no %s: %.*s", CALLED(field), kind, shown, found.ptr);
}

static bool narrow(const char *field, size_t size) {
  return hive_wrong("%s%s%s has no room: it has more than %zu bytes", CALLED(field), size ? size - 1 : 0);
}

/* Over an object; `to` is the value of its first field of that name, if it has one. */
static bool object(reader *r, const char *field, hive_bytes *to) {
  const char *from, *end;
  if (!take(r, '{')) return false;
  if (take(r, '}')) return true;
  do {
    if (!text(r, &from, &end) || !take(r, ':')) return false;
    bool wanted = !to->len && (size_t)(end - from) == strlen(field) && !memcmp(from, field, strlen(field));
    blank(r);
    from = r->at;
    if (!value(r, 1)) return false;
    if (wanted) *to = (hive_bytes){from, (size_t)(r->at - from)};
  } while (take(r, ','));
  return take(r, '}');
}

/* All of it is read, so that nothing is taken out of half a JSON. */
bool hive_json_field(hive_bytes json, const char *field, hive_bytes *to) {
  reader r = {json.ptr, json.ptr + json.len};
  hive_bytes found = {NULL, 0};
  blank(&r);
  const char *from = r.at;
  if (from == r.end) return absent(field);
  bool is_json = field && *from == '{' ? object(&r, field, &found) : value(&r, 0);
  if (!field) found = (hive_bytes){from, (size_t)(r.at - from)};
  blank(&r);
  if (!is_json || r.at != r.end) return unfit(NULL, "JSON", json);
  if (!found.len) return absent(field);
  *to = found;
  return true;
}

bool hive_json_number(hive_bytes json, const char *field, double *to) {
  hive_bytes found;
  char copy[64];
  if (!hive_json_field(json, field, &found)) return false;
  if (found.len >= sizeof copy || !strchr("-0123456789", *found.ptr)) return unfit(field, "number", found);
  memcpy(copy, found.ptr, found.len);
  copy[found.len] = 0;
  *to = strtod(copy, NULL);
  return true;
}

bool hive_json_int(hive_bytes json, const char *field, int64_t *to) {
  hive_bytes found;
  char copy[64], *end;
  if (!hive_json_field(json, field, &found)) return false;
  if (found.len >= sizeof copy || !strchr("-0123456789", *found.ptr)) return unfit(field, "whole number", found);
  memcpy(copy, found.ptr, found.len);
  copy[found.len] = 0;
  errno = 0;
  long long number = strtoll(copy, &end, 10);
  if (*end) return unfit(field, "whole number", found);
  if (errno) return unfit(field, "whole number of 64 bits", found);
  *to = number;
  return true;
}

bool hive_json_bool(hive_bytes json, const char *field, bool *to) {
  hive_bytes found;
  if (!hive_json_field(json, field, &found)) return false;
  *to = found.len == 4 && !memcmp(found.ptr, "true", 4);
  return *to || (found.len == 5 && !memcmp(found.ptr, "false", 5)) || unfit(field, "true or false", found);
}

static size_t utf8(unsigned code, char *to) {
  if (code < 0x80) return to[0] = (char)code, 1;
  if (code < 0x800) return to[0] = (char)(0xc0 | code >> 6), to[1] = (char)(0x80 | (code & 63)), 2;
  if (code < 0x10000)
    return to[0] = (char)(0xe0 | code >> 12), to[1] = (char)(0x80 | (code >> 6 & 63)), to[2] = (char)(0x80 | (code & 63)), 3;
  to[0] = (char)(0xf0 | code >> 18), to[1] = (char)(0x80 | (code >> 12 & 63));
  return to[2] = (char)(0x80 | (code >> 6 & 63)), to[3] = (char)(0x80 | (code & 63)), 4;
}

bool hive_json_text(hive_bytes json, const char *field, char *to, size_t size) {
  hive_bytes found;
  GIVEN(to);
  if (!hive_json_field(json, field, &found)) return false;
  if (*found.ptr != '"') return unfit(field, "text", found);
  const char *at = found.ptr + 1, *end = found.ptr + found.len - 1;
  size_t used = 0;
  while (at < end) {
    char piece[4];
    size_t length = 1;
    piece[0] = *at++;
    if (piece[0] == '\\' && at < end) {
      const char *plain = "\"\\/bfnrt", *meant = "\"\\/\b\f\n\r\t", *which = strchr(plain, *at);
      if (*at == 'u' && end - at >= 5) {
        int code = hex(at + 1);
        at += 5;
        if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
          int low = hex(at + 2);
          if (low >= 0xdc00 && low < 0xe000) code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), at += 6;
        }
        if (!code) return hive_wrong("%s%s%s has a zero in it, where a text in C ends", CALLED(field));
        if (code < 0 || (code >= 0xd800 && code < 0xe000)) return unfit(field, "text", found);
        length = utf8((unsigned)code, piece);
      } else if (which) {
        piece[0] = meant[which - plain];
        at++;
      } else {
        return unfit(field, "text", found);
      }
    }
    if (used + length >= size) return narrow(field, size);
    memcpy(to + used, piece, length);
    used += length;
  }
  if (used >= size) return narrow(field, size);
  to[used] = 0;
  return true;
}

static bool is_utf8(hive_bytes bytes) {
  const unsigned char *at = (const unsigned char *)bytes.ptr, *end = at + bytes.len;
  while (at < end) {
    unsigned first = *at++, more = first < 0x80 ? 0 : first < 0xc2 ? 9 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 9;
    if (more > (size_t)(end - at)) return false;
    unsigned code = more ? first & (0x3f >> more) : first;
    for (unsigned n = 0; n < more; n++) {
      if ((*at & 0xc0) != 0x80) return false;
      code = code << 6 | (*at++ & 0x3f);
    }
    if ((more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000))) || (more == 3 && (code < 0x10000 || code > 0x10ffff)))
      return false;
  }
  return true;
}

static bool begins(hive_bytes type, const char *with) {
  return type.len >= strlen(with) && !strncasecmp(type.ptr, with, strlen(with));
}

static bool is_json(hive_bytes type) {
  const char *parameters = type.len ? memchr(type.ptr, ';', type.len) : NULL;
  if (parameters) type.len = (size_t)(parameters - type.ptr);
  while (type.len && type.ptr[type.len - 1] == ' ') type.len--;
  static const char json[] = "application/json", suffix[] = "+json";
  const size_t end = sizeof suffix - 1;
  return (type.len == sizeof json - 1 && begins(type, json)) ||
         (type.len > end && !strncasecmp(type.ptr + type.len - end, suffix, end));
}

bool hive_text(const hive_event *event, char *to, size_t size) {
  hive_bytes payload = event->payload;
  GIVEN(to);
  if (!begins(event->content_type, "text/")) {
    reader r = {payload.ptr, payload.ptr + payload.len};
    const char *from, *end;
    bool quoted = text(&r, &from, &end);
    blank(&r);
    if (quoted && r.at == r.end) return hive_json_text(payload, NULL, to, size);
    if (!payload.len) return hive_wrong("the payload is empty");
    if (is_json(event->content_type)) return unfit(NULL, "text in JSON", payload);
  }
  /* A zero would end it too early. */
  if (!is_utf8(payload) || (payload.len && memchr(payload.ptr, 0, payload.len)))
    return hive_wrong("the payload is no text, but bytes");
  if (payload.len >= size) return narrow(NULL, size);
  if (payload.len) memcpy(to, payload.ptr, payload.len);
  to[payload.len] = 0;
  return true;
}

char *hive_quoted(const char *text, char *to, size_t size) {
  size_t used = 0;
  if (size < 3) return size ? (*to = 0, to) : to;
  to[used++] = '"';
  for (; *text; text++) {
    unsigned char c = (unsigned char)*text;
    const char *named = "\"\\\b\f\n\r\t", *names = "\"\\bfnrt", *which = strchr(named, c);
    size_t length = which ? 2 : c < 0x20 ? 6 : 1;
    if (used + length + 2 > size) break;
    if (which) {
      to[used++] = '\\';
      to[used++] = names[which - named];
    } else if (c < 0x20) {
      const char *digits = "0123456789abcdef";
      memcpy(to + used, "\\u00", 4);
      to[used + 4] = digits[c >> 4], to[used + 5] = digits[c & 15];
      used += 6;
    } else {
      to[used++] = (char)c;
    }
  }
  to[used++] = '"';
  to[used] = 0;
  return to;
}

void hive_given_texts(const char *format, va_list args) {
  va_list walked;
  va_copy(walked, args);
  GIVEN(format);
  for (const char *at = format; (at = strchr(at, '%'));) {
    int precision = -1, wide = 0;
    at++;
    at += strspn(at, "-+ #0'");
    if (*at == '*') (void)va_arg(walked, int), at++;
    at += strspn(at, "0123456789");
    if (*at == '.') {
      if (*++at == '*') precision = va_arg(walked, int), at++;
      else precision = (int)strtol(at, (char **)&at, 10);
    }
    for (; *at && strchr("hlLjzt", *at); at++) wide += *at == 'l' ? 1 : *at == 'L' || *at == 'j' ? 2 : 0;
    if (*at == 's') {
      const char *text = va_arg(walked, const char *);
      if (precision) GIVEN(text);
    } else if (*at && strchr("aAeEfFgG", *at)) {
      if (wide > 1) (void)va_arg(walked, long double);
      else (void)va_arg(walked, double);
    } else if (*at && strchr("diouxXc", *at)) {
      if (wide > 1) (void)va_arg(walked, long long);
      else (void)va_arg(walked, long);
    } else if (*at == 'p' || *at == 'n') {
      (void)va_arg(walked, void *);
    } else if (*at != '%') {
      break; /* what is not known may be of any size */
    }
    at++;
  }
  va_end(walked);
}
