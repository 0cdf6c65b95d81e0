/* Whatever a text or a number is, the page is whole: nothing in it can leave its place. */
#include "etude/report.h"

#include "../report/html_check.h"

#include <stdio.h>
#include <stdlib.h>

#define N_VALUES 64
#define TEXT_BYTES 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put_parts(struct et_page *page, const char *text, const double *values, size_t n)
{
    const struct et_line lines[] = {{text, NULL, values, n, 0, false, false},
                                    {text, values, values + n / 2, n / 2, 0, true, false}};
    const struct et_band bands[] = {{values[0], values[1], ET_MARK_CRIT, text},
                                    {values[2], values[3], ET_MARK_OK, NULL}};
    const struct et_lane lane = {text, bands, 2};
    const struct et_cell cells[] = {{text, ET_MARK_WARN, text}, {text, ET_MARK_NONE, NULL}};

    et_page_section(page, NULL, text);
    et_page_marked(page, ET_MARK_WARN, text);
    et_page_card(page, text, text, ET_MARK_OK);
    et_page_table_open(page, text);
    et_page_row(page, cells, 2);
    et_page_fold_open(page, text, text, ET_MARK_IDLE, false);
    et_page_plot(page, &(struct et_plot){text, text, text, lines, 2, bands, 2, values[0]});
    et_page_histogram(page, text, text, values, n, n / 2);
    et_page_lanes(page, text, values[0], values[1], text, &lane, 1);
    et_page_picture(page, et_str(text), text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et_buf buf = et_buf(4u << 20);
    struct et_page page = {.buf = &buf};
    double values[N_VALUES] = {0};
    char text[TEXT_BYTES] = "", why[256] = "";

    // The first half is numbers, the second a text.
    size_t n_values = n / 2 / sizeof(double);
    n_values = n_values < N_VALUES ? n_values : N_VALUES;
    if (n_values > 0)
        memcpy(values, data, n_values * sizeof(double));
    if (n > n / 2)
        snprintf(text, sizeof text, "%.*s", (int)(n - n / 2), (const char *)data + n / 2);

    et_page_open(&page, text, text);
    put_parts(&page, text, values, n_values < 4 ? 4 : n_values);
    et_page_close(&page);
    if (buf.status == ET_OK && !html_is_whole(et_buf_text(&buf), why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        abort();
    }
    et_buf_free(&buf);
    return 0;
}
