/* help, manual, completion, version: all from the table of commands. */
#include "cli.h"

#define WRAP_COLUMNS 79

void cli_print_wrapped(FILE *to, const char *text, size_t indent)
{
    size_t at = 0;
    while (*text) {
        if (*text == '\n') {
            (void)fputs("\n\n", to);
            at = 0;
            text += strspn(text, "\n");
            continue;
        }
        const size_t n = strcspn(text, " \n");
        if (at && at + 1 + n > WRAP_COLUMNS) {
            (void)fputc('\n', to);
            at = 0;
        }
        if (!at)
            at = (size_t)fprintf(to, "%*s", (int)indent, "");
        else
            at += (size_t)fprintf(to, " ");
        at += (size_t)fprintf(to, "%.*s", (int)n, text);
        text += n;
        text += strspn(text, " ");
    }
    (void)fputc('\n', to);
}

static void option_name(const struct cli_option *o, char text[64])
{
    (void)snprintf(text, 64, "%s%c%s--%s%s%s", o->letter ? "-" : " ", o->letter ? o->letter : ' ',
                   o->letter ? ", " : "  ", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static void print_options(FILE *to, const struct cli_option *options)
{
    for (; options && options->name; options++) {
        char name[64];
        option_name(options, name);
        fprintf(to, "  %-26s", name);
        if (strlen(name) > 25)
            fprintf(to, "\n%28s", "");
        // The text is wrapped by hand: the first line follows the name.
        const char *text = options->text;
        size_t at = 28;
        while (*text) {
            const size_t n = strcspn(text, " ");
            if (at > 28 && at + 1 + n > WRAP_COLUMNS) {
                fprintf(to, "\n%28s", "");
                at = 28;
            }
            at += (size_t)fprintf(to, "%s%.*s", at > 28 ? " " : "", (int)n, text);
            text += n + strspn(text + n, " ");
        }
        (void)fputc('\n', to);
    }
}

void cli_print_help(const struct cli_command *command, FILE *to)
{
    fprintf(to, "etude %s%s%s\n\n", command->name, *command->words ? " " : "", command->words);
    fprintf(to, "  %s\n", command->text);
    if (command->about) {
        (void)fputc('\n', to);
        cli_print_wrapped(to, command->about, 2);
    }
    if (command->options && command->options->name) {
        fprintf(to, "\nOptions:\n");
        print_options(to, command->options);
    }
    fprintf(to, "\nCommon options:\n");
    print_options(to, CLI_COMMON);
    if (command->example) {
        fprintf(to, "\nExamples:\n");
        struct et_str rest = et_str(command->example), line;
        while (et_str_cut(&rest, '\n', &line))
            fprintf(to, "  %.*s\n", ET_STR_ARG(line));
    }
    fprintf(to,
            "\nExit codes: 0 done, 1 the answer is no, 2 usage, 3 input/output or data failure,\n"
            "  130 interrupted, 141 nobody reads what is printed\n");
}

void cli_print_usage(FILE *to)
{
    fprintf(to, "etude: records, curates and builds the data that robots learn from\n\n"
                "usage: etude COMMAND [OPTIONS] ...\n\n");
    for (size_t i = 0; i < CLI_N_COMMANDS; i++)
        fprintf(to, "  %-16s %s\n", CLI_COMMANDS[i].name, CLI_COMMANDS[i].text);
    fprintf(to, "\n  etude COMMAND --help   options and examples of a command\n"
                "  etude help words       the words that Étude uses\n");
}

bool cli_print_group(const char *word, FILE *to)
{
    const size_t n = strlen(word);
    bool is_found = false;
    for (size_t i = 0; i < CLI_N_COMMANDS; i++) {
        const char *name = CLI_COMMANDS[i].name;
        if (strncmp(name, word, n) == 0 && name[n] == ' ') {
            if (!is_found)
                fprintf(to, "etude %s needs one of:\n", word);
            is_found = true;
            fprintf(to, "  %-18s %s\n", name, CLI_COMMANDS[i].text);
        }
    }
    return is_found;
}

static const char WORDS[] =
    "recording   everything that was captured in one go; immutable\n"
    "stream      one sensor or command channel: left_arm.position, head.image\n"
    "episode     one attempt at one skill, aligned on one time line\n"
    "finding     what an inspector saw: kind, severity, where, when, value, threshold\n"
    "grade       the verdict on an episode: keep, warn or reject, with what decided\n"
    "profile     the file that describes a robot model: joints, limits, units, rules\n"
    "grading     the file that says which findings reject an episode and which warn\n"
    "dataset     a set of episodes in a standard layout\n";

static const struct cli_command *find(const struct cli_args *args)
{
    char name[128];
    (void)snprintf(name, sizeof name, "%s%s%s", args->words[0], args->n_words > 1 ? " " : "",
                   args->n_words > 1 ? args->words[1] : "");
    for (size_t i = 0; i < CLI_N_COMMANDS; i++)
        if (strcmp(CLI_COMMANDS[i].name, name) == 0)
            return &CLI_COMMANDS[i];
    const char *names[64];
    for (size_t i = 0; i < CLI_N_COMMANDS && i < 64; i++)
        names[i] = CLI_COMMANDS[i].name;
    const char *nearest = cli_nearest(name, names, CLI_N_COMMANDS);
    cli_problem(args, "no command \"%s\"; %s%s", name,
                nearest ? "did you mean: " : "see: etude help", nearest ? nearest : "");
    return NULL;
}

int cmd_help(const struct cli_args *args)
{
    if (args->n_words == 0) {
        cli_print_usage(stdout);
        return CLI_DONE;
    }
    if (strcmp(args->words[0], "words") == 0) {
        (void)fputs(WORDS, stdout);
        return CLI_DONE;
    }
    if (args->n_words == 1 && cli_print_group(args->words[0], stdout))
        return CLI_DONE;
    const struct cli_command *command = find(args);
    if (!command)
        return CLI_USAGE;
    cli_print_help(command, stdout);
    return CLI_DONE;
}

// Text for roff: backslashes and leading dots are escaped, dashes are real dashes.
static void roff(const char *text)
{
    bool is_line_start = true;
    for (; *text; text++) {
        if (is_line_start && (*text == '.' || *text == '\''))
            (void)fputs("\\&", stdout);
        if (*text == '\\')
            (void)fputs("\\e", stdout);
        else if (*text == '-')
            (void)fputs("\\-", stdout);
        else if (*text == '\n' && text[1] == '\n') {
            (void)fputs("\n.PP\n", stdout);
            text++;
        } else
            (void)putchar(*text);
        is_line_start = *text == '\n';
    }
}

static void roff_options(const struct cli_option *options)
{
    for (; options && options->name; options++) {
        (void)fputs(".TP\n\\fB", stdout);
        if (options->letter)
            printf("\\-%c\\fR, \\fB", options->letter);
        (void)fputs("\\-\\-", stdout);
        roff(options->name);
        printf("\\fR%s%s%s\n", options->arg ? " \\fI" : "", options->arg ? options->arg : "",
               options->arg ? "\\fR" : "");
        roff(options->text);
        (void)putchar('\n');
    }
}

static void roff_command(const struct cli_command *c)
{
    (void)fputs(".SS etude ", stdout);
    roff(c->name);
    if (*c->words)
        (void)putchar(' ');
    roff(c->words);
    (void)putchar('\n');
    roff(c->text);
    (void)putchar('\n');
    if (c->about) {
        (void)fputs(".PP\n", stdout);
        roff(c->about);
        (void)putchar('\n');
    }
    roff_options(c->options);
    if (c->example) {
        (void)fputs(".PP\n.nf\n", stdout);
        roff(c->example);
        (void)fputs("\n.fi\n", stdout);
    }
}

int cmd_manual(const struct cli_args *args)
{
    const struct cli_command *only = NULL;
    if (args->n_words && !(only = find(args)))
        return CLI_USAGE;
    printf(".TH ETUDE 1 \"\" \"etude %s\" \"User Commands\"\n", et_version());
    (void)fputs(".SH NAME\netude \\- records, curates and builds the data that robots learn from\n"
                ".SH SYNOPSIS\n.B etude\n.I COMMAND\n[OPTIONS] ...\n.SH COMMANDS\n",
                stdout);
    for (size_t i = 0; i < CLI_N_COMMANDS; i++)
        if (!only || only == &CLI_COMMANDS[i])
            roff_command(&CLI_COMMANDS[i]);
    (void)fputs(".SH COMMON OPTIONS\n", stdout);
    roff_options(CLI_COMMON);
    (void)fputs(".SH EXIT STATUS\n0 done, 1 the answer is no, 2 usage, 3 input/output or data "
                "failure, 130 interrupted.\n.SH FILES\nprofiles/*.yaml and grading/*.yaml in the "
                "folders of "
                "\\fB$ETUDE_SHARE\\fR, separated by colons, then in the installed share/etude.\n",
                stdout);
    return CLI_DONE;
}

static void complete_options(const struct cli_option *options)
{
    for (; options && options->name; options++) {
        printf(" --%s", options->name);
        if (options->letter)
            printf(" -%c", options->letter);
    }
}

static void complete_choices(const struct cli_option *options)
{
    for (; options && options->name; options++) {
        if (!options->choices)
            continue;
        printf("        %s,--%s) words=\"", "*", options->name);
        for (size_t i = 0; options->choices[i]; i++)
            printf("%s%s", i ? " " : "", options->choices[i]);
        (void)fputs("\" ;;\n", stdout);
    }
}

// One function serves both shells: zsh reads it through bashcompinit.
static void complete_script(void)
{
    (void)fputs("_etude() {\n"
                "    local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
                "    local first=\"${COMP_WORDS[1]}\" second=\"${COMP_WORDS[2]-}\" words=\"\"\n"
                "    COMPREPLY=()\n"
                "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"",
                stdout);
    struct et_str last = {0};
    for (size_t i = 0; i < CLI_N_COMMANDS; i++) {
        struct et_str rest = et_str(CLI_COMMANDS[i].name), first = {0};
        (void)et_str_cut(&rest, ' ', &first);
        if (!et_str_eq(first, last))
            printf("%.*s ", ET_STR_ARG(first));
        last = first;
    }
    (void)fputs(
        "\"\n        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n        return\n    fi\n"
        "    case \"$first $second\" in\n",
        stdout);
    for (size_t i = 0; i < CLI_N_COMMANDS; i++) {
        const struct cli_command *c = &CLI_COMMANDS[i];
        printf("    \"%s\"%s) words=\"", c->name, strchr(c->name, ' ') ? "" : "\\ *");
        complete_options(c->options);
        complete_options(CLI_COMMON);
        (void)fputs("\" ;;\n", stdout);
    }
    (void)fputs(
        "    *)\n        if [ \"$COMP_CWORD\" -eq 2 ]; then\n            case \"$first\" in\n",
        stdout);
    for (size_t i = 0; i < CLI_N_COMMANDS; i++) {
        struct et_str rest = et_str(CLI_COMMANDS[i].name), first = {0};
        (void)et_str_cut(&rest, ' ', &first);
        if (rest.n)
            printf("            %.*s) words=\"$words %.*s\" ;;&\n", ET_STR_ARG(first),
                   ET_STR_ARG(rest));
    }
    (void)fputs("            esac\n        fi ;;\n    esac\n    case \"$first,$prev\" in\n",
                stdout);
    for (size_t i = 0; i < CLI_N_COMMANDS; i++)
        complete_choices(CLI_COMMANDS[i].options);
    (void)fputs("    esac\n"
                "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                "    if [ ${#COMPREPLY[@]} -eq 0 ] && [ \"${cur#-}\" = \"$cur\" ]; then\n"
                "        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n"
                "}\ncomplete -o filenames -F _etude etude\n",
                stdout);
}

int cmd_completion(const struct cli_args *args)
{
    const bool is_zsh = strcmp(args->words[0], "zsh") == 0;
    if (!is_zsh && strcmp(args->words[0], "bash") != 0) {
        cli_problem(args, "there is completion for bash and zsh, not for \"%s\"", args->words[0]);
        return CLI_USAGE;
    }
    if (is_zsh)
        (void)fputs("autoload -U +X bashcompinit && bashcompinit\n", stdout);
    complete_script();
    return CLI_DONE;
}

int cmd_version(const struct cli_args *args)
{
    char versions[512];
    et_video_versions(versions, sizeof versions);
    if (!args->is_json) {
        printf("etude %s\n%s\n", et_version(), versions);
        return CLI_DONE;
    }
    struct cli_json json;
    cli_json_open(&json, "version");
    et_json_put_text(&json.w, "version", et_version());
    et_json_put_text(&json.w, "video", versions);
    return cli_json_print(&json, args);
}
