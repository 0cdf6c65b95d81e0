#include "curate/curate__inspect.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

enum { TASKS_MAX };

static const struct et_inspect_param PARAMS[] = {
    [TASKS_MAX] =
        {"tasks_max", 5000, "tasks",
         "in a set with more instructions than this only the same words are searched for"},
    {0},
};

// Two spellings are compared letter by letter in words of at least this length.
#define WORD_MIN 5
#define WORD_MAX 40
#define REPORTED_MAX 20

/* An instruction and its bare form: lower case, words divided by one space, no punctuation. */
struct task {
    const char *text;
    struct et_str bare;
    size_t n_words;
};

static bool is_letter(unsigned char c)
{
    return c >= 0x80 || isalnum(c);
}

/* Appends a byte of the text to its bare form, of which `used` bytes are written; returns how many
 * then are. */
static size_t put_bare(unsigned char c, char *bare, size_t used)
{
    const bool is_after_word = used > 0 && bare[used - 1] != ' ';
    if (is_letter(c))
        bare[used++] = (char)tolower(c);
    else if (is_after_word && c != '\'')
        bare[used++] = ' ';
    return used;
}

static bool make_bare(struct task *task, struct et_arena *arena)
{
    const size_t n = strlen(task->text);
    char *bare = et_arena_array(arena, n + 1, 1);
    size_t used = 0;
    if (!bare)
        return false;
    for (size_t i = 0; i < n; i++)
        used = put_bare((unsigned char)task->text[i], bare, used);
    if (used > 0 && bare[used - 1] == ' ')
        used--;
    task->bare = (struct et_str){bare, used};
    for (size_t i = 0; i < used; i++)
        task->n_words += i == 0 || bare[i - 1] == ' ';
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct task *x = a, *y = b;
    const int by_bare = et_str_cmp(x->bare, y->bare);
    return by_bare ? by_bare : strcmp(x->text, y->text);
}

static bool has_digit(struct et_str word)
{
    for (size_t i = 0; i < word.n; i++)
        if (isdigit((unsigned char)word.p[i]))
            return true;
    return false;
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    const size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Edits that turn one word into the other (Levenshtein), words of at most WORD_MAX bytes. */
static size_t edits_between(struct et_str a, struct et_str b)
{
    size_t row[WORD_MAX + 1];
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            const size_t above = row[j];
            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a.p[i - 1] != b.p[j - 1]));
            diagonal = above;
        }
    }
    return row[b.n];
}

/* A misspelling: one letter of a long word differs. Short words and numbers that differ ("cup",
 * "cap", "2", "3") are more likely meant. */
static bool is_misspelling(struct et_str a, struct et_str b)
{
    const size_t shorter = a.n < b.n ? a.n : b.n, longer = a.n < b.n ? b.n : a.n;
    if (shorter < WORD_MIN || longer > WORD_MAX || longer - shorter > 1)
        return false;
    return !has_digit(a) && !has_digit(b) && edits_between(a, b) <= 1;
}

/* True when the tasks differ in one word only, and that is a misspelling; *x and *y are the words.
 */
static bool differ_by_misspelling(const struct task *a, const struct task *b, struct et_str *x,
                                  struct et_str *y)
{
    struct et_str rest_a = a->bare, rest_b = b->bare, word_a, word_b;
    size_t n_differ = 0;
    if (a->n_words != b->n_words)
        return false;
    while (et_str_cut(&rest_a, ' ', &word_a) && et_str_cut(&rest_b, ' ', &word_b)) {
        if (et_str_eq(word_a, word_b))
            continue;
        if (++n_differ > 1)
            return false;
        *x = word_a;
        *y = word_b;
    }
    return n_differ == 1 && is_misspelling(*x, *y);
}

static enum et_status report_same(struct et__set_look *look, const struct task *a,
                                  const struct task *b, struct et_err *err)
{
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
    finding.value = 2;
    finding.threshold = 1;
    finding.unit = "spellings";
    return et_findings_add(look->findings, &finding, err,
                           "\"%.120s\" and \"%.120s\" are two tasks by their spelling only (case, "
                           "spaces or punctuation)",
                           a->text, b->text);
}

