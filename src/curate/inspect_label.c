#include "curate/curate__inspect.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>

enum { SIDE_SHARE, WORDS_MIN };

static const struct et_inspect_param PARAMS[] = {
    [SIDE_SHARE] =
        {"side_share", 0.2, "fraction",
         "the arm that the words name must move at least this much of what the other does"},
    [WORDS_MIN] = {"words_min", 2, "words", "an instruction of fewer words says too little"},
    {0},
};

// Words that stand where an instruction was forgotten. Whole texts, in lower case.
static const char *const PLACEHOLDERS[] = {
    "task",
    "tasks",
    "valid",
    "invalid",
    "dummy",
    "test",
    "testing",
    "todo",
    "tbd",
    "none",
    "null",
    "nan",
    "n/a",
    "na",
    "default",
    "unknown",
    "untitled",
    "unnamed",
    "example",
    "instruction",
    "description",
    "placeholder",
    "string",
    "description here",
    "do something",
    "your task",
    "your task here",
    "task description",
    "language instruction",
    "no task",
    "asdf",
    "xxx",
    "foo",
};

/* One instruction that is looked at. */
struct label {
    const char *text;
    struct et_str trimmed;
};

static enum et_status add(struct et__look *look, enum et_severity severity, const char *what,
                          const char *text, struct et_err *err)
{
    const struct et_finding finding = et__finding(look->kind, severity, NULL);
    return et_findings_add(look->findings, &finding, err, "the instruction \"%.200s\" %s", text,
                           what);
}

static bool has_control(struct et_str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
            return true;
    return false;
}

static bool equals_ignoring_case(struct et_str text, const char *lower)
{
    if (text.n != strlen(lower))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (tolower((unsigned char)text.p[i]) != lower[i])
            return false;
    return true;
}

static bool is_placeholder(struct et_str text)
{
    // "task 3", "task_3", "3": a word and a number, or a number alone.
    size_t n = text.n;
    while (n > 0 && (isdigit((unsigned char)text.p[n - 1]) || strchr("_-# ", text.p[n - 1])))
        n--;
    const struct et_str head = {text.p, n};
    if (n == 0)
        return true;
    for (size_t i = 0; i < sizeof PLACEHOLDERS / sizeof *PLACEHOLDERS; i++)
        if (equals_ignoring_case(head, PLACEHOLDERS[i]))
            return true;
    return false;
}

// Words divided by white space. A text that is not ASCII (Chinese, say) has no such words.
static size_t count_words(struct et_str text)
{
    size_t n = 0;
    bool is_in_word = false;
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] >= 0x80)
            return SIZE_MAX;
        const bool is_space = isspace((unsigned char)text.p[i]);
        n += !is_space && !is_in_word;
        is_in_word = !is_space;
    }
    return n;
}

static enum et_status check_form(struct et__look *look, const struct label *label,
                                 struct et_err *err)
{
    const struct et_str whole = et_str(label->text);
    if (label->trimmed.n == 0)
        return add(look, ET_SEVERITY_WARN, "is empty", "", err);
    if (!et_str_is_utf8(whole))
        return add(look, ET_SEVERITY_ERROR, "is not UTF-8", "", err);
    if (is_placeholder(label->trimmed))
        return add(look, ET_SEVERITY_WARN, "is a placeholder, it names no task", label->text, err);
    if (has_control(whole))
        return add(look, ET_SEVERITY_WARN, "holds control characters or line ends", label->text,
                   err);
    if (label->trimmed.n != whole.n)
        return add(look, ET_SEVERITY_WARN,
                   "begins or ends with spaces: it counts as another task than without",
                   label->text, err);
    if ((double)count_words(label->trimmed) < look->params[WORDS_MIN])
        return add(look, ET_SEVERITY_INFO, "has too few words to say what is to be done",
                   label->text, err);
    return ET_OK;
}

/* ---- the arm that the words name ---- */

static bool is_word_at(struct et_str text, size_t at, const char *word)
{
    const size_t n = strlen(word);
    if (at + n > text.n || (at > 0 && isalpha((unsigned char)text.p[at - 1])))
        return false;
    for (size_t i = 0; i < n; i++)
        if (tolower((unsigned char)text.p[at + i]) != word[i])
            return false;
    return at + n == text.n || !isalpha((unsigned char)text.p[at + n]);
}

/* True when the text speaks of the hand or arm of a side ("left hand", "left gripper"); "turn left"
 * and "the left cup" are about the world, not about the robot. */
static bool names_side(struct et_str text, const char *side)
{
    static const char *const LIMBS[] = {"arm", "hand", "gripper", "palm", "fist"};
    const size_t n = strlen(side);
    for (size_t i = 0; i + n < text.n; i++) {
        if (!is_word_at(text, i, side))
            continue;
        size_t next = i + n;
        while (next < text.n && (text.p[next] == ' ' || text.p[next] == '-'))
            next++;
        for (size_t l = 0; l < sizeof LIMBS / sizeof *LIMBS; l++)
            if (is_word_at(text, next, LIMBS[l]))
                return true;
    }
    return false;
}

/* How far an arm travels: the sum over its joints of what they move, in steps of 0.1 s so that
 * noise does not count as a way. */
static double travel_of(const struct et__look *look, const char *stream)
{
    const struct et_track *track = et_episode_track(look->episode, stream);
    if (!track)
        return (double)NAN;
    const size_t step = et__samples(look->episode, track, 0.1), width = track->stream.n_values;
    double travel = 0;
    for (size_t k = step; k < track->n_samples; k += step)
        for (size_t i = 0; i < width; i++) {
            const double move =
                fabs(track->values[k * width + i] - track->values[(k - step) * width + i]);
            if (move > 1e-3)
                travel += move;
        }
    return travel;
}

static enum et_status check_side(struct et__look *look, const struct label *label,
                                 struct et_err *err)
{
    const bool is_left = names_side(label->trimmed, "left");
    const bool is_right = names_side(label->trimmed, "right");
    if (is_left == is_right)
        return ET_OK;
    const double left = travel_of(look, "left_arm.position");
    const double right = travel_of(look, "right_arm.position");
    const double named = is_left ? left : right, other = is_left ? right : left;
    if (!(other > 0.5) || !(named < look->params[SIDE_SHARE] * other))
        return ET_OK;

    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
    finding.value = named / other;
    finding.threshold = look->params[SIDE_SHARE];
    finding.unit = "fraction";
    return et_findings_add(look->findings, &finding, err,
                           "the instruction \"%.200s\" names the %s arm, but it is the %s arm that "
                           "moves (%.1f against %.1f rad of joint travel)",
                           label->text, is_left ? "left" : "right", is_left ? "right" : "left",
                           named, other);
}

static enum et_status inspect(struct et__look *look, struct et_err *err)
{
    const struct et_episode *episode = look->episode;
    enum et_status st = ET_OK;
    if (episode->n_tasks == 0) {
        const struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
        return et_findings_add(look->findings, &finding, err, "the episode has no instruction");
    }
    for (size_t i = 0; i < episode->n_tasks && st == ET_OK; i++) {
        const char *text = episode->tasks[i] ? episode->tasks[i] : "";
        const struct label label = {text, et_str_trim(et_str(text))};
        st = check_form(look, &label, err);
        if (st == ET_OK)
            st = check_side(look, &label, err);
    }
    return st;
}

const struct et__inspector et__inspect_label = {
    .about = {"label",
              "instructions that are empty, malformed, placeholders, or name the wrong arm",
              ET_INSPECT_EPISODE, PARAMS},
    .episode = inspect,
};
