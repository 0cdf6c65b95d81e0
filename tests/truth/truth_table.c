/* Shows what curate found in truth recordings, beside what is true; see doc/truth-recordings.md.
 *
 *     truth_table TRUTH_FOLDER EPISODES [--json | --markdown]
 *
 * Ends with 0 when all that is held against a limit is within it, else with 1. */
#include "compare.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES_MAX ((size_t)4 << 30)

int main(int argc, char **argv)
{
    const char *folders[2] = {NULL, NULL};
    int n_folders = 0;
    void (*print)(const struct truth_table *) = truth_table_print;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0)
            print = truth_table_print_json;
        else if (strcmp(argv[i], "--markdown") == 0)
            print = truth_table_print_markdown;
        else if (argv[i][0] != '-' && n_folders < 2)
            folders[n_folders++] = argv[i];
        else
            n_folders = 3;
    }
    if (n_folders != 2) {
        fputs("usage: truth_table TRUTH_FOLDER EPISODES [--json | --markdown]\n", stderr);
        return 2;
    }
    struct et_arena *arena = NULL;
    struct et_err err = {0};
    struct truth_table *table = calloc(1, sizeof *table);
    enum et_status st = et_arena_open(&arena, ARENA_BYTES_MAX, &err);
    if (st == ET_OK && table)
        st = truth_compare(folders[0], folders[1], arena, table, &err);
    if (st != ET_OK || !table)
        fprintf(stderr, "truth_table: %s\n", table ? err.text : "no memory");
    else
        print(table);
    const bool is_fine = st == ET_OK && table && truth_table_count(table, TRUTH_BEYOND) == 0;
    et_arena_close(arena);
    const bool has_answer = st == ET_OK && table;
    free(table);
    return !has_answer ? 3 : is_fine ? 0 : 1;
}
