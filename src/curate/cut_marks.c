/* Pieces by what people and recorders said: marks and spans. */
#include "curate/curate__cut.h"

#include <stdlib.h>

enum role { ROLE_NONE = 0, ROLE_BEGIN = 1, ROLE_END = 2, ROLE_BOTH = 3 };

static const char *const BEGIN_WORDS[] = {"episode.begin", "begin", "start", NULL};
static const char *const END_WORDS[] = {"episode.end", "end", "stop", NULL};

// Words that are told again and again while they hold (a Bool topic): a repetition is no new mark.
static const char *const STATE_WORDS[] = {"0", "1", "true", "false", "on", "off", NULL};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool et__cut_says(const char *text, const char *word, const char **label)
{
    size_t k = 0;
    while (*text == ' ' || *text == '\t')
        text++;
    for (; word[k]; k++)
        if (lower(text[k]) != lower(word[k]))
            return false;
    const char *rest = text + k;
    if (k == 0 || (*rest && !strchr(" \t\r\n:", *rest)))
        return false;
    *label = rest + strspn(rest, " \t\r\n:");
    return true;
}

static bool says_any(const char *text, const char *own, const char *const *words,
                     const char **label)
{
    if (own)
        return et__cut_says(text, own, label);
    for (size_t i = 0; words[i]; i++)
        if (et__cut_says(text, words[i], label))
            return true;
    return false;
}

struct told {
    int64_t t_ns;
    size_t i; // in the order of the input
    enum role role;
    const char *label;
};

static int compare_told(const void *a, const void *b)
{
    const struct told *x = a, *y = b;
    if (x->t_ns != y->t_ns)
        return x->t_ns < y->t_ns ? -1 : 1;
    return (x->i > y->i) - (x->i < y->i);
}

/* The marks that mean something, in the order of time. */
static enum et_status sort_marks(struct et__cutting *cutting, struct told **told, size_t *n_told,
                                 struct et_err *err)
{
    const struct et_cut_input *input = cutting->input;
    const struct et_cut_options *options = &cutting->options;
    struct told *all = et_arena_array(cutting->scratch, input->n_marks, sizeof *all);
    if (!all)
        return et_arena_fail(cutting->scratch, "the recording's marks", err);
    *n_told = 0;
    for (size_t i = 0; i < input->n_marks; i++) {
        const char *text = input->marks[i].text, *label = "", *ignored;
        unsigned role = ROLE_NONE;
        if (!text)
            continue;
        if (says_any(text, options->end, END_WORDS, &ignored))
            role |= ROLE_END;
        if (says_any(text, options->begin, BEGIN_WORDS, &label))
            role |= ROLE_BEGIN;
        if (role != ROLE_NONE)
            all[(*n_told)++] = (struct told){input->marks[i].t_ns, i, (enum role)role, label};
    }
    qsort(all, *n_told, sizeof *all, compare_told);
    *told = all;
    return ET_OK;
}

static bool is_state(const char *word)
{
    const char *label;
    return word && says_any(word, NULL, STATE_WORDS, &label) && !*label;
}

/* Marks as they are gone through. */
struct walk {
    struct et__cutting *cutting;
    bool is_open, are_states;
    bool has_begins, has_ends;
    int64_t t_open_ns;
    const char *label;
};

static double at_s(const struct walk *walk, int64_t t_ns)
{
    return et__cut_s(walk->cutting->input->t_first_ns, t_ns);
}

static enum et_status begin(struct walk *walk, const struct told *told, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (walk->is_open && walk->are_states)
        return ET_OK;
    if (walk->is_open) {
        st = et__cut_add(walk->cutting, walk->t_open_ns, told->t_ns, walk->label, walk->has_ends,
                         err);
        if (st == ET_OK && walk->has_ends)
            st = et__cut_remark(walk->cutting, err,
                                "two begins, at %.3f s and %.3f s, without an end between them: "
                                "the first episode is cut off at the second",
                                at_s(walk, walk->t_open_ns), at_s(walk, told->t_ns));
    }
    walk->is_open = true;
    walk->t_open_ns = told->t_ns;
    walk->label = told->label;
    return st;
}

static enum et_status end(struct walk *walk, const struct told *told, struct et_err *err)
{
    enum et_status st = ET_OK;
    if (walk->is_open)
        st = et__cut_add(walk->cutting, walk->t_open_ns, told->t_ns, walk->label, false, err);
    else if (!walk->are_states)
        st = et__cut_remark(walk->cutting, err, "an end at %.3f s has no begin before it",
                            at_s(walk, told->t_ns));
    // Where nobody says "begin", what follows an end is the next one.
    walk->is_open = !walk->has_begins;
    walk->t_open_ns = told->t_ns;
    walk->label = "";
    return st;
}

