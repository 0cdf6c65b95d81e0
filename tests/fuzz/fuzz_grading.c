/* Whatever a grading's file holds, it loads or says why not; and what loads can grade. */
#include "etude/grading.h"

#include "../support.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct et_finding findings[] = {
        {.kind = "jump", .severity = ET_SEVERITY_WARN, .value = 0.5, .unit = "rad", .text = "a"},
        {.kind = "label", .severity = ET_SEVERITY_ERROR, .value = -1, .unit = "", .text = "b"},
    };
    const char *path = temp_path("fuzz.yaml");
    const struct et_grading *grading = NULL;
    struct et_arena *arena = NULL;
    struct et_grade grade;
    struct et_err err = {0};

    write_file(path, data, n);
    if (et_arena_open(&arena, (size_t)16 << 20, &err) != ET_OK)
        abort();
    const enum et_status st = et_grading_load(path, arena, &grading, &err);
    if (st == ET_OK) {
        if (et_grading_apply(grading, findings, 2, arena, &grade, &err) == ET_OK &&
            (grade.n_findings > 2 || !grade.reason))
            abort();
    } else if (st != ET_ECORRUPT && st != ET_ELIMIT) {
        abort();
    }
    et_arena_close(arena);
    return 0;
}
