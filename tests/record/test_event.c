// Events are read as they were written, and never beyond their bytes.
#include "record/record__recorder.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static bool is_within(struct et_str text, const char *from, size_t n)
{
    return text.p >= from && text.n <= n && (size_t)(text.p - from) <= n - text.n;
}

static void what_was_put_is_read(void)
{
    struct et_buf buf = et_buf(1000);
    struct et__event event;
    et__event_put(&buf, "mark", "pad", "success", "3");
    CHECK(et__event_parse(et_buf_str(&buf), &event));
    CHECK(et_str_is(event.kind, "mark") && et_str_is(event.source, "pad"));
    CHECK(et_str_is(event.text, "success"));
    et_buf_clear(&buf);
    et__event_put(&buf, "episode.begin", NULL, NULL, NULL);
    CHECK(et__event_parse(et_buf_str(&buf), &event));
    CHECK(et_str_is(event.kind, "episode.begin") && event.source.n == 0 && event.text.n == 0);
    et_buf_free(&buf);
}

// Each length in memory of its own, so that a byte too far is seen.
static void what_is_cut_is_none_or_lies_within(void)
{
    struct et_buf buf = et_buf(1000);
    struct et__event event;
    et__event_put(&buf, "mark", "pedal", "failure", "it fell");
    size_t n_whole = 0;
    for (size_t n = 0; n <= buf.n; n++) {
        char *cut = malloc(n + 1);
        memcpy(cut, buf.p, n);
        cut = realloc(cut, n ? n : 1);
        if (et__event_parse((struct et_str){cut, n}, &event)) {
            CHECK(is_within(event.kind, cut, n) && is_within(event.text, cut, n));
            CHECK(et_str_is(event.text, "failure"));
            n_whole++;
        }
        free(cut);
    }
    CHECK(n_whole > 0 && n_whole < buf.n / 2); // the value behind it is not looked at
    et_buf_free(&buf);
}

static void what_is_flipped_lies_within(void)
{
    struct et_buf buf = et_buf(1000);
    struct et__event event;
    et__event_put(&buf, "mark", "pedal", "failure", NULL);
    for (size_t i = 0; i < 8 * buf.n; i++) {
        buf.p[i / 8] ^= (char)(1 << i % 8);
        if (et__event_parse(et_buf_str(&buf), &event))
            CHECK(is_within(event.kind, buf.p, buf.n) && is_within(event.source, buf.p, buf.n) &&
                  is_within(event.text, buf.p, buf.n));
        buf.p[i / 8] ^= (char)(1 << i % 8);
    }
    et_buf_free(&buf);
}

int main(void)
{
    RUN(what_was_put_is_read);
    RUN(what_is_cut_is_none_or_lies_within);
    RUN(what_is_flipped_lies_within);
    return tap_end();
}
