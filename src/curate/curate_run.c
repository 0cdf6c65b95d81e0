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
                                          const struct et_cut *cut, size_t i, const char **word,
                                          const char **why)
{
    static const char *const VERDICTS[] = {"success", "failure", "discard", "interrupted", NULL};
    const struct et_mark *found = NULL;
    const int64_t t_first_ns = cut->episodes[i].t_begin_ns;
    const int64_t t_end_ns = i + 1 < cut->n_episodes ? cut->episodes[i + 1].t_begin_ns : INT64_MAX;
    for (size_t k = 0; k < aligned->n_marks; k++) {
        const struct et_mark *mark = &aligned->marks[k];
        const char *label = "";
        if (mark->t_ns < t_first_ns || mark->t_ns >= t_end_ns ||
            (found && mark->t_ns < found->t_ns))
            continue;
        const char *verdict = NULL;
        for (size_t v = 0; VERDICTS[v] && !verdict; v++)
            verdict = et__cut_says(mark->text, VERDICTS[v], &label) ? VERDICTS[v] : NULL;
        if (!verdict)
            continue;
        found = mark;
        *word = verdict;
        *why = label;
    }
    return found;
}

// Told up to a second after they were lost.
#define LOSS_TOLD_NS INT64_C(1100000000)

enum et_status et__run_losses(const struct et__aligned *aligned, int64_t t_first_ns,
                              int64_t t_last_ns, struct et_arena *arena, struct et_episode *episode,
                              struct et_err *err)
{
    struct et_loss *losses = et_arena_array(arena, aligned->n_marks, sizeof *losses);
    size_t n = 0;
    if (!losses)
        return et_arena_fail(arena, "what was lost", err);
    for (size_t i = 0; i < aligned->n_marks; i++) {
        const struct et_mark *mark = &aligned->marks[i];
        const char *text = "";
        const bool is_dropped = et__cut_says(mark->text, "dropped", &text);
        if ((is_dropped || et__cut_says(mark->text, "lost", &text)) && mark->t_ns >= t_first_ns &&
            mark->t_ns <= t_last_ns + LOSS_TOLD_NS)
            losses[n++] = (struct et_loss){mark->t_ns, is_dropped, text};
    }
    episode->losses = losses;
    episode->n_losses = n;
    return ET_OK;
}

void et__run_facts(const struct et__aligned *aligned, struct et_episode_facts *facts)
{
    const struct et_recording_info *info = aligned->info;
    facts->trainer = run_says(info, "trainer");
    facts->station = run_says(info, "station");
    facts->scenario = run_says(info, "scenario");
    facts->skill = run_says(info, "skill");
}

// A live recorder, or a disk, ended in the midst of the episode: nobody was there to judge it.
static bool is_broken_off(const struct et__aligned *aligned, const struct et_cut *cut, size_t i)
{
    return cut->by == ET_CUT_MARKS && i + 1 == cut->n_episodes && cut->episodes[i].was_cut &&
           run_says(aligned->info, "run");
}

enum et_status et__run_outcome(const struct et__aligned *aligned, const struct et_cut *cut,
                               size_t i, struct et_arena *arena, const char **outcome,
                               struct et_err *err)
{
    const char *word = NULL, *why = "";
    *outcome = cut->n_episodes == 1 ? run_says(aligned->info, "outcome") : NULL;
    if (run_says(aligned->info, "discarded_by"))
        *outcome = "discard";
    if (*outcome)
        return ET_OK;
    if (!judging_mark(aligned, cut, i, &word, &why)) {
        *outcome = is_broken_off(aligned, cut, i) ? "interrupted" : NULL;
        return ET_OK;
    }
    *outcome =
        why[0] && strcmp(word, "success") != 0 ? et_arena_printf(arena, "%s: %s", word, why) : word;
    return *outcome ? ET_OK : et_arena_fail(arena, "an episode's outcome", err);
}
