#include "etude/progress.h"

#include "base/base__text.h"
#include "etude/clock.h"
#include "etude/str.h"

#include <stdio.h>
#include <string.h>

#define LINE_BYTES 512

// What stands in front of the part that is left out first when the line is too long.
#define SEPARATOR " \xc2\xb7 " // " · "

// "12.5 MB/s", or "42.0 episodes/s".
static void put_rate(struct et_buf *line, double a_second, bool is_bytes, const char *unit)
{
    static const char *const PREFIXES[] = {"", "k", "M", "G", "T"};
    size_t i = 0;
    for (; is_bytes && a_second >= 999.5 && i + 1 < sizeof PREFIXES / sizeof *PREFIXES; i++)
        a_second /= 1000.0;
    et_buf_printf(line, SEPARATOR "%.*f %s%s/s", a_second < 99.95 ? 1 : 0, a_second,
                  is_bytes ? PREFIXES[i] : "", is_bytes ? "B" : unit);
}

// "3 s left": whole seconds below a minute, so that the line does not flicker.
static void put_left(struct et_buf *line, double seconds)
{
    char text[ET_TIME_TEXT_BYTES];
    if (seconds < 59.5) {
        et_buf_printf(line, SEPARATOR "%.0f s left", seconds);
        return;
    }
    if (seconds > 1e9)
        return;
    et_duration_text((int64_t)(seconds * 1e9), text);
    et_buf_printf(line, SEPARATOR "%s left", text);
}

static size_t count_chars(const char *text, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* Shortens the line to fit: whole parts from the end, then characters. */
static size_t fit(const char *line, size_t n, size_t n_columns, size_t n_bytes)
{
    const size_t n_separator = sizeof SEPARATOR - 1;
    while (count_chars(line, n) > n_columns || n > n_bytes) {
        size_t cut = n;
        while (cut > n_separator && memcmp(line + cut - n_separator, SEPARATOR, n_separator) != 0)
            cut--;
        if (cut > n_separator) {
            n = cut - n_separator;
            continue;
        }
        do
            n--;
        while (n > 0 && ((unsigned char)line[n] & 0xc0) == 0x80);
    }
    return n;
}

void et_progress_text(const struct et_progress *progress, int64_t n_done, int64_t n_bytes,
                      int64_t t_now_ns, size_t n_columns, char *text, size_t cap)
{
    if (cap == 0)
        return;
    struct et_buf line = et_buf(LINE_BYTES);
    const double seconds = (double)(t_now_ns - progress->t_start_ns) / (double)ET_NS_PER_S;

    et_buf_printf(&line, "%.100s  %lld", progress->title, (long long)n_done);
    if (progress->n_total > 0)
        et_buf_printf(&line, " of %lld", (long long)progress->n_total);
    et_buf_printf(&line, " %.100s", progress->unit);
    if (seconds > 0.0 && n_done > 0) {
        const double done = n_bytes > 0 ? (double)n_bytes : (double)n_done;
        put_rate(&line, done / seconds, n_bytes > 0, progress->unit);
        if (progress->n_total > n_done)
            put_left(&line, seconds * (double)(progress->n_total - n_done) / (double)n_done);
    }
    if (progress->note && progress->note[0])
        et_buf_printf(&line, SEPARATOR "%.200s", progress->note);
    const size_t n = fit(et_buf_text(&line), line.n, n_columns, cap - 1);
    if (n > 0)
        memcpy(text, line.p, n);
    text[n] = 0;
    et_buf_free(&line);
}
