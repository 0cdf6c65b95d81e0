/* Benchmarks: medians of several runs, and ratios to a yardstick of the same run, as a table on the
 * screen and as CSV. Machines are noisy: the ratio is the result, absolutes are printed beside it.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "etude/clock.h"
#include "etude/stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BENCH_RUNS 5

struct bench {
    FILE *csv;
};

/* Opens the CSV (path may be NULL) and prints the head of the table. */
static inline struct bench bench_open(const char *path)
{
    struct bench b = {.csv = path ? fopen(path, "w") : NULL};
    if (path && !b.csv) {
        perror(path);
        exit(3);
    }
    if (b.csv)
        (void)fputs("measure,value,unit,yardstick,yardstick_value,ratio,wanted,holds\n", b.csv);
    printf("%-44s %12s %-6s %8s  %s\n", "measure", "median", "", "ratio", "wanted");
    return b;
}

static inline double bench_median(double *values, size_t n)
{
    return et_median_of(values, n);
}

/* One row: a value against a yardstick's in the same unit, and their ratio as it was measured.
 * wanted says what the ratio must be ("<= 1.5", ">= 100"; NULL: nothing), and the last column
 * whether it is. yardstick NULL: there is none. */
static inline void bench_row_of(struct bench *b, const char *measure, double value,
                                const char *unit, const char *yardstick, double yard, double ratio,
                                const char *wanted)
{
    const char *holds = "";
    if (wanted) {
        const double limit = strtod(wanted + 3, NULL);
        holds = (wanted[0] == '<' ? ratio <= limit : ratio >= limit) ? "yes" : "NO";
    }
    if (yardstick)
        printf("%-44s %12.4g %-6s %8.3f  %s %s (%s: %.4g)\n", measure, value, unit, ratio,
               wanted ? wanted : "", holds, yardstick, yard);
    else
        printf("%-44s %12.4g %-6s\n", measure, value, unit);
    if (b->csv)
        fprintf(b->csv, "%s,%.6g,%s,%s,%.6g,%.4f,%s,%s\n", measure, value, unit,
                yardstick ? yardstick : "", yardstick ? yard : 0, ratio, wanted ? wanted : "",
                holds);
}

/* The same of two medians. */
static inline void bench_row(struct bench *b, const char *measure, double value, const char *unit,
                             const char *yardstick, double yard, const char *wanted)
{
    bench_row_of(b, measure, value, unit, yardstick, yard, yardstick ? value / yard : 0, wanted);
}

static inline void bench_close(struct bench *b)
{
    if (b->csv)
        (void)fclose(b->csv);
}

/* A new, empty folder for scratch files; the caller's to remove. */
static inline void bench_folder(char *path, size_t n_path)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(path, n_path, "%s/etude-bench-XXXXXX", base ? base : "/var/tmp");
    if (!mkdtemp(path)) {
        perror(path);
        exit(3);
    }
}

/* Largest memory this process held, in MB (VmHWM). */
static inline double bench_peak_mb(void)
{
    char line[256];
    double kb = 0;
    FILE *f = fopen("/proc/self/status", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "VmHWM:", 6) == 0)
            kb = strtod(line + 6, NULL);
    if (f)
        (void)fclose(f);
    return kb / 1024;
}

#endif
