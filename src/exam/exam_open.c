/* Exams that begin, and that are taken up again. */
#include "exam/exam__run.h"

#include "etude/file.h"
#include "exam/exam__policy.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)64 << 20)
#define SECRET_FILE "secret.key"
#define ROBOT "etude-one" // of a policy that does not say

/* ---- what both need ---- */

static enum et_status copy_exam(struct et_exam_run *run, const struct et_exam *exam,
                                struct et_err *err)
{
    struct et_exam *copy = et_arena_alloc(run->arena, sizeof *copy);
    const char **skills = et_arena_array(run->arena, exam->n_skills, sizeof *skills);
    if (!copy || !skills)
        return et_arena_fail(run->arena, "an exam", err);
    *copy = *exam;
    copy->skills = skills;
    copy->id = et_arena_copy(run->arena, exam->id, strlen(exam->id));
    copy->title = et_arena_copy(run->arena, exam->title, strlen(exam->title));
    copy->path = copy->text = NULL;
    copy->human_s = NULL;
    run->scenes = et_arena_array(run->arena, exam->n_skills, sizeof *run->scenes);
    if (!run->scenes)
        return et_arena_fail(run->arena, "an exam", err);
    bool fits = copy->id && copy->title;
    for (size_t i = 0; i < exam->n_skills; i++) {
        if (strchr(exam->skills[i], '/'))
            return et_fail(err, ET_EARG, -1,
                           "%.200s: an exam names skills by their ids; put the folder into "
                           "world/skills of a folder in $ETUDE_SHARE",
                           exam->skills[i]);
        skills[i] = et_arena_copy(run->arena, exam->skills[i], strlen(exam->skills[i]));
        fits = fits && skills[i];
    }
    run->exam = copy;
    for (int i = ET_TIER_CLUTTERED; i < ET_N_TIERS; i++)
        run->stage.world.has_litter = run->stage.world.has_litter || exam->weights[i] > 0;
    return fits ? ET_OK : et_arena_fail(run->arena, "an exam", err);
}

/* Where a policy's folder is, wherever one is when the exam is taken up again. */
static enum et_status keep_path(struct et_exam_run *run, struct et_err *err)
{
    char *whole = et_stage_is_remote(run->stage.policy) ? NULL : realpath(run->stage.policy, NULL);
    const char *path = whole ? whole : run->stage.policy; // what is not there is told on opening
    run->stage.policy = et_arena_copy(run->arena, path, strlen(path));
    free(whole);
    return run->stage.policy ? ET_OK : et_arena_fail(run->arena, "an exam", err);
}

/* What the numbers of a skill's scenes are called, for who reads the ledger without a world. */
static bool keep_names(struct et_exam_run *run, size_t i_skill)
{
    size_t n;
    const char *const *names = et_world_task_names(run->asked.world, &n);
    struct et__scene_names *kept = &run->scenes[i_skill];
    const char **copies = et_arena_array(run->arena, n + 1, sizeof *copies);
    bool fits = copies != NULL;
    for (size_t i = 0; fits && i < n; i++) {
        copies[i] = et_arena_copy(run->arena, names[i], strlen(names[i]));
        fits = copies[i] != NULL;
    }
    *kept = (struct et__scene_names){copies, fits && n <= ET_EXAM_SCENE_MAX ? n : 0};
    return fits;
}

/* The policy, and whether it fits into every skill's world. */
static enum et_status ask_policy(struct et_exam_run *run, struct et_err *err)
{
    struct et_stage_options *o = &run->stage;
    if (!o->world.robot) {
        struct et_stage alone;
        const enum et_status st = et_stage_ask(
            &alone, o, et_stage_is_remote(o->policy) ? run->exam->skills[0] : NULL, err);
        if (st != ET_OK)
            return st;
        const char *robot = et_policy_info(alone.policy)->robot;
        o->world.robot =
            et_arena_copy(run->arena, robot ? robot : ROBOT, strlen(robot ? robot : ROBOT));
        et_stage_close(&alone);
        if (!o->world.robot)
            return et_arena_fail(run->arena, "an exam", err);
    }
    for (size_t i = 0; i < run->exam->n_skills; i++) {
        struct et_err why = {0};
        et_stage_close(&run->asked);
        const enum et_status st = et_stage_open(&run->asked, o, run->exam->skills[i], &why);
        if (st != ET_OK)
            return et_fail(err, st, -1, "%s: %s", run->exam->skills[i], why.text);
        if (!keep_names(run, i))
            return et_arena_fail(run->arena, "an exam", err);
    }
    // Of it the numbers that were learned are wanted, no more.
    et_rollout_close(run->asked.rollout);
    run->asked.rollout = NULL;
    return ET_OK;
}

