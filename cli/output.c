/* Output: tables that fit the screen, numbers for people, JSON for programs, progress. */
#include "cli.h"

#include "etude/clock.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define COLUMNS_DEFAULT 80
#define CELL_BYTES_MAX 1024

static size_t terminal_columns(int fd)
{
    struct winsize size;
    if (isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col;
    return COLUMNS_DEFAULT;
}

size_t cli_width(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

const char *cli_bytes_text(double n_bytes, char text[CLI_TEXT_BYTES])
{
    static const char *const UNITS[] = {"B", "kB", "MB", "GB", "TB"};
    size_t i = 0;
    while (n_bytes >= 999.5 && i < 4) {
        n_bytes /= 1000;
        i++;
    }
    (void)snprintf(text, CLI_TEXT_BYTES, i && n_bytes < 99.95 ? "%.1f %s" : "%.0f %s", n_bytes,
                   UNITS[i]);
    return text;
}

const char *cli_s(uint64_t n)
{
    return n == 1 ? "" : "s";
}

const char *cli_count_text(int64_t n, char text[CLI_TEXT_BYTES])
{
    char digits[CLI_TEXT_BYTES];
    const int n_digits = snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n));
    size_t at = 0;
    if (n < 0)
        text[at++] = '-';
    for (int i = 0; i < n_digits; i++) {
        if (i && (n_digits - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

void cli_table_open(struct cli_table *table, struct et_arena *arena, const char *heads)
{
    *table = (struct cli_table){.arena = arena};
    struct et_str rest = et_str(heads), head;
    while (et_str_cut(&rest, '|', &head)) {
        assert(table->n_columns < CLI_COLUMNS_MAX);
        const bool is_right = head.n && head.p[0] == '>';
        const char *text = et_arena_copy(arena, head.p + is_right, head.n - is_right);
        table->is_right[table->n_columns] = is_right;
        table->heads[table->n_columns++] = text ? text : "";
    }
}

void cli_cell(struct cli_table *table, const char *fmt, ...)
{
    char text[CELL_BYTES_MAX];
    va_list list;
    va_start(list, fmt);
    (void)vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    if (table->n_cells == table->cap_cells) {
        const size_t cap = table->cap_cells ? table->cap_cells * 2 : 64;
        const char **cells = et_arena_array(table->arena, cap, sizeof *cells);
        if (!cells) {
            table->is_broken = true;
            return;
        }
        if (table->n_cells)
            memcpy(cells, table->cells, table->n_cells * sizeof *cells);
        table->cells = cells;
        table->cap_cells = cap;
    }
    const char *copy = et_arena_copy(table->arena, text, strlen(text));
    if (!copy)
        table->is_broken = true;
    else
        table->cells[table->n_cells++] = copy;
}

// Prints at most `width` columns of text, the last one as an ellipsis where it was cut.
static void print_cell(const char *text, size_t width, bool is_right, bool is_last)
{
    const size_t n = cli_width(text);
    if (n > width) {
        size_t seen = 0;
        for (; *text; text++) {
            const bool is_start = ((unsigned char)*text & 0xc0) != 0x80;
            if (is_start && ++seen >= width)
                break;
            (void)putchar(*text);
        }
        (void)fputs("…", stdout);
        return;
    }
    for (size_t i = n; is_right && i < width; i++)
        (void)putchar(' ');
    (void)fputs(text, stdout);
    for (size_t i = n; !is_right && !is_last && i < width; i++)
        (void)putchar(' ');
}

// The widest columns give way until the line fits.
static void fit(size_t *widths, size_t n, size_t n_total)
{
    for (;;) {
        size_t sum = 2 * (n - 1), i_widest = 0;
        for (size_t i = 0; i < n; i++) {
            sum += widths[i];
            if (widths[i] > widths[i_widest])
                i_widest = i;
        }
        if (sum <= n_total || widths[i_widest] <= 8)
            return;
        const size_t over = sum - n_total;
        const size_t spare = widths[i_widest] - 8;
        size_t second = 8;
        for (size_t i = 0; i < n; i++)
            if (i != i_widest && widths[i] > second)
                second = widths[i];
        size_t cut = widths[i_widest] > second ? widths[i_widest] - second : 1;
        if (cut > over)
            cut = over;
        widths[i_widest] -= cut < spare ? cut : spare;
    }
}

static void print_row(const struct cli_table *table, const char *const *cells, const size_t *widths)
{
    for (size_t i = 0; i < table->n_columns; i++) {
        const bool is_last = i + 1 == table->n_columns;
        print_cell(cells[i], widths[i], table->is_right[i], is_last);
        (void)fputs(is_last ? "\n" : "  ", stdout);
    }
}

void cli_table_print(struct cli_table *table)
{
    if (table->is_broken) {
        (void)fputs("(the table does not fit into memory)\n", stdout);
        return;
    }
    assert(table->n_cells % table->n_columns == 0);
    size_t widths[CLI_COLUMNS_MAX];
    for (size_t i = 0; i < table->n_columns; i++)
        widths[i] = cli_width(table->heads[i]);
    for (size_t i = 0; i < table->n_cells; i++) {
        const size_t n = cli_width(table->cells[i]);
        if (n > widths[i % table->n_columns])
            widths[i % table->n_columns] = n;
    }
    fit(widths, table->n_columns, terminal_columns(STDOUT_FILENO));
    print_row(table, table->heads, widths);
    for (size_t i = 0; i < table->n_columns; i++) {
        for (size_t k = 0; k < widths[i]; k++)
            (void)fputs("─", stdout);
        (void)fputs(i + 1 == table->n_columns ? "\n" : "  ", stdout);
    }
    for (size_t i = 0; i < table->n_cells; i += table->n_columns)
        print_row(table, table->cells + i, widths);
}

#define JSON_BYTES_MAX ((size_t)1 << 30)

void cli_json_open(struct cli_json *json, const char *schema)
{
    char name[64];
    (void)snprintf(name, sizeof name, "etude.%s/1", schema);
    json->buf = et_buf(JSON_BYTES_MAX);
    json->w = (struct et_json_writer){.buf = &json->buf, .indent = 2};
    et_json_open_map(&json->w);
    et_json_put_text(&json->w, "schema", name);
}

int cli_json_print(struct cli_json *json, const struct cli_args *args)
{
    struct et_err err = {0};
    et_json_close_map(&json->w);
    int code = CLI_DONE;
    if (et_buf_check(&json->buf, "the JSON document", &err) != ET_OK)
        code = cli_fail(args, &err);
    else if (fwrite(json->buf.p, 1, json->buf.n, stdout) != json->buf.n || putchar('\n') == EOF) {
        code = cli_unwritten(args);
    }
    et_buf_free(&json->buf);
    return code;
}

#define SHOW_TERMINAL_NS (ET_NS_PER_S / 10)
#define SHOW_LOG_NS (5 * ET_NS_PER_S)

void cli_progress_open(struct cli_progress *p, const struct cli_args *args, const char *title,
                       const char *unit, int64_t n_total)
{
    const int64_t now = et_clock_monotonic_ns();
    *p = (struct cli_progress){
        .progress = {.title = title, .unit = unit, .n_total = n_total, .t_start_ns = now},
        .t_shown_ns = now,
        .is_terminal = isatty(STDERR_FILENO) == 1,
        .is_off = args->is_quiet,
    };
}

bool cli_progress_show(void *ctx, int64_t n_done, int64_t n_total, int64_t n_bytes)
{
    struct cli_progress *p = ctx;
    const int64_t now = et_clock_monotonic_ns();
    const int64_t wait = p->is_terminal ? SHOW_TERMINAL_NS : SHOW_LOG_NS;
    p->progress.n_total = n_total;
    if (p->is_off || now - p->t_shown_ns < wait)
        return true;
    char text[256];
    et_progress_text(&p->progress, n_done, n_bytes, now, terminal_columns(STDERR_FILENO) - 1, text,
                     sizeof text);
    fprintf(stderr, p->is_terminal ? "\r\033[K%s" : "%s\n", text);
    (void)fflush(stderr);
    p->t_shown_ns = now;
    p->was_shown = true;
    return true;
}

void cli_progress_close(struct cli_progress *p)
{
    if (p->is_terminal && p->was_shown)
        (void)fputs("\r\033[K", stderr);
    p->was_shown = false;
}