static enum et_status close(struct walk *walk, struct et_err *err)
{
    const int64_t t_last_ns = walk->cutting->input->t_last_ns;
    if (!walk->is_open || !walk->has_begins)
        return ET_OK;
    enum et_status st =
        et__cut_add(walk->cutting, walk->t_open_ns, t_last_ns, walk->label, true, err);
    if (st == ET_OK && walk->has_ends)
        st = et__cut_remark(walk->cutting, err,
                            "the begin at %.3f s has no end: the recording ends first",
                            at_s(walk, walk->t_open_ns));
    return st;
}

static enum et_status walk_marks(struct walk *walk, const struct told *told, size_t n,
                                 struct et_err *err)
{
    enum et_status st = ET_OK;
    if (!walk->has_ends)
        st = et__cut_remark(walk->cutting, err,
                            "no mark says end: every episode lasts until the next begin");
    if (!walk->has_begins) {
        st = et__cut_remark(walk->cutting, err,
                            "no mark says begin: every episode begins where the one before ended");
        walk->is_open = true;
        walk->t_open_ns = walk->cutting->input->t_first_ns;
    }
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        const bool ends = told[i].role == ROLE_END || (told[i].role == ROLE_BOTH && walk->is_open);
        st = ends ? end(walk, &told[i], err) : begin(walk, &told[i], err);
    }
    return st == ET_OK ? close(walk, err) : st;
}

enum et_status et__cut_by_marks(struct et__cutting *cutting, struct et_err *err)
{
    struct told *told = NULL;
    size_t n = 0;
    struct walk walk = {.cutting = cutting, .label = ""};
    enum et_status st = sort_marks(cutting, &told, &n, err);
    if (st != ET_OK || n == 0)
        return st;

    walk.are_states = is_state(cutting->options.begin) || is_state(cutting->options.end);
    for (size_t i = 0; i < n; i++) {
        walk.has_begins |= (told[i].role & ROLE_BEGIN) != 0;
        walk.has_ends |= (told[i].role & ROLE_END) != 0;
    }
    st = et__cut_room(cutting, (uint64_t)n + 1, err);
    return st == ET_OK ? walk_marks(&walk, told, n, err) : st;
}

/* ---- phases ---- */

static const char *const PHASE_WORDS[] = {"phase", NULL};
static const char *const OVER_WORDS[] = {"success", "failure", NULL};

/* The marks that begin a phase, and those that end one without another, in the order of time. */
static struct told *sort_phases(struct et__cutting *cutting, size_t *n_told)
{
    const struct et_cut_input *input = cutting->input;
    const struct et_cut_options *options = &cutting->options;
    struct told *all = et_arena_array(cutting->scratch, input->n_marks, sizeof *all);
    *n_told = 0;
    for (size_t i = 0; i < input->n_marks && all; i++) {
        const char *text = input->marks[i].text, *label = "", *ignored;
        if (!text)
            continue;
        const bool is_phase = says_any(text, NULL, PHASE_WORDS, &label);
        const bool ends = says_any(text, options->end, END_WORDS, &ignored) &&
                          !says_any(text, options->begin, BEGIN_WORDS, &ignored);
        if (is_phase || ends || says_any(text, NULL, OVER_WORDS, &ignored))
            all[(*n_told)++] =
                (struct told){input->marks[i].t_ns, i, is_phase ? ROLE_BEGIN : ROLE_END, label};
    }
    if (all)
        qsort(all, *n_told, sizeof *all, compare_told);
    return all;
}

enum et_status et__cut_phases(struct et__cutting *cutting, struct et_span **spans, size_t *n_spans,
                              struct et_err *err)
{
    size_t n_told, n = 0;
    const struct told *told = sort_phases(cutting, &n_told);
    struct et_span *phases = et_arena_array(cutting->scratch, n_told, sizeof *phases);
    if (!told || !phases)
        return et_arena_fail(cutting->scratch, "the recording's phases", err);
    for (size_t i = 0; i < n_told; i++) {
        const int64_t t_last_ns = i + 1 < n_told ? told[i + 1].t_ns : cutting->input->t_last_ns;
        if (told[i].role == ROLE_BEGIN && t_last_ns > told[i].t_ns)
            phases[n++] = (struct et_span){.name = told[i].label[0] ? told[i].label : NULL,
                                           .t_first_ns = told[i].t_ns,
                                           .t_last_ns = t_last_ns};
    }
    *spans = phases;
    *n_spans = n;
    return ET_OK;
}