static enum et_status digest_of_policy(const struct et_exam_run *run, struct et_digest *digest,
                                       struct et_err *err)
{
    *digest = (struct et_digest){0};
    return et_stage_is_remote(run->stage.policy)
               ? ET_OK
               : et__policy_digest(et_policy_info(run->asked.policy)->path, digest, err);
}

/* Of the key, the exam, the policy and the attempt; without a key by chance. */
static enum et_status make_secret(struct et_exam_run *run, const struct et_exam_run_options *o,
                                  const struct et_digest *policy, struct et_err *err)
{
    uint8_t seed[ET_KEY_BYTES];
    struct et_buf purpose = et_buf(ET__LEDGER_LINE_MAX);
    struct et_json_writer w = {.buf = &purpose};
    if (!o->key) {
        et_key_new(&run->secret);
        return ET_OK;
    }
    et_buf_printf(&purpose, "etude exam %llu ", (unsigned long long)o->attempt);
    et_buf_put(&purpose, policy->bytes, sizeof policy->bytes);
    if (et_stage_is_remote(run->stage.policy))
        et_buf_puts(&purpose, run->stage.policy);
    et__policy_how_put(&w, &run->stage.how, et_stage_is_remote(run->stage.policy));
    enum et_status st = et_exam_put(&w, run->exam, run->stage.world.robot, err);
    if (st == ET_OK)
        st = et_buf_check(&purpose, "an exam", err);
    if (st == ET_OK) {
        et_key_derive(o->key, purpose.p, purpose.n, seed);
        et_key_of_seed(&run->secret, seed);
    }
    et_buf_free(&purpose);
    return st;
}

/* The public half of the key that seeds are drawn by, so that whoever sees it can tell whose. */
static const char *name_of(const uint8_t seed[ET_KEY_BYTES], char text[ET_KEY_TEXT_CHARS + 1])
{
    struct et_secret_key key;
    et_key_of_seed(&key, seed);
    et_key_text(&key.public, text);
    et_key_wipe(&key);
    return text;
}

static void put_names(struct et_json_writer *w, const struct et_exam_run *run)
{
    et_json_key(w, "scenes");
    et_json_open_map(w);
    for (size_t i = 0; i < run->exam->n_skills; i++) {
        et_json_key(w, run->exam->skills[i]);
        et_json_open_list(w);
        for (size_t k = 0; k < run->scenes[i].n; k++)
            et_json_text(w, run->scenes[i].names[k]);
        et_json_close_list(w);
    }
    et_json_close_map(w);
}

static enum et_status put_head(struct et_exam_run *run, const struct et_exam_run_options *o,
                               const struct et_digest *policy, struct et_err *err)
{
    const struct et_policy_info *info = et_policy_info(run->asked.policy);
    const struct et_digest commitment = et_exam_commitment(run->secret.seed);
    const bool is_remote = et_stage_is_remote(run->stage.policy);
    char text[ET__DIGEST_CHARS], by[ET_KEY_TEXT_CHARS + 1];
    struct et_buf buf = et_buf(ET__LEDGER_LINE_MAX);
    struct et_json_writer w = {.buf = &buf};
    et_json_open_map(&w);
    et_json_put_int(&w, "ledger", 1);
    et_json_put_text(&w, "program", "etude " ET_VERSION);
    et_json_key(&w, "exam");
    enum et_status st = et_exam_put(&w, run->exam, run->stage.world.robot, err);
    et_json_key(&w, "policy");
    et_json_open_map(&w);
    et_json_put_text(&w, "path", run->stage.policy);
    et_json_put_text(&w, "kind", info->kind);
    et_json_put_text(&w, "dataset", info->dataset);
    et_digest_text(policy, text);
    et_json_put_text(&w, "digest", is_remote ? NULL : text);
    et_json_put_bool(&w, "privileged", info->is_privileged);
    et_json_key(&w, "how");
    et__policy_how_put(&w, &run->stage.how, is_remote);
    et_json_close_map(&w);
    put_names(&w, run);
    et_json_put_int(&w, "attempt", (int64_t)o->attempt);
    et_json_put_text(&w, "drawn_by", o->key ? name_of(o->key, by) : NULL);
    et_digest_text(&commitment, text);
    et_json_put_text(&w, "commitment", text);
    et_json_close_map(&w);
    if (st == ET_OK)
        return et__run_put(run, "head", &buf, err);
    et_buf_free(&buf);
    return st;
}