static enum et_status find_same(struct et__set_look *look, const struct task *tasks, size_t n,
                                struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 1; i < n && st == ET_OK; i++)
        if (tasks[i].bare.n > 0 && et_str_eq(tasks[i].bare, tasks[i - 1].bare) &&
            strcmp(tasks[i].text, tasks[i - 1].text) != 0)
            st = report_same(look, &tasks[i - 1], &tasks[i], err);
    return st;
}

static enum et_status find_misspelt(struct et__set_look *look, const struct task *tasks, size_t n,
                                    struct et_err *err)
{
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_INFO, NULL);
    size_t n_found = 0;
    enum et_status st = ET_OK;

    for (size_t i = 0; i < n && st == ET_OK; i++) {
        for (size_t j = i + 1; j < n && st == ET_OK; j++) {
            struct et_str x = {0}, y = {0};
            if (!differ_by_misspelling(&tasks[i], &tasks[j], &x, &y) || ++n_found > REPORTED_MAX)
                continue;
            st = et_findings_add(look->findings, &finding, err,
                                 "\"%.100s\" and \"%.100s\" differ by one letter: \"%.*s\", "
                                 "\"%.*s\"; one may be misspelt",
                                 tasks[i].text, tasks[j].text, ET_STR_ARG(x), ET_STR_ARG(y));
        }
    }
    if (n_found <= REPORTED_MAX || st != ET_OK)
        return st;
    finding.value = (double)(n_found - REPORTED_MAX);
    return et_findings_add(look->findings, &finding, err,
                           "%zu more pairs of instructions differ by one letter",
                           n_found - REPORTED_MAX);
}

/* ---- languages ---- */

static bool is_latin(const char *text)
{
    size_t n_ascii = 0, n_other = 0;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        n_ascii += isalpha(*p) != 0;
        n_other += *p >= 0xE0; // first byte of a character of U+0800 and above: Chinese, Thai …
    }
    return n_ascii >= n_other;
}

static enum et_status find_scripts(struct et__set_look *look, const struct task *tasks, size_t n,
                                   struct et_err *err)
{
    const char *latin = NULL, *other = NULL;
    size_t n_other = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_latin(tasks[i].text)) {
            latin = latin ? latin : tasks[i].text;
        } else {
            other = other ? other : tasks[i].text;
            n_other++;
        }
    }
    if (!latin || !other)
        return ET_OK;
    struct et_finding finding = et__finding(look->kind, ET_SEVERITY_WARN, NULL);
    finding.value = (double)n_other / (double)n;
    finding.threshold = 0;
    finding.unit = "fraction";
    return et_findings_add(look->findings, &finding, err,
                           "instructions are in several languages: %zu of %zu are not in Latin "
                           "letters, such as \"%.80s\" beside \"%.80s\"",
                           n_other, n, other, latin);
}

static enum et_status inspect(struct et__set_look *look, struct et_err *err)
{
    struct et_arena *arena = look->findings->arena;
    const size_t n = look->claims->n_tasks_listed;
    struct task *tasks = et_arena_array(arena, n, sizeof *tasks);
    bool is_made = tasks != NULL;

    for (size_t i = 0; i < n && is_made; i++) {
        tasks[i].text = look->claims->tasks[i] ? look->claims->tasks[i] : "";
        is_made = make_bare(&tasks[i], arena);
    }
    if (!is_made)
        return et_arena_fail(arena, "the instructions", err);
    if (n < 2)
        return ET_OK;
    qsort(tasks, n, sizeof *tasks, compare);
    enum et_status st = find_same(look, tasks, n, err);
    if (st == ET_OK && (double)n <= look->params[TASKS_MAX])
        st = find_misspelt(look, tasks, n, err);
    return st == ET_OK ? find_scripts(look, tasks, n, err) : st;
}

const struct et__inspector et__inspect_label_set = {
    .about = {"label_set", "instructions that differ by spelling only, or by language",
              ET_INSPECT_SET, PARAMS},
    .set = inspect,
};
