#include "curate/curate__inspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct et_inspect_param PARAMS[] = {{0}};

// Episodes of a group that are named one by one.
#define NAMED_MAX 12

struct entry {
    uint64_t hash;
    int64_t index;
    uint64_t content_hash;
};

static int compare(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static enum et_status report(struct et__set_look *look, const struct entry *group, size_t n,
                             bool is_content, struct et_err *err)
{
    char list[NAMED_MAX * 22 + 40];
    size_t used = 0;
    for (size_t i = 0; i < n && i < NAMED_MAX; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%" PRId64, i ? ", " : "",
                                 group[i].index);
    if (n > NAMED_MAX)
        (void)snprintf(list + used, sizeof list - used, " and %zu more", n - NAMED_MAX);

    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
    finding.value = (double)n;
    finding.threshold = 1;
    finding.unit = "episodes";
    return et_findings_add(look->findings, &finding, err, "episodes %s %s", list,
                           is_content ? "hold the same numbers, value for value"
                                      : "hold the same commands but other measurements: a replay");
}

static bool is_same_content(const struct entry *group, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (group[i].content_hash != group[0].content_hash)
            return false;
    return true;
}

/* Groups of equal hash. Groups of commands whose content is the same too are left to the other
 * call. */
static enum et_status report_groups(struct et__set_look *look, struct entry *entries, size_t n,
                                    bool is_content, struct et_err *err)
{
    enum et_status st = ET_OK;
    qsort(entries, n, sizeof *entries, compare);
    for (size_t first = 0, last = 0; first < n && st == ET_OK; first = last) {
        for (last = first + 1; last < n && entries[last].hash == entries[first].hash;)
            last++;
        if (last - first < 2 || (!is_content && is_same_content(&entries[first], last - first)))
            continue;
        st = report(look, &entries[first], last - first, is_content, err);
    }
    return st;
}

static enum et_status inspect(struct et__set_look *look, struct et_err *err)
{
    struct et_arena *arena = look->findings->arena;
    struct entry *entries = et_arena_array(arena, look->n_digests, sizeof *entries);
    enum et_status st = ET_OK;
    if (!entries)
        return et_arena_fail(arena, "the episodes' hashes", err);

    for (int is_content = 1; is_content >= 0 && st == ET_OK; is_content--) {
        size_t n = 0;
        for (size_t i = 0; i < look->n_digests; i++) {
            const struct et_episode_digest *d = &look->digests[i];
            const uint64_t hash = is_content ? d->content_hash : d->command_hash;
            if (d->n_rows > 0 && hash != 0)
                entries[n++] = (struct entry){hash, d->index, d->content_hash};
        }
        st = report_groups(look, entries, n, is_content, err);
    }
    return st;
}

const struct et__inspector et__inspect_duplicate = {
    .about = {"duplicate", "episodes that are the same, or the same commands again", ET_INSPECT_SET,
              PARAMS},
    .set = inspect,
};