static enum et_status paths(struct et_exam_run *run, const char *folder, const char **ledger,
                            const char **secret, struct et_err *err)
{
    *ledger = et_path_join(run->arena, folder, ET__LEDGER_FILE);
    *secret = et_path_join(run->arena, folder, SECRET_FILE);
    return *ledger && *secret ? ET_OK : et_arena_fail(run->arena, "an exam", err);
}

/* ---- beginning ---- */

/* A ledger has begun once its head is whole: what a crash left before is nothing. */
static enum et_status has_begun(struct et_exam_run *run, const char *ledger, bool *begun,
                                struct et_err *err)
{
    enum et_path_kind kind = ET_PATH_NONE;
    struct et_file *file = NULL;
    const struct et_arena_mark mark = et_arena_mark(run->arena);
    char *text = et_arena_alloc(run->arena, 2 * ET__LEDGER_LINE_MAX);
    size_t n = 0;
    *begun = false;
    enum et_status st =
        text ? et_path_kind(ledger, &kind, err) : et_arena_fail(run->arena, "an exam", err);
    if (st != ET_OK || kind == ET_PATH_NONE)
        return st;
    st = et_file_open(&file, ledger, ET_FILE_READ, err);
    if (st == ET_OK)
        st = et_file_read_at(file, 0, text, 2 * ET__LEDGER_LINE_MAX, &n, err);
    et_file_close(file);
    *begun = st == ET_OK && memchr(text, '\n', n);
    et_arena_rewind(run->arena, mark);
    return st;
}

/* Of an exam that has not begun nothing is left. */
static void clear(struct et_exam_run *run, const char *ledger, const char *secret)
{
    const char *public = et_arena_printf(run->arena, "%s" ET_KEY_PUBLIC_SUFFIX, secret);
    (void)!et_path_remove(ledger, NULL);
    (void)!et_path_remove(secret, NULL);
    if (public)
        (void)!et_path_remove(public, NULL);
}

static enum et_status new_run(struct et_exam_run **run, const struct et_exam_run_options *options,
                              struct et_err *err)
{
    *run = calloc(1, sizeof **run);
    if (!*run)
        return et_fail(err, ET_ENOMEM, -1, "no memory for an exam");
    (*run)->lock = -1;
    (*run)->stage = options->stage;
    (*run)->is_cancelled = options->is_cancelled;
    return et_arena_open(&(*run)->arena, ARENA_BYTES, err);
}

static enum et_status open_run(struct et_exam_run *run, const char *folder,
                               const struct et_exam_run_options *o, struct et_err *err)
{
    const char *ledger, *secret;
    struct et_digest policy;
    bool begun = false;
    if (o->exam.n_skills == 0)
        return et_fail(err, ET_EARG, -1, "the exam %.60s names no skill: say one", o->exam.id);
    enum et_status st = copy_exam(run, &o->exam, err);
    if (st == ET_OK)
        st = keep_path(run, err);
    if (st == ET_OK)
        st = paths(run, folder, &ledger, &secret, err);
    if (st == ET_OK)
        st = has_begun(run, ledger, &begun, err);
    if (st == ET_OK && begun)
        st = et_fail(err, ET_EEXISTS, -1, "%.200s holds an exam already", folder);
    if (st == ET_OK)
        st = et__tally_open(&run->tally, run->exam, run->arena, err);
    if (st == ET_OK)
        st = ask_policy(run, err);
    if (st == ET_OK)
        st = digest_of_policy(run, &policy, err);
    if (st == ET_OK)
        st = make_secret(run, o, &policy, err);
    if (st == ET_OK)
        st = et__run_open_workers(run, o->n_threads, err);
    if (st == ET_OK)
        st = et_dir_make(folder, err);
    if (st == ET_OK)
        st = et_dir_lock(folder, &run->lock, err);
    if (st == ET_OK) // somebody may have begun one since
        st = has_begun(run, ledger, &begun, err);
    if (st == ET_OK && begun)
        st = et_fail(err, ET_EEXISTS, -1, "%.200s holds an exam already", folder);
    if (st != ET_OK)
        return st;
    clear(run, ledger, secret);
    st = et_key_save(&run->secret, secret, err);
    if (st == ET_OK)
        st = et__ledger_create(&run->ledger, ledger, err);
    if (st == ET_OK)
        st = put_head(run, o, &policy, err);
    if (st == ET_OK)
        st = et_dir_sync(folder, err);
    if (st != ET_OK)
        clear(run, ledger, secret);
    return st;
}

