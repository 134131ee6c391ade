/* What functions of C's own library are given: WebAssembly has memory at address 0, so that a NULL passes there as an empty
 * text. Here it is a trap with the function's name, at the line that gave it. Each is inlined where it is called, and goes on to
 * the library's. Nothing from nowhere, as `memcpy(to, NULL, 0)`, is fine. */
#ifndef HIVE_GIVEN_H
#define HIVE_GIVEN_H
/* C++ has several of one name. */
#if defined(__clang__) && !defined(__cplusplus) && !defined(HIVE_INNER)

#define HIVE_INLINED __extension__ extern __inline__ __attribute__((always_inline, gnu_inline, artificial))
/* Each trap has a line of its own. */
#define HIVE_NEED(pointer)                                     \
  do {                                                         \
    if (!(pointer)) __attribute__((nomerge)) __builtin_trap(); \
  } while (0)

#define HIVE_ONE(type, name, parameters, given, ...) \
  HIVE_INLINED type name parameters {                \
    HIVE_NEED(given);                                \
    return __builtin_##name(__VA_ARGS__);            \
  }
#define HIVE_TWO(type, name, parameters, one, two, ...) \
  HIVE_INLINED type name parameters {                   \
    HIVE_NEED(one);                                     \
    HIVE_NEED(two);                                     \
    return __builtin_##name(__VA_ARGS__);               \
  }
#define HIVE_MANY(type, name, parameters, one, two, ...) \
  HIVE_INLINED type name parameters {                    \
    if (size) HIVE_NEED(one);                            \
    if (size) HIVE_NEED(two);                            \
    return __builtin_##name(__VA_ARGS__);                \
  }

HIVE_ONE(size_t, strlen, (const char *text), text, text)
HIVE_ONE(char *, strdup, (const char *text), text, text)
HIVE_ONE(char *, strndup, (const char *text, size_t size), text, text, size)
HIVE_ONE(char *, strchr, (const char *text, int wanted), text, text, wanted)
HIVE_ONE(char *, strrchr, (const char *text, int wanted), text, text, wanted)
HIVE_TWO(char *, strstr, (const char *text, const char *wanted), text, wanted, text, wanted)
HIVE_TWO(size_t, strspn, (const char *text, const char *wanted), text, wanted, text, wanted)
HIVE_TWO(size_t, strcspn, (const char *text, const char *wanted), text, wanted, text, wanted)
HIVE_TWO(char *, strpbrk, (const char *text, const char *wanted), text, wanted, text, wanted)
HIVE_TWO(int, strcmp, (const char *one, const char *two), one, two, one, two)
HIVE_TWO(int, strcasecmp, (const char *one, const char *two), one, two, one, two)
HIVE_TWO(char *, strcpy, (char *to, const char *from), to, from, to, from)
HIVE_TWO(char *, strcat, (char *to, const char *from), to, from, to, from)
HIVE_MANY(int, strncmp, (const char *one, const char *two, size_t size), one, two, one, two, size)
HIVE_MANY(int, strncasecmp, (const char *one, const char *two, size_t size), one, two, one, two, size)
HIVE_MANY(char *, strncpy, (char *to, const char *from, size_t size), to, from, to, from, size)
HIVE_MANY(char *, strncat, (char *to, const char *from, size_t size), to, from, to, from, size)
HIVE_MANY(void *, memcpy, (void *to, const void *from, size_t size), to, from, to, from, size)
HIVE_MANY(void *, memmove, (void *to, const void *from, size_t size), to, from, to, from, size)
HIVE_MANY(int, memcmp, (const void *one, const void *two, size_t size), one, two, one, two, size)
HIVE_MANY(void *, memset, (void *to, int byte, size_t size), to, to, to, byte, size)
HIVE_MANY(void *, memchr, (const void *from, int byte, size_t size), from, from, from, byte, size)

/* Those that read numbers are not known to the compiler by another name. */
#define HIVE_READS(type, name, more, ...)                          \
  type hive_libc_##name(const char *text, char **end more)         \
      __asm__(#name);                                              \
  HIVE_INLINED type name(const char *text, char **end more) {      \
    HIVE_NEED(text);                                               \
    return hive_libc_##name(__VA_ARGS__);                          \
  }
#define HIVE_BASE , int base

HIVE_READS(double, strtod, , text, end)
HIVE_READS(float, strtof, , text, end)
HIVE_READS(long, strtol, HIVE_BASE, text, end, base)
HIVE_READS(long long, strtoll, HIVE_BASE, text, end, base)
HIVE_READS(unsigned long, strtoul, HIVE_BASE, text, end, base)
HIVE_READS(unsigned long long, strtoull, HIVE_BASE, text, end, base)

HIVE_INLINED int atoi(const char *text) {
  HIVE_NEED(text);
  return (int)hive_libc_strtol(text, (char **)0, 10);
}
HIVE_INLINED long atol(const char *text) {
  HIVE_NEED(text);
  return hive_libc_strtol(text, (char **)0, 10);
}
HIVE_INLINED long long atoll(const char *text) {
  HIVE_NEED(text);
  return hive_libc_strtoll(text, (char **)0, 10);
}
HIVE_INLINED double atof(const char *text) {
  HIVE_NEED(text);
  return hive_libc_strtod(text, (char **)0);
}

#undef HIVE_ONE
#undef HIVE_TWO
#undef HIVE_MANY
#undef HIVE_READS
#undef HIVE_BASE
#endif
#endif
