/* Reads JSON in place: what a handler asks for is found by walking over the rest. And texts, which may be JSON or not. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "hive.h"

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

/* Over a text; `from` and `to` are what is between the quotes. */
static bool text(reader *r, const char **from, const char **to) {
  if (!take(r, '"')) return false;
  *from = r->at;
  while (r->at < r->end && *r->at != '"') r->at += *r->at == '\\' && r->end - r->at > 1 ? 2 : 1;
  if (r->at >= r->end) return false;
  *to = r->at++;
  return true;
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
  return r->at > from;
}

bool hive_json_field(hive_bytes json, const char *field, hive_bytes *to) {
  reader r = {json.ptr, json.ptr + json.len};
  const char *from, *end;
  blank(&r);
  if (!field) {
    from = r.at;
    if (!value(&r, 0)) return false;
    *to = (hive_bytes){from, (size_t)(r.at - from)};
    return true;
  }
  if (!take(&r, '{')) return false;
  do {
    if (!text(&r, &from, &end) || !take(&r, ':')) return false;
    bool found = (size_t)(end - from) == strlen(field) && !memcmp(from, field, strlen(field));
    blank(&r);
    from = r.at;
    if (!value(&r, 0)) return false;
    if (found) {
      *to = (hive_bytes){from, (size_t)(r.at - from)};
      return true;
    }
  } while (take(&r, ','));
  return false;
}

bool hive_json_number(hive_bytes json, const char *field, double *to) {
  hive_bytes found;
  char copy[64], *end;
  if (!hive_json_field(json, field, &found) || found.len >= sizeof copy) return false;
  if (!found.len || !strchr("-0123456789", *found.ptr)) return false;
  memcpy(copy, found.ptr, found.len);
  copy[found.len] = 0;
  *to = strtod(copy, &end);
  return *end == 0;
}

bool hive_json_bool(hive_bytes json, const char *field, bool *to) {
  hive_bytes found;
  if (!hive_json_field(json, field, &found)) return false;
  *to = found.len == 4 && !memcmp(found.ptr, "true", 4);
  return *to || (found.len == 5 && !memcmp(found.ptr, "false", 5));
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
  if (!hive_json_field(json, field, &found) || found.len < 2 || *found.ptr != '"') return false;
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
        if (code < 0 || (code >= 0xd800 && code < 0xe000)) return false;
        length = utf8((unsigned)code, piece);
      } else if (which) {
        piece[0] = meant[which - plain];
        at++;
      } else {
        return false;
      }
    }
    if (used + length >= size) return false;
    memcpy(to + used, piece, length);
    used += length;
  }
  if (used >= size) return false;
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
  if (!begins(event->content_type, "text/")) {
    reader r = {payload.ptr, payload.ptr + payload.len};
    const char *from, *end;
    bool quoted = text(&r, &from, &end);
    blank(&r);
    if (quoted && r.at == r.end && hive_json_text(payload, NULL, to, size)) return true;
    if (!payload.len || is_json(event->content_type)) return false;
  }
  /* A zero would end it too early. */
  if (payload.len >= size || !is_utf8(payload) || (payload.len && memchr(payload.ptr, 0, payload.len))) return false;
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
