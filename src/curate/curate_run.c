/* What a recording says of its run, beside what was measured. */
#include "curate/curate__align.h"
#include "curate/curate__cut.h"

#define RUN_PREFIX "etude.run."

static const char *run_says(const struct et_recording_info *info, const char *key)
{
    const size_t n = sizeof RUN_PREFIX - 1;
    for (size_t i = 0; i < info->n_metadata; i++) {
        const struct et_pair *pair = &info->metadata[i];
        if (strncmp(pair->key, RUN_PREFIX, n) == 0 && strcmp(pair->key + n, key) == 0 &&
            pair->value[0])
            return pair->value;
    }
    return NULL;
}

/* The last mark from the episode's begin to the next one's that says how it went; it may come
 * behind the end. NULL: none does. */
static const struct et_mark *judging_mark(const struct et__aligned *aligned,
                                          const struct et_cut *cut, size_t i, bool *is_success,
                                          const char **why)
{
    const struct et_mark *found = NULL;
    const int64_t t_first_ns = cut->episodes[i].t_begin_ns;
    const int64_t t_end_ns = i + 1 < cut->n_episodes ? cut->episodes[i + 1].t_begin_ns : INT64_MAX;
    for (size_t k = 0; k < aligned->n_marks; k++) {
        const struct et_mark *mark = &aligned->marks[k];
        const char *label = "";
        if (mark->t_ns < t_first_ns || mark->t_ns >= t_end_ns ||
            (found && mark->t_ns < found->t_ns))
            continue;
        const bool succeeds = et__cut_says(mark->text, "success", &label);
        if (!succeeds && !et__cut_says(mark->text, "failure", &label))
            continue;
        found = mark;
        *is_success = succeeds;
        *why = label;
    }
    return found;
}

void et__run_facts(const struct et__aligned *aligned, struct et_episode_facts *facts)
{
    const struct et_recording_info *info = aligned->info;
    facts->trainer = run_says(info, "trainer");
    facts->station = run_says(info, "station");
    facts->scenario = run_says(info, "scenario");
    facts->skill = run_says(info, "skill");
}

enum et_status et__run_outcome(const struct et__aligned *aligned, const struct et_cut *cut,
                               size_t i, struct et_arena *arena, const char **outcome,
                               struct et_err *err)
{
    bool is_success = false;
    const char *why = "";
    *outcome = cut->n_episodes == 1 ? run_says(aligned->info, "outcome") : NULL;
    if (*outcome || !judging_mark(aligned, cut, i, &is_success, &why))
        return ET_OK;
    if (is_success || !why[0])
        *outcome = is_success ? "success" : "failure";
    else if (!(*outcome = et_arena_printf(arena, "failure: %s", why)))
        return et_arena_fail(arena, "an episode's outcome", err);
    return ET_OK;
}
