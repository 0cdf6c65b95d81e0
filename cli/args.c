/* Options: parsed by the command's own table, with words that say what to do next. */
#include "cli.h"

#include <assert.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

const struct cli_option CLI_COMMON[] = {
    {'h', "help", NULL, "show this help", NULL},
    {0, "json", NULL, "print facts as one JSON document (doc/json.md)", NULL},
    {'q', "quiet", NULL, "no progress, only results and problems", NULL},
    {'v', "verbose", NULL, "say more", NULL},
    {0, NULL, NULL, NULL, NULL},
};
#define WHOLE_MAX 9007199254740992.0 // up to here every whole number is a double
#define N_COMMON (sizeof CLI_COMMON / sizeof CLI_COMMON[0] - 1)

// Options are numbered: the common ones first, then the command's own.
static const struct cli_option *option_at(const struct cli_command *command, size_t i)
{
    if (i < N_COMMON)
        return &CLI_COMMON[i];
    if (!command->options)
        return NULL;
    for (size_t k = 0; command->options[k].name; k++)
        if (k == i - N_COMMON)
            return &command->options[k];
    return NULL;
}

void cli_problem(const struct cli_args *args, const char *fmt, ...)
{
    va_list list;
    fprintf(stderr, "etude%s%s: ", args->command ? " " : "",
            args->command ? args->command->name : "");
    va_start(list, fmt);
    (void)vfprintf(stderr, fmt, list);
    va_end(list);
    (void)fputc('\n', stderr);
}

int cli_unwritten(const struct cli_args *args)
{
    struct pollfd out = {.fd = STDOUT_FILENO};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR)) // a pipe that nobody reads
        return CLI_UNHEARD;
    cli_problem(args, CLI_UNWRITTEN);
    return CLI_FAILED;
}

int cli_fail(const struct cli_args *args, const struct et_err *err)
{
    if (strcmp(err->text, CLI_UNWRITTEN) == 0)
        return cli_unwritten(args);
    cli_problem(args, "%s", err->text[0] ? err->text : et_status_text(err->status));
    return err->status == ET_EARG ? CLI_USAGE : CLI_FAILED;
}

// Edit distance (Levenshtein) up to words of 32 letters; longer ones are far from everything.
static size_t distance(const char *a, const char *b)
{
    size_t row[33];
    const size_t n = strlen(a), m = strlen(b);
    if (n > 32 || m > 32)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t above = row[j];
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            if (above + 1 < best)
                best = above + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
            diagonal = above;
        }
    }
    return row[m];
}

const char *cli_nearest(const char *word, const char *const *candidates, size_t n)
{
    const char *nearest = NULL;
    size_t best = strlen(word) / 3 + 2;
    for (size_t i = 0; i < n; i++) {
        const size_t d = distance(word, candidates[i]);
        if (d < best) {
            best = d;
            nearest = candidates[i];
        }
    }
    return nearest;
}

static int unknown_option(const struct cli_args *args, const char *name)
{
    const char *names[CLI_OPTIONS_MAX];
    size_t n = 0;
    for (const struct cli_option *o; n < CLI_OPTIONS_MAX && (o = option_at(args->command, n)); n++)
        names[n] = o->name;
    const char *nearest = cli_nearest(name, names, n);
    if (nearest)
        cli_problem(args, "no option --%s; did you mean --%s?", name, nearest);
    else
        cli_problem(args, "no option --%s; see: etude %s --help", name, args->command->name);
    return CLI_USAGE;
}

static int check_choice(const struct cli_args *args, const struct cli_option *option,
                        const char *value)
{
    if (!option->choices)
        return CLI_DONE;
    char list[256] = "";
    for (size_t i = 0; option->choices[i]; i++) {
        if (strcmp(option->choices[i], value) == 0)
            return CLI_DONE;
        const size_t n = strlen(list);
        (void)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", option->choices[i]);
    }
    cli_problem(args, "--%s takes one of %s, not \"%s\"", option->name, list, value);
    return CLI_USAGE;
}

struct parser {
    const char *const *argv;
    int argc, i;
    struct cli_args *args;
    bool is_words_only; // behind "--"
};

// Sets option i; takes its value from behind '=' or from the next word.
static int set_option(struct parser *p, size_t i_option, const char *value)
{
    const struct cli_option *option = option_at(p->args->command, i_option);
    assert(option);
    if (!option->arg && value) {
        cli_problem(p->args, "--%s takes no value", option->name);
        return CLI_USAGE;
    }
    if (option->arg && option->arg[0] == '[' && !value) // may stand alone
        value = p->i + 1 < p->argc && p->argv[p->i + 1][0] != '-' ? p->argv[++p->i] : "";
    if (option->arg && !value) {
        if (p->i + 1 >= p->argc) {
            cli_problem(p->args, "--%s needs %s", option->name, option->arg);
            return CLI_USAGE;
        }
        value = p->argv[++p->i];
    }
    if (option->arg && p->args->values[i_option]) { // the first would be lost without a word
        cli_problem(p->args, "--%s stands here twice%s", option->name,
                    strcmp(option->arg, "LIST") == 0 ? ": join its values by commas" : "");
        return CLI_USAGE;
    }
    if (strcmp(option->name, "verbose") == 0)
        p->args->n_verbose++;
    p->args->values[i_option] = option->arg ? value : "";
    return option->arg ? check_choice(p->args, option, value) : CLI_DONE;
}

