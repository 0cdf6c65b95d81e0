/* etude: one program over the library. Finds the command in the table, parses, runs. */
#include "cli.h"

#include "etude/file.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static bool spells(const char *name, int argc, char **argv, int *n_words)
{
    struct et_str rest = et_str(name), part;
    int i = 1;
    while (et_str_cut(&rest, ' ', &part)) {
        if (i >= argc || !et_str_is(part, argv[i]))
            return false;
        i++;
    }
    *n_words = i - 1;
    return true;
}

static bool is_noun(const char *word)
{
    const size_t n = strlen(word);
    for (size_t i = 0; i < CLI_N_COMMANDS; i++)
        if (strncmp(CLI_COMMANDS[i].name, word, n) == 0 && CLI_COMMANDS[i].name[n] == ' ')
            return true;
    return false;
}

static int unknown_command(int argc, char **argv)
{
    char word[128];
    const char *names[64];
    size_t n = 0;
    for (size_t i = 0; i < CLI_N_COMMANDS && n < 64; i++)
        names[n++] = CLI_COMMANDS[i].name;
    (void)snprintf(word, sizeof word, "%s%s%s", argv[1], argc > 2 ? " " : "",
                   argc > 2 ? argv[2] : "");
    // A noun that there is lacks its verb only.
    const bool has_noun = is_noun(argv[1]);
    const char *nearest = cli_nearest(word, names, n), *unknown = has_noun ? word : argv[1];
    if (!nearest && !has_noun)
        nearest = cli_nearest(argv[1], names, n);
    if (nearest)
        fprintf(stderr, "etude: no command \"%s\"; did you mean: etude %s?\n", unknown, nearest);
    else
        fprintf(stderr, "etude: no command \"%s\"; see: etude help%s%s\n", unknown,
                has_noun ? " " : "", has_noun ? argv[1] : "");
    return CLI_USAGE;
}

// The share folder that the program was shipped with: where it is installed, or in the tree that it
// was built in. The caller frees it; NULL: there is none.
static char *shipped_share(void)
{
    static const char *const PLACES[] = {"../share/etude", "../../share"};
    char program[ET_PATH_BYTES_MAX], file[ET_PATH_BYTES_MAX + 64];
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0)
        return NULL;
    program[n] = 0;
    char *slash = strrchr(program, '/');
    if (slash)
        *slash = 0;
    for (size_t i = 0; i < sizeof PLACES / sizeof PLACES[0]; i++) {
        const int n_share =
            snprintf(file, sizeof file, "%s/%s/profiles/generic.yaml", program, PLACES[i]);
        if (access(file, R_OK) != 0)
            continue;
        file[n_share - (int)strlen("/profiles/generic.yaml")] = 0;
        return realpath(file, NULL);
    }
    return NULL;
}

// The library looks for profiles and gradings in the user's ETUDE_SHARE; here, and nowhere else, it
// is known where the program's own are, which go behind them.
static void add_shipped_share(void)
{
    const char *own = getenv("ETUDE_SHARE");
    char *shipped = shipped_share();
    struct et_buf share = et_buf((size_t)1 << 20);
    if (own && *own)
        et_buf_printf(&share, "%s:", own);
    et_buf_puts(&share, shipped ? shipped : "");
    if (shipped && share.status == ET_OK && !(own && strcmp(own, shipped) == 0))
        (void)setenv("ETUDE_SHARE", et_buf_text(&share), 1);
    et_buf_free(&share);
    free(shipped);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

int main(int argc, char **argv)
{
    static char help[] = "help", version[] = "version";

    // A reader that closes the pipe and a file that may not grow end us by a failed write, with a
    // message, not by a signal.
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    add_shipped_share();
    if (argc < 2) {
        cli_print_usage(stderr);
        return CLI_USAGE;
    }
    if (is_help(argv[1]))
        argv[1] = help;
    if (strcmp(argv[1], "--version") == 0)
        argv[1] = version;
    const struct cli_command *command = NULL;
    int n_words = 0;
    for (size_t i = 0; i < CLI_N_COMMANDS && !command; i++)
        if (spells(CLI_COMMANDS[i].name, argc, argv, &n_words))
            command = &CLI_COMMANDS[i];
    if (!command && argc == 3 && is_help(argv[2]) && cli_print_group(argv[1], stdout))
        return CLI_DONE;
    if (!command) // "etude dataset" alone lists what one can do with datasets
        return argc == 2 && cli_print_group(argv[1], stderr) ? CLI_USAGE
                                                             : unknown_command(argc, argv);

    struct cli_args args;
    int code =
        cli_parse(command, argc - 1 - n_words, (const char *const *)argv + 1 + n_words, &args);
    if (code == CLI_DONE && cli_has(&args, "help"))
        cli_print_help(command, stdout);
    else if (code == CLI_DONE)
        code = command->run(&args);
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_DONE)
        code = cli_unwritten(&args);
    free(args.words);
    return code;
}
