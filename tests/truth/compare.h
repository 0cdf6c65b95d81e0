/* Compare: what curate found in truth recordings, beside what is true of them.
 *
 * Samples are matched to the file of true times by their arrival, which no two messages of a topic
 * share. From every time and every lag the one constant is taken away that nobody can know: the
 * least delay of the link, as the truth has it.
 *
 * Memory:  rows live in the caller's arena. */
#ifndef TESTS_COMPARE_H
#define TESTS_COMPARE_H

#include "etude/arena.h"

enum truth_verdict {
    TRUTH_TOLD,    // shown, not held against a limit
    TRUTH_WITHIN,  // within its limit
    TRUTH_BEYOND,  // not
    TRUTH_UNKNOWN, // nothing was measured
};

struct truth_row {
    const char *recording, *section; // "kuavo.bag", "clocks"
    char what[64], truth[48], found[64], limit[32];
    enum truth_verdict verdict;
};

#define TRUTH_ROWS_MAX 1024
struct truth_table {
    struct truth_row rows[TRUTH_ROWS_MAX];
    size_t n;
    int magnitude;
};

/* Every <name>.truth.json in `folder` that has episodes in `episodes`. ET_ENOTFOUND: none has. */
ET_MUST_USE enum et_status truth_compare(const char *folder, const char *episodes,
                                         struct et_arena *arena, struct truth_table *table,
                                         struct et_err *err);

/* As text of 80 columns, and as Markdown of 100, both with the count at the end; as JSON. */
void truth_table_print(const struct truth_table *table);
void truth_table_print_markdown(const struct truth_table *table);
void truth_table_print_json(const struct truth_table *table);

/* Rows with a verdict. */
size_t truth_table_count(const struct truth_table *table, enum truth_verdict verdict);

#endif