/* ---- spans ---- */

static int compare_spans(const void *a, const void *b)
{
    const struct et_span *x = a, *y = b;
    if (x->t_first_ns != y->t_first_ns)
        return x->t_first_ns < y->t_first_ns ? -1 : 1;
    return (x->t_last_ns > y->t_last_ns) - (x->t_last_ns < y->t_last_ns);
}

enum et_status et__cut_sorted_spans(const struct et_cut_input *input, bool episodes,
                                    struct et_arena *scratch, struct et_span **spans,
                                    size_t *n_spans, size_t *n_bad, size_t *n_over,
                                    struct et_err *err)
{
    struct et_span *all = et_arena_array(scratch, input->n_spans, sizeof *all);
    size_t n = 0, kept = 0;
    if (!all)
        return et_arena_fail(scratch, "the recording's spans", err);
    *n_bad = *n_over = 0;
    for (size_t i = 0; i < input->n_spans; i++) {
        if (input->spans[i].is_episode != episodes)
            continue;
        all[n] = input->spans[i];
        if (all[n].t_last_ns > all[n].t_first_ns)
            n++;
        else
            ++*n_bad;
    }
    qsort(all, n, sizeof *all, compare_spans);
    for (size_t i = 0; i < n; i++) {
        struct et_span span = all[i];
        if (kept > 0 && span.t_first_ns < all[kept - 1].t_last_ns) {
            ++*n_over;
            span.t_first_ns = all[kept - 1].t_last_ns;
        }
        if (span.t_last_ns > span.t_first_ns)
            all[kept++] = span;
    }
    *spans = all;
    *n_spans = kept;
    return ET_OK;
}

enum et_status et__cut_by_spans(struct et__cutting *cutting, struct et_err *err)
{
    struct et_span *spans = NULL;
    size_t n = 0, n_bad = 0, n_over = 0;
    enum et_status st = et__cut_sorted_spans(cutting->input, true, cutting->scratch, &spans, &n,
                                             &n_bad, &n_over, err);
    if (st == ET_OK && n_bad > 0)
        st = et__cut_remark(cutting, err, "%zu of the recording's spans have no length", n_bad);
    if (st == ET_OK && n_over > 0)
        st = et__cut_remark(cutting, err,
                            "%zu of the recording's spans begin before the one before has ended: "
                            "they are cut there",
                            n_over);
    if (st == ET_OK)
        st = et__cut_room(cutting, n, err);
    for (size_t i = 0; i < n && st == ET_OK; i++)
        st = et__cut_add(cutting, spans[i].t_first_ns, spans[i].t_last_ns, spans[i].name, false,
                         err);
    return st;
}

/* ---- named segments ---- */

static bool lies_in(const struct et_span *span, const struct et_cut_episode *episode)
{
    return span->t_first_ns < episode->t_last_ns && span->t_last_ns > episode->t_first_ns;
}

enum et_status et__cut_named_segments(const struct et_span *spans, size_t n_spans,
                                      struct et_arena *arena, struct et_cut_episode *episode,
                                      size_t *next, struct et_err *err)
{
    size_t first = *next, end, n = 0;
    while (first < n_spans && spans[first].t_last_ns <= episode->t_first_ns)
        first++;
    for (end = first; end < n_spans && lies_in(&spans[end], episode);)
        end++;
    *next = first;
    if (end == first)
        return ET_OK;

    struct et_segment *segments = et_arena_array(arena, 2 * (end - first) + 1, sizeof *segments);
    if (!segments)
        return et_arena_fail(arena, "an episode's segments", err);
    int64_t t_ns = episode->t_first_ns;
    for (size_t i = first; i < end; i++) {
        const struct et_span *span = &spans[i];
        const int64_t t_last_ns =
            span->t_last_ns < episode->t_last_ns ? span->t_last_ns : episode->t_last_ns;
        if (span->t_first_ns > t_ns) {
            segments[n++] = (struct et_segment){"unnamed", t_ns, span->t_first_ns};
            t_ns = span->t_first_ns;
        }
        segments[n++] = (struct et_segment){span->name ? span->name : "unnamed", t_ns, t_last_ns};
        t_ns = t_last_ns;
    }
    if (t_ns < episode->t_last_ns)
        segments[n++] = (struct et_segment){"unnamed", t_ns, episode->t_last_ns};
    episode->segments = segments;
    episode->n_segments = n;
    return ET_OK;
}
