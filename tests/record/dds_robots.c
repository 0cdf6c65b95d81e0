#include "dds_robots.h"

#include "etude/yaml.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

bool robots_open(struct robots *robots)
{
    int orders[2], answers[2];
    const char *build = getenv("ETUDE_BUILD");
    char program[4096], domain[16];

    memset(robots, 0, sizeof *robots);
    // Ports of domains up to 100 lie below those that systems give to others.
    robots->domain = 1 + (unsigned)getpid() % 100;
    (void)snprintf(robots->prefix, sizeof robots->prefix, "rt/t%d", (int)getpid());
    (void)snprintf(program, sizeof program, "%s/tests/record/dds_sim", build ? build : ".");
    (void)snprintf(domain, sizeof domain, "%u", robots->domain);
    if (access(program, X_OK) != 0 || pipe(orders) != 0 || pipe(answers) != 0)
        return false;
    (void)signal(SIGPIPE, SIG_IGN);
    robots->pid = fork();
    if (robots->pid == 0) {
        (void)dup2(orders[0], STDIN_FILENO);
        (void)dup2(answers[1], STDOUT_FILENO);
        (void)close(orders[0]);
        (void)close(orders[1]);
        (void)close(answers[0]);
        (void)close(answers[1]);
        (void)execl(program, program, domain, (char *)NULL);
        _exit(127);
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    robots->orders = fdopen(orders[1], "w");
    robots->answers = fdopen(answers[0], "r");
    return robots->pid > 0 && robots->orders && robots->answers;
}

void robots_close(struct robots *robots)
{
    if (robots->orders)
        (void)fclose(robots->orders);
    if (robots->answers)
        (void)fclose(robots->answers);
    if (robots->pid > 0)
        (void)waitpid(robots->pid, NULL, 0);
    memset(robots, 0, sizeof *robots);
}

__attribute__((format(printf, 2, 0))) static void give(struct robots *robots, const char *fmt,
                                                       va_list args)
{
    (void)vfprintf(robots->orders, fmt, args);
    (void)fputc('\n', robots->orders);
    (void)fflush(robots->orders);
}

void robots_order(struct robots *robots, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    give(robots, fmt, args);
    va_end(args);
}

bool robots_answer(struct robots *robots)
{
    char answer[256] = "";
    if (fgets(answer, sizeof answer, robots->answers) && strcmp(answer, "ok\n") == 0)
        return true;
    printf("# the robots say: %s\n", answer);
    return false;
}

bool robots_do(struct robots *robots, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    give(robots, fmt, args);
    va_end(args);
    return robots_answer(robots);
}

enum et_status robots_hear(const struct robots *robots, const char *more, bool only_look,
                           struct et_feed *feed, struct et_source **source, struct et_err *err)
{
    char yaml[2048];
    struct et_arena *arena;
    const struct et_value *settings;

    *source = NULL;
    (void)snprintf(yaml, sizeof yaml, "domain: %u\ninterface: lo\ntopics: [%s/*]\n%s",
                   robots->domain, robots->prefix, more);
    enum et_status st = et_arena_open(&arena, (size_t)1 << 20, err);
    if (st != ET_OK)
        return st;
    st = et_yaml_parse(et_str(yaml), "station.yaml", arena, &settings, err);
    if (st == ET_OK)
        st = et_source_open(source, et_source_kind("dds"),
                            &(struct et_source_options){.device = "robot",
                                                        .settings = settings,
                                                        .path = "station.yaml",
                                                        .only_look = only_look},
                            feed, err);
    et_arena_close(arena);
    return st;
}
