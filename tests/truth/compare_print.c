#include "compare.h"

#include "etude/json.h"

#include <stdio.h>
#include <string.h>

static const char *const MARKS[] = {"", "ok", "NO", "?"};
static const char *const WORDS[] = {"told", "within", "beyond", "unknown"};

size_t truth_table_count(const struct truth_table *table, enum truth_verdict verdict)
{
    size_t n = 0;
    for (size_t i = 0; i < table->n; i++)
        n += table->rows[i].verdict == verdict;
    return n;
}

static void print_sum(const struct truth_table *table)
{
    const size_t n_good = truth_table_count(table, TRUTH_WITHIN),
                 n_bad = truth_table_count(table, TRUTH_BEYOND),
                 n_unknown = truth_table_count(table, TRUTH_UNKNOWN);
    (void)putchar('\n');
    if (n_unknown)
        printf("%zu not measured (?)\n", n_unknown);
    printf("%zu of %zu within limits\n", n_good, n_good + n_bad);
}

/* Where another recording or another section begins. */
static bool is_new(const struct truth_table *table, size_t i, bool of_recording)
{
    if (i == 0)
        return true;
    const struct truth_row *row = &table->rows[i], *before = row - 1;
    return strcmp(row->recording, before->recording) != 0 ||
           (!of_recording && strcmp(row->section, before->section) != 0);
}

void truth_table_print(const struct truth_table *table)
{
    printf("magnitude %d\n", table->magnitude);
    for (size_t i = 0; i < table->n; i++) {
        const struct truth_row *row = &table->rows[i];
        if (is_new(table, i, true))
            printf("\n%-28s %-16s %-24s %s\n", row->recording, "truth", "found", "limit");
        if (is_new(table, i, false))
            printf("%s\n", row->section);
        printf(" %-27.27s %-16s %-24s %-6s %s\n", row->what, row->truth, row->found, row->limit,
               MARKS[row->verdict]);
    }
    print_sum(table);
}

void truth_table_print_markdown(const struct truth_table *table)
{
    char name[64];
    printf("### Magnitude %d\n", table->magnitude);
    for (size_t i = 0; i < table->n; i++) {
        const struct truth_row *row = &table->rows[i];
        if (is_new(table, i, true))
            printf("\n| %-35s | %-16s | %-24s | %-6s |    |\n"
                   "|-------------------------------------|------------------|"
                   "--------------------------|--------|----|\n",
                   row->recording, "truth", "found", "limit");
        if (is_new(table, i, false)) {
            (void)snprintf(name, sizeof name, "**%s**", row->section);
            printf("| %-35s | %-16s | %-24s | %-6s |    |\n", name, "", "", "");
        }
        printf("| %-35.35s | %-16s | %-24s | %-6s | %-2s |\n", row->what, row->truth, row->found,
               row->limit, MARKS[row->verdict]);
    }
    print_sum(table);
}

void truth_table_print_json(const struct truth_table *table)
{
    struct et_buf text = et_buf((size_t)16 << 20);
    struct et_json_writer w = {.buf = &text, .indent = 1};
    et_json_open_map(&w);
    et_json_put_int(&w, "magnitude", table->magnitude);
    et_json_key(&w, "rows");
    et_json_open_list(&w);
    for (size_t i = 0; i < table->n; i++) {
        const struct truth_row *row = &table->rows[i];
        et_json_open_map(&w);
        et_json_put_text(&w, "recording", row->recording);
        et_json_put_text(&w, "section", row->section);
        et_json_put_text(&w, "what", row->what);
        et_json_put_text(&w, "truth", row->truth);
        et_json_put_text(&w, "found", row->found);
        et_json_put_text(&w, "limit", row->limit);
        et_json_put_text(&w, "verdict", WORDS[row->verdict]);
        et_json_close_map(&w);
    }
    et_json_close_list(&w);
    et_json_put_int(&w, "n_within", (int64_t)truth_table_count(table, TRUTH_WITHIN));
    et_json_put_int(&w, "n_beyond", (int64_t)truth_table_count(table, TRUTH_BEYOND));
    et_json_put_int(&w, "n_unknown", (int64_t)truth_table_count(table, TRUTH_UNKNOWN));
    et_json_close_map(&w);
    printf("%s\n", et_buf_text(&text));
    et_buf_free(&text);
}
