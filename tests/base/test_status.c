#include "etude/log.h"
#include "etude/status.h"
#include "tap.h"

#include <errno.h>

static void fails_in_one_line(void)
{
    struct et_err err = {.status = ET_OK, .sys = 7, .at = 3, .text = "old"};
    CHECK_EQ(et_fail(&err, ET_ECORRUPT, 42, "a record of %d bytes", 5), ET_ECORRUPT);
    CHECK_EQ(err.status, ET_ECORRUPT);
    CHECK_EQ(err.sys, 0);
    CHECK_EQ(err.at, 42);
    CHECK_STR(err.text, "a record of 5 bytes");
}

static void needs_no_error_to_fill(void)
{
    CHECK_EQ(et_fail(NULL, ET_ELIMIT, -1, "x"), ET_ELIMIT);
    CHECK_EQ(et_fail_sys(NULL, ENOSPC, "x"), ET_EIO);
    CHECK_EQ(et_err_context(NULL, "x"), ET_OK);
}

static void names_the_kernels_reason(void)
{
    struct et_err err = {0};
    CHECK_EQ(et_fail_sys(&err, ENOSPC, "cannot write %s", "a.bin"), ET_EIO);
    CHECK_EQ(err.status, ET_EIO);
    CHECK_EQ(err.sys, ENOSPC);
    CHECK_EQ(err.at, -1);
    CHECK_STR(err.text, "cannot write a.bin: No space left on device");
}

static void puts_the_context_in_front(void)
{
    struct et_err err = {0};
    (void)et_fail_sys(&err, EACCES, "cannot open");
    err.at = 9;
    CHECK_EQ(et_err_context(&err, "%s/%s", "a", "b"), ET_EIO);
    CHECK_STR(err.text, "a/b: cannot open: Permission denied");
    CHECK_EQ(err.sys, EACCES);
    CHECK_EQ(err.at, 9);
}

static void may_speak_of_its_own_old_text(void)
{
    struct et_err err = {0};
    (void)et_fail(&err, ET_EIO, -1, "inner");
    (void)et_fail(&err, ET_ECORRUPT, 1, "outer (%s)", err.text);
    CHECK_STR(err.text, "outer (inner)");
}

// U+00E9 takes two bytes: whatever the length before it, the cut leaves no half of one.
static void cuts_long_texts_between_characters(void)
{
    for (int n = ET_ERR_TEXT_BYTES - 6; n < ET_ERR_TEXT_BYTES + 2; n++) {
        char many[ET_ERR_TEXT_BYTES + 16];
        struct et_err err = {0};
        memset(many, 'x', sizeof many);
        memcpy(many + n, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10);
        (void)et_fail(&err, ET_EIO, -1, "%s", many);
        const size_t got = strlen(err.text);
        CHECK(got < sizeof err.text);
        CHECK(got <= (size_t)n || got == (size_t)n + 2 || got == (size_t)n + 5);
        CHECK(memcmp(err.text, many, got) == 0);
        CHECK(got + 4 >= sizeof err.text - 1 || got == strlen(many));
    }
}

static void shows_no_control_characters(void)
{
    struct et_err err = {0};
    (void)et_fail(&err, ET_EIO, -1, "%s", "a\nb\x1b[31m\x7f\t");
    CHECK_STR(err.text, "a?b?[31m??");
}

static void names_every_status(void)
{
#define X(name, value, words)               \
    CHECK_STR(et_status_name(name), #name); \
    CHECK_STR(et_status_text(name), words); \
    CHECK_EQ(name, value);
    ET_STATUS_MAP(X)
#undef X
    CHECK_STR(et_status_name((enum et_status) - 99), "ET_?");
    CHECK_STR(et_status_text((enum et_status)99), "unknown status");
}

struct heard {
    int n;
    enum et_log_level level;
    char text[2000];
};

static void hear(void *ctx, enum et_log_level level, const char *text)
{
    struct heard *heard = ctx;
    heard->n++;
    heard->level = level;
    (void)snprintf(heard->text, sizeof heard->text, "%s", text);
}

static void logs_from_its_level_on(void)
{
    struct heard heard = {0};
    const struct et_log log = {ET_LOG_INFO, hear, &heard};
    et_logf(&log, ET_LOG_DEBUG, "too little");
    CHECK_EQ(heard.n, 0);
    et_logf(&log, ET_LOG_INFO, "%d of %d", 1, 2);
    CHECK_EQ(heard.n, 1);
    CHECK_EQ(heard.level, ET_LOG_INFO);
    CHECK_STR(heard.text, "1 of 2");
    et_logf(&log, ET_LOG_WARN, "%02000d\n", 1);
    CHECK_EQ(heard.n, 2);
    CHECK_EQ(heard.level, ET_LOG_WARN);
    CHECK_EQ(strlen(heard.text), 1023);
}

static void is_silent_without_a_listener(void)
{
    const struct et_log log = {ET_LOG_DEBUG, NULL, NULL};
    et_logf(NULL, ET_LOG_WARN, "nobody");
    et_logf(&log, ET_LOG_WARN, "nobody");
}

int main(void)
{
    RUN(fails_in_one_line);
    RUN(needs_no_error_to_fill);
    RUN(names_the_kernels_reason);
    RUN(puts_the_context_in_front);
    RUN(may_speak_of_its_own_old_text);
    RUN(cuts_long_texts_between_characters);
    RUN(shows_no_control_characters);
    RUN(names_every_status);
    RUN(logs_from_its_level_on);
    RUN(is_silent_without_a_listener);
    return tap_end();
}
