/* etude diploma sign|verify|show: what an exam found, for who was not there. */
#include "cli_policy.h"

#include "etude/clock.h"
#include "etude/diploma.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define REPLAYED 10

static const char *word_of(enum et_exam_verdict verdict)
{
    return verdict == ET_EXAM_PASSED ? "pass" : "fail";
}

static void put_json(struct et_json_writer *w, const char *path, const struct et_diploma *d)
{
    char key[ET_KEY_ID_CHARS + 1], digest[2 * ET_BLAKE2B_BYTES + 1];
    char drawn_by[ET_KEY_ID_CHARS + 1];
    et_key_id(&d->key, key);
    et_digest_text(&d->policy, digest);
    et_json_put_text(w, "path", path);
    et_json_put_text(w, "result", word_of(d->result));
    et_json_put_text(w, "exam", d->exam->id);
    et_json_put_text(w, "title", d->exam->title);
    et_json_put_text(w, "robot", d->robot);
    et_json_put_text(w, "policy", d->is_remote ? NULL : digest);
    et_json_put_bool(w, "privileged", d->is_privileged);
    et_digest_text(&d->commitment, digest);
    et_json_put_text(w, "commitment", digest);
    et_key_id(&d->drawn_by, drawn_by);
    et_json_put_text(w, "drawn_by", d->is_drawn_by_key ? drawn_by : NULL);
    et_json_put_text(w, "key", key);
    et_json_put_text(w, "signed", d->signed_at);
    et_json_put_text(w, "code", d->code);
    et_json_key(w, "skills");
    et_json_open_list(w);
    for (size_t i = 0; i < d->exam->n_skills; i++) {
        const struct et_exam_standing *s = &d->skills[i];
        et_json_open_map(w);
        et_json_put_text(w, "skill", s->skill);
        et_json_put_text(w, "verdict", word_of(s->verdict));
        et_json_put_int(w, "trials", (int64_t)(s->n_hits + s->n_failures));
        et_json_put_int(w, "successes", (int64_t)s->n_hits);
        et_json_put_int(w, "void", (int64_t)s->n_void);
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void print_diploma(const struct et_diploma *d, struct et_arena *arena)
{
    struct cli_table table;
    char key[ET_KEY_ID_CHARS + 1], digest[2 * ET_BLAKE2B_BYTES + 1];
    char drawn_by[ET_KEY_ID_CHARS + 1];
    et_key_id(&d->key, key);
    et_digest_text(&d->policy, digest);
    printf("%s: %s\n", d->exam->title, d->result == ET_EXAM_PASSED ? "passed" : "failed");
    printf("  robot   %s\n", d->robot);
    if (d->is_remote)
        printf("  policy  unattested: it was behind a URL\n");
    else
        printf("  policy  %.16s…%s\n", digest,
               d->is_privileged ? ", privileged: it sees what no sensor gives" : "");
    et_digest_text(&d->commitment, digest);
    et_key_id(&d->drawn_by, drawn_by);
    printf("  seeds   %.16s…, drawn %s%s\n", digest, d->is_drawn_by_key ? "by key " : "by chance",
           d->is_drawn_by_key ? drawn_by : "");
    printf("  signed  by key %s, %s\n", key, d->signed_at);
    printf("  code    %s\n\n", d->code);
    cli_table_open(&table, arena, "skill|verdict|>done|>void|>at least|>s|>× human");
    for (size_t i = 0; i < d->exam->n_skills; i++) {
        const struct et_exam_standing *s = &d->skills[i];
        cli_cell(&table, "%s", s->skill);
        cli_cell(&table, "%s", word_of(s->verdict));
        cli_cell(&table, "%llu/%llu", (unsigned long long)s->n_hits,
                 (unsigned long long)(s->n_hits + s->n_failures));
        cli_cell(&table, "%llu", (unsigned long long)s->n_void);
        cli_cell(&table, "%.1f %%", 100 * s->shares.low);
        if (s->n_hits) {
            cli_cell(&table, "%.1f", s->seconds);
            cli_cell(&table, "%.2f", s->seconds / s->human_s);
        } else {
            cli_cell(&table, "–");
            cli_cell(&table, "–");
        }
    }
    cli_table_print(&table);
}

static int tell(const struct cli_args *args, const char *path, const struct et_diploma *d,
                const struct et_diploma_replay *replay, struct et_arena *arena)
{
    if (!args->is_json) {
        if (!args->is_quiet)
            print_diploma(d, arena);
        return CLI_DONE;
    }
    struct cli_json json;
    cli_json_open(&json, "diploma");
    put_json(&json.w, path, d);
    if (replay) {
        et_json_put_int(&json.w, "played", (int64_t)replay->n_played);
        et_json_put_int(&json.w, "other_ends", (int64_t)replay->n_other_ends);
        et_json_put_int(&json.w, "other_movements", (int64_t)replay->n_other_movements);
    }
    return cli_json_print(&json, args);
}

// ---- sign ----

static int sign(const struct cli_args *args, struct et_arena *arena)
{
    struct et_err err = {0};
    struct et_secret_key key;
    struct cli_output output;
    const struct et_diploma *d = NULL;
    const char *path = cli_get(args, "output");
    if (!cli_has(args, "key")) {
        cli_problem(args, "who signs? --key FILE (etude key new)");
        return CLI_USAGE;
    }
    if (!path)
        path = et_arena_printf(arena, "%s/diploma.json", args->words[0]);
    if (!path)
        return cli_fail(args, &(struct et_err){.status = ET_ENOMEM, .text = "out of memory"});
    int code = cli_output_open(args, path, arena, &output);
    if (code != CLI_DONE)
        return code;
    if (et_key_load(cli_get(args, "key"), &key, &err) != ET_OK)
        return cli_fail(args, &err);
    const enum et_status st =
        et_diploma_sign(args->words[0], &key, et_clock_real_ns(), output.work, &err);
    et_key_wipe(&key);
    if (st != ET_OK)
        return cli_fail(args, &err);
    code = cli_output_finish(args, arena, &output);
    if (code == CLI_DONE && et_diploma_read(path, NULL, arena, &d, &err) != ET_OK)
        code = cli_fail(args, &err);
    return code == CLI_DONE ? tell(args, path, d, NULL, arena) : code;
}

int cmd_diploma_sign(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    const int code = sign(args, arena);
    et_arena_close(arena);
    return code;
}

// ---- verify, show ----

/* What differs is an answer; what cannot be read is not. */
static int fail_verify(const struct cli_args *args, const struct et_err *err)
{
    if (err->status != ET_ECORRUPT && err->status != ET_EARG)
        return cli_fail(args, err);
    cli_problem(args, "%s", err->text);
    return CLI_NO;
}

/* Who signed must not know which trials will be played. */
static int64_t by_chance(void)
{
    struct et_secret_key key;
    int64_t seed;
    et_key_new(&key);
    memcpy(&seed, key.seed, sizeof seed);
    et_key_wipe(&key);
    return seed & (((int64_t)1 << 53) - 1);
}

/* That the secret was the one that somebody had written down before. */
static int check_commitment(const struct cli_args *args, const struct et_diploma *d)
{
    struct et_digest told;
    const char *text = cli_get(args, "commitment");
    if (text && !et_digest_of_text(et_str(text), &told)) {
        cli_problem(args, "--commitment has 64 hexadecimal digits, as etude exam run told them");
        return CLI_USAGE;
    }
    if (!text || memcmp(told.bytes, d->commitment.bytes, sizeof told.bytes) == 0)
        return CLI_DONE;
    cli_problem(args, "its seeds are of another secret than the one that was told before");
    return CLI_NO;
}

static int replay(const struct cli_args *args, const struct et_diploma *d,
                  struct et_diploma_replay *found)
{
    struct et_err err = {0};
    struct cli_policy_options how = {0};
    int64_t n, seed;
    if (!cli_whole(args, "trials", 1, 1000000, REPLAYED, &n) ||
        !cli_whole(args, "seed", 0, (int64_t)1 << 53, by_chance(), &seed))
        return CLI_USAGE;
    const int code = cli_policy_reach(args, cli_get(args, "policy"), &how);
    if (code != CLI_DONE)
        return code;
    const struct et_stage_options stage = cli_policy_stage(&how);
    if (!args->is_quiet && !args->is_json)
        printf("playing %lld trials again (--seed %lld)\n\n", (long long)n, (long long)seed);
    if (et_diploma_replay(d, &stage, (size_t)n, (uint64_t)seed, found, &err) != ET_OK)
        return fail_verify(args, &err);
    if (!found->n_other_ends)
        return CLI_DONE;
    cli_problem(args,
                "%zu of %zu trials end otherwise; %s %llu: %s after %.2f s, then %s after %.2f s",
                found->n_other_ends, found->n_played, d->exam->skills[found->was.i_skill],
                (unsigned long long)found->was.i, et_exam_code_word(found->is.code),
                found->is.seconds, et_exam_code_word(found->was.code), found->was.seconds);
    return CLI_NO;
}

static int verify(const struct cli_args *args, struct et_arena *arena)
{
    struct et_err err = {0};
    struct et_public_key key;
    struct et_diploma_replay found = {0};
    const struct et_diploma *d = NULL;
    const bool is_replayed = cli_has(args, "policy");
    if (!cli_has(args, "key")) {
        cli_problem(args, "by whose key? --key FILE; etude diploma show takes any");
        return CLI_USAGE;
    }
    if (!is_replayed && (cli_has(args, "trials") || cli_has(args, "seed"))) {
        cli_problem(args, "--trials and --seed are of trials that are played again: --policy");
        return CLI_USAGE;
    }
    if (et_key_load_public(cli_get(args, "key"), &key, &err) != ET_OK)
        return cli_fail(args, &err);
    if (et_diploma_read(args->words[0], &key, arena, &d, &err) != ET_OK)
        return fail_verify(args, &err);
    int code = check_commitment(args, d);
    if (code != CLI_DONE)
        return code;
    code = is_replayed ? replay(args, d, &found) : CLI_DONE;
    if (code == CLI_USAGE || (code == CLI_NO && !found.n_played))
        return code;
    const int told = tell(args, args->words[0], d, is_replayed ? &found : NULL, arena);
    if (code == CLI_DONE && told == CLI_DONE && !args->is_json && !args->is_quiet) {
        printf("\nit holds: %zu trials, %s\n", d->n_trials, args->words[0]);
        if (is_replayed)
            printf("%zu played again: all end as they did%s\n", found.n_played,
                   found.n_other_movements ? ", some by a movement that differs in its last bits"
                                           : ", bit by bit");
    }
    return code == CLI_DONE ? told : code;
}

int cmd_diploma_verify(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    const int code = verify(args, arena);
    et_arena_close(arena);
    return code;
}

int cmd_diploma_show(const struct cli_args *args)
{
    struct et_err err = {0};
    struct et_arena *arena = NULL;
    const struct et_diploma *d = NULL;
    if (et_arena_open(&arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    const int code = et_diploma_read(args->words[0], NULL, arena, &d, &err) == ET_OK
                         ? tell(args, args->words[0], d, NULL, arena)
                         : fail_verify(args, &err);
    et_arena_close(arena);
    return code;
}