enum et_status et_exam_run_open(struct et_exam_run **run, const char *folder,
                                const struct et_exam_run_options *options, struct et_err *err)
{
    struct et_exam_run *r = NULL;
    *run = NULL;
    enum et_status st = new_run(&r, options, err);
    if (st == ET_OK)
        st = open_run(r, folder, options, err);
    if (st == ET_OK)
        *run = r;
    else
        et_exam_run_close(r);
    return st;
}

/* ---- taking up again ---- */

static const char *text_of(const struct et_value *map, const char *key)
{
    return et_value_text(et_value_get(map, key), "");
}

/* What is read, beside the run that it becomes. */
struct reading {
    struct et_exam_run *run;
    struct et_digest policy;
    bool has_policy;
};

/* Skills that were edited since are other skills. */
static enum et_status compare_exam(const struct et_exam_run *run, const struct et_value *then,
                                   struct et_arena *arena, struct et_err *err)
{
    struct et_buf put = et_buf(ET__LEDGER_LINE_MAX), was = et_buf(ET__LEDGER_LINE_MAX);
    struct et_buf is = et_buf(ET__LEDGER_LINE_MAX);
    struct et_json_writer w = {.buf = &put};
    const struct et_value *now = NULL;
    enum et_status st = et_exam_put(&w, run->exam, run->stage.world.robot, err);
    if (st == ET_OK)
        st = et_buf_check(&put, "an exam", err);
    if (st == ET_OK)
        st = et_json_parse(et_buf_str(&put), NULL, arena, &now, err);
    if (st == ET_OK)
        st = et_json_canonical(&is, now, err);
    if (st == ET_OK)
        st = et_json_canonical(&was, then, err);
    if (st == ET_OK && !et_str_eq(et_buf_str(&is), et_buf_str(&was)))
        st = et_fail(err, ET_EARG, -1, "a skill of the exam is not what it was when it began");
    et_buf_free(&put);
    et_buf_free(&was);
    et_buf_free(&is);
    return st;
}

static enum et_status take_head(struct reading *r, const struct et_value *head,
                                struct et_arena *arena, struct et_err *err)
{
    struct et_exam_run *run = r->run;
    const struct et_exam *exam = NULL;
    struct et_digest commitment;
    const struct et_digest wanted = et_exam_commitment(run->secret.seed);
    const struct et_value *policy = et_value_get(head, "policy");
    const char *robot = text_of(et_value_get(head, "exam"), "robot");
    if (et_value_int(et_value_get(head, "ledger"), 0) != 1)
        return et_fail(err, ET_ECORRUPT, -1, "no ledger that we know");
    enum et_status st = et_exam_take(et_value_get(head, "exam"), arena, &exam, err);
    if (st != ET_OK)
        return st;
    if (!et_digest_of_text(et_str(text_of(head, "commitment")), &commitment) ||
        memcmp(commitment.bytes, wanted.bytes, sizeof wanted.bytes) != 0)
        return et_fail(err, ET_ECORRUPT, -1, "it is of another secret than " SECRET_FILE);
    st = copy_exam(run, exam, err);
    run->stage.policy = text_of(policy, "path");
    run->stage.world.robot = et_arena_copy(run->arena, robot, strlen(robot));
    r->has_policy = et_digest_of_text(et_str(text_of(policy, "digest")), &r->policy);
    if (st == ET_OK)
        st = et__policy_how_take(et_value_get(policy, "how"), run->arena, &run->stage.how,
                                 &run->remote, err);
    if (st == ET_OK)
        st = keep_path(run, err);
    if (st == ET_OK && !run->stage.world.robot)
        st = et_arena_fail(run->arena, "an exam", err);
    if (st == ET_OK)
        st = compare_exam(run, et_value_get(head, "exam"), arena, err);
    if (st == ET_OK)
        st = et__tally_open(&run->tally, run->exam, run->arena, err);
    run->has_head = st == ET_OK;
    return st;
}

