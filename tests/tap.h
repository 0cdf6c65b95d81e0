/* TAP: the whole test framework. A test is a function whose name is a statement; a program runs its
 * tests with RUN and ends with `return tap_end();`. A failed CHECK, in any of its files, prints
 * where and what, the test goes on, and the statement counts as failed. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

extern int tap_is_bad; // checks that failed in the test that runs

static inline bool tap_is(const char *got, const char *want)
{
    return got && want && strcmp(got, want) == 0;
}

void tap_fail(const char *file, int line, const char *text);

static inline bool tap_check(bool is_good, const char *file, int line, const char *text)
{
    if (!is_good)
        tap_fail(file, line, text);
    return is_good;
}

#define CHECK(cond) tap_check((cond), __FILE__, __LINE__, #cond)

#define CHECK_EQ(got, want)                                                          \
    do {                                                                             \
        const int64_t got_ = (int64_t)(got), want_ = (int64_t)(want);                \
        if (!CHECK(got_ == want_) || got_ != want_)                                  \
            printf("#   %s = %" PRId64 ", wanted %" PRId64 "\n", #got, got_, want_); \
    } while (0)

#define CHECK_NEAR(got, want, tolerance)                                      \
    do {                                                                      \
        const double got_ = (got), want_ = (want);                            \
        if (!tap_check(fabs(got_ - want_) <= (tolerance), __FILE__, __LINE__, \
                       #got " is near " #want))                               \
            printf("#   %s = %.17g, wanted %.17g\n", #got, got_, want_);      \
    } while (0)

#define CHECK_STR(got, want)                                                        \
    do {                                                                            \
        const char *const got_ = (got), *const want_ = (want);                      \
        if (!tap_check(tap_is(got_, want_), __FILE__, __LINE__, #got " is " #want)) \
            printf("#   got \"%s\"\n#   wanted \"%s\"\n", got_ ? got_ : "(null)",   \
                   want_ ? want_ : "(null)");                                       \
    } while (0)

static inline bool tap_has(const char *text, const char *words)
{
    return text && strstr(text, words);
}

/* The text holds the words: for messages, whose exact form is not a promise. */
#define CHECK_HAS(text, words)                                                                \
    do {                                                                                      \
        const char *const text_ = (text);                                                     \
        if (!tap_check(tap_has(text_, (words)), __FILE__, __LINE__, #text " has " #words))    \
            printf("#   got \"%s\"\n#   wanted within it \"%s\"\n", text_ ? text_ : "(null)", \
                   (words));                                                                  \
    } while (0)

/* Expects ET_OK; prints the error's text otherwise. Needs a `struct et_err err` in scope. */
#define CHECK_OK(call)                                              \
    do {                                                            \
        if (!tap_check((call) == ET_OK, __FILE__, __LINE__, #call)) \
            printf("#   %s\n", err.text);                           \
    } while (0)

/* Marks the test that runs as skipped, with a word why ("no data"). */
void tap_skip(const char *reason);

void tap_result(const char *name);

#define RUN(test)          \
    do {                   \
        test();            \
        tap_result(#test); \
    } while (0)

int tap_end(void);

#endif