static int long_option(struct parser *p, const char *text)
{
    char name[64];
    const char *equals = strchr(text, '=');
    const size_t n = equals ? (size_t)(equals - text) : strlen(text);
    if (n >= sizeof name)
        return unknown_option(p->args, "...");
    memcpy(name, text, n);
    name[n] = 0;
    const struct cli_option *o;
    for (size_t i = 0; (o = option_at(p->args->command, i)); i++)
        if (strcmp(o->name, name) == 0)
            return set_option(p, i, equals ? equals + 1 : NULL);
    return unknown_option(p->args, name);
}

static int short_options(struct parser *p, const char *letters)
{
    for (; *letters; letters++) {
        const struct cli_option *o;
        size_t i = 0;
        while ((o = option_at(p->args->command, i)) && o->letter != *letters)
            i++;
        if (!o) {
            cli_problem(p->args, "no option -%c; see: etude %s --help", *letters,
                        p->args->command->name);
            return CLI_USAGE;
        }
        const char *value = o->arg && letters[1] ? letters + 1 : NULL;
        const int code = set_option(p, i, value);
        if (code != CLI_DONE || value)
            return code;
    }
    return CLI_DONE;
}

static int check_words(const struct cli_args *args)
{
    const struct cli_command *c = args->command;
    if (cli_has(args, "help") ||
        (args->n_words >= c->n_words_min && args->n_words <= c->n_words_max))
        return CLI_DONE;
    if (args->n_words < c->n_words_min)
        cli_problem(args, "usage: etude %s %s", c->name, c->words);
    else
        cli_problem(args, "\"%s\" is one word too many; usage: etude %s%s%s",
                    args->words[c->n_words_max], c->name, *c->words ? " " : "", c->words);
    return CLI_USAGE;
}

int cli_parse(const struct cli_command *command, int argc, const char *const *argv,
              struct cli_args *args)
{
    // Words are gathered at the front of an array as long as argv; it lives until the end.
    const char **words = calloc((size_t)argc + 1, sizeof *words);
    *args = (struct cli_args){.command = command, .words = words};
    if (!words) {
        cli_problem(args, "out of memory");
        return CLI_FAILED;
    }
    struct parser p = {.argv = argv, .argc = argc, .args = args};
    for (p.i = 0; p.i < argc; p.i++) {
        const char *word = argv[p.i];
        int code = CLI_DONE;
        if (p.is_words_only || word[0] != '-' || !word[1])
            words[args->n_words++] = word;
        else if (strcmp(word, "--") == 0)
            p.is_words_only = true;
        else
            code = word[1] == '-' ? long_option(&p, word + 2) : short_options(&p, word + 1);
        if (code != CLI_DONE)
            return code;
    }
    args->is_json = cli_has(args, "json");
    args->is_quiet = cli_has(args, "quiet");
    return check_words(args);
}

const char *cli_get(const struct cli_args *args, const char *option)
{
    const struct cli_option *o;
    for (size_t i = 0; (o = option_at(args->command, i)); i++) {
        assert(i < CLI_OPTIONS_MAX);
        if (strcmp(o->name, option) == 0)
            return args->values[i];
    }
    assert(o && "the command's table has this option");
    return NULL;
}

bool cli_takes(const struct cli_args *args, const char *option)
{
    const struct cli_option *o;
    for (size_t i = 0; (o = option_at(args->command, i)); i++)
        if (strcmp(o->name, option) == 0)
            return true;
    return false;
}

static const char *limit_text(double limit, char text[CLI_TEXT_BYTES])
{
    const bool is_whole = limit == floor(limit) && fabs(limit) <= WHOLE_MAX;
    (void)snprintf(text, CLI_TEXT_BYTES, is_whole ? "%.0f" : "%g", limit);
    return text;
}

bool cli_number(const struct cli_args *args, const char *option, double min, double max,
                double otherwise, double *value)
{
    char low[CLI_TEXT_BYTES], high[CLI_TEXT_BYTES];
    const char *text = cli_get(args, option);
    *value = otherwise;
    if (!text)
        return true;
    if (et_str_to_double(et_str(text), value) && *value >= min && *value <= max)
        return true;
    cli_problem(args, "--%s takes a number from %s to %s, not \"%s\"", option, limit_text(min, low),
                limit_text(max, high), text);
    return false;
}

bool cli_whole(const struct cli_args *args, const char *option, int64_t min, int64_t max,
               int64_t otherwise, int64_t *value)
{
    const char *text = cli_get(args, option);
    double number;
    *value = otherwise;
    if (!text)
        return true;
    // As a number first: 1e3 is whole, too.
    if (et_str_to_double(et_str(text), &number) && number == floor(number) &&
        number >= (double)min && number <= (double)max) {
        *value = (int64_t)number;
        return true;
    }
    cli_problem(args, "--%s takes a whole number from %lld to %lld, not \"%s\"", option,
                (long long)min, (long long)max, text);
    return false;
}