static enum et_status take_trial(struct et_exam_run *run, const struct et_value *map,
                                 struct et_err *err)
{
    struct et_exam_trial *t = &run->last;
    enum et_status st = et__trial_take(map, run->exam, t, err);
    if (st != ET_OK)
        return st;
    st = et__tally_check(&run->tally, run->secret.seed, t, err);
    if (st == ET_OK)
        et__tally_count(&run->tally, t);
    return st;
}

static enum et_status take_line(void *ctx, const struct et_value *line, struct et_arena *arena,
                                struct et_err *err)
{
    struct reading *r = ctx;
    struct et_exam_run *run = r->run;
    const struct et_value *head = et_value_get(line, "head"), *trial = et_value_get(line, "trial");
    const struct et_value *end = et_value_get(line, "end");
    if (run->is_over || (head != NULL) == run->has_head)
        return et_fail(err, ET_ECORRUPT, -1, "a line where none is due");
    if (head)
        return take_head(r, head, arena, err);
    if (trial)
        return take_trial(run, trial, err);
    const char *verdict = text_of(end, "verdict");
    if (!end || et_exam_run_verdict(run) == ET_EXAM_GOES_ON ||
        strcmp(verdict, et__verdict_word(et_exam_run_verdict(run))) != 0)
        return et_fail(err, ET_ECORRUPT, -1, "it ends otherwise than its trials say");
    run->is_over = true;
    return ET_OK;
}

static enum et_status resume_run(struct et_exam_run *run, const char *folder, unsigned n_threads,
                                 struct et_err *err)
{
    const char *ledger, *secret;
    struct et_digest policy;
    struct reading reading = {.run = run};
    enum et_status st = paths(run, folder, &ledger, &secret, err);
    if (st == ET_OK)
        st = et_dir_lock(folder, &run->lock, err);
    if (st == ET_OK)
        st = et_key_load(secret, &run->secret, err);
    if (st == ET_OK)
        st = et__ledger_read(&run->ledger, ledger, take_line, &reading, err);
    if (st == ET_OK && !run->has_head)
        st = et_fail(err, ET_ECORRUPT, -1, "%.200s holds no exam (etude exam run begins one)",
                     ledger);
    if (st != ET_OK || run->is_over)
        return st;
    st = ask_policy(run, err);
    if (st == ET_OK)
        st = digest_of_policy(run, &policy, err);
    if (st == ET_OK && reading.has_policy &&
        memcmp(policy.bytes, reading.policy.bytes, sizeof policy.bytes) != 0)
        st =
            et_fail(err, ET_EARG, -1, "the policy in %.200s is not what it was when the exam began",
                    run->stage.policy);
    if (st == ET_OK)
        st = et__run_open_workers(run, n_threads, err);
    return st == ET_OK ? et__ledger_append(&run->ledger, err) : st;
}

enum et_status et_exam_run_resume(struct et_exam_run **run, const char *folder,
                                  const struct et_exam_run_options *options, struct et_err *err)
{
    struct et_exam_run *r = NULL;
    *run = NULL;
    enum et_status st = new_run(&r, options, err);
    if (st == ET_OK)
        st = resume_run(r, folder, options->n_threads, err);
    if (st == ET_OK)
        *run = r;
    else
        et_exam_run_close(r);
    return st;
}

void et_exam_run_close(struct et_exam_run *run)
{
    if (!run)
        return;
    et__run_close_workers(run);
    et_stage_close(&run->asked); // after those who share its numbers
    et__tally_close(&run->tally);
    et__ledger_close(&run->ledger);
    et_dir_unlock(run->lock);
    et_key_wipe(&run->secret);
    et_arena_close(run->arena);
    free(run);
}
