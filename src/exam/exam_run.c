#include "exam/exam__run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- standing ---- */

const struct et_exam *et_exam_run_exam(const struct et_exam_run *run)
{
    return run->exam;
}

struct et_digest et_exam_run_commitment(const struct et_exam_run *run)
{
    return et_exam_commitment(run->secret.seed);
}

const char *et_exam_run_robot(const struct et_exam_run *run)
{
    return run->stage.world.robot;
}

struct et_exam_standing et_exam_run_standing(const struct et_exam_run *run, size_t i_skill)
{
    return et__tally_standing(&run->tally, i_skill);
}

enum et_exam_verdict et_exam_run_verdict(const struct et_exam_run *run)
{
    return et__tally_verdict(&run->tally);
}

/* ---- the ledger's lines ---- */

enum et_status et__run_put(struct et_exam_run *run, const char *key, struct et_buf *buf,
                           struct et_err *err)
{
    enum et_status st = et_buf_check(buf, "a line of the ledger", err);
    if (st == ET_OK)
        st = et__ledger_put(&run->ledger, key, et_buf_str(buf), err);
    et_buf_free(buf);
    return st;
}

static enum et_status put_trial(struct et_exam_run *run, const struct et_exam_trial *t,
                                struct et_err *err)
{
    struct et_buf buf = et_buf(ET__LEDGER_LINE_MAX);
    struct et_json_writer w = {.buf = &buf};
    et__trial_put(&w, t, run->exam->skills[t->i_skill], true);
    return et__run_put(run, "trial", &buf, err);
}

/* The end, which tells the secret: from now on everybody may draw the seeds. */
static enum et_status put_end(struct et_exam_run *run, struct et_err *err)
{
    struct et_digest secret;
    char text[ET__DIGEST_CHARS];
    struct et_buf buf = et_buf(ET__LEDGER_LINE_MAX);
    struct et_json_writer w = {.buf = &buf};
    memcpy(secret.bytes, run->secret.seed, sizeof secret.bytes);
    et_digest_text(&secret, text);
    et_json_open_map(&w);
    et_json_put_text(&w, "verdict", et__verdict_word(et_exam_run_verdict(run)));
    et_json_put_text(&w, "secret", text);
    et_json_close_map(&w);
    const enum et_status st = et__run_put(run, "end", &buf, err);
    run->is_over = st == ET_OK;
    return st;
}

/* ---- playing ---- */

static enum et_status work(void *ctx, size_t i, unsigned worker, struct et_err *err)
{
    struct et_exam_run *run = ctx;
    struct et__player *player = &run->players[worker];
    struct et_exam_trial *t = &run->waiting[i % run->job.window];
    *t = (struct et_exam_trial){.i_skill = run->i_part, .i = run->first + i};
    t->draw = et_exam_draw(run->exam, run->secret.seed, run->exam->skills[t->i_skill], t->i);
    struct et_stage_options stage = run->stage;
    const bool is_remote = et_stage_is_remote(stage.policy);
    stage.how.like = is_remote ? NULL : run->asked.policy;
    struct et_err why = {0};
    enum et_status st = et__player_open(player, run->exam, &stage, t->i_skill, &why);
    if (st != ET_OK && is_remote && st != ET_ENOMEM) { // it was there when the exam began
        t->code = ET_EXAM_SERVER;
        (void)snprintf(t->detail, sizeof t->detail, "%.*s", ET_EXAM_DETAIL_BYTES - 1, why.text);
        t->smoothness = (double)NAN;
        return ET_OK;
    }
    if (st != ET_OK)
        return et_fail(err, st, -1, "%s", why.text);
    return et__trial_play(player, run->exam, run->is_cancelled, t, err);
}

static enum et_status take(void *ctx, size_t i, struct et_err *err)
{
    struct et_exam_run *run = ctx;
    (void)err;
    run->last = run->waiting[i % run->job.window];
    return ET_OK;
}

static enum et_status begin_part(struct et_exam_run *run, struct et_err *err)
{
    const struct et_exam_standing now = et__tally_standing(&run->tally, run->i_part);
    run->first = et__tally_next(&run->tally);
    run->n_taken = 0;
    run->job.n_tasks = (size_t)run->exam->rule.trials_max - now.n_hits - now.n_failures +
                       ET_EXAM_VOIDS_MAX - now.n_void;
    const enum et_status st = et_pool_begin(run->pool, &run->job, err);
    run->is_playing = st == ET_OK;
    return st;
}

static void end_part(struct et_exam_run *run)
{
    if (!run->is_playing)
        return;
    et_pool_stop(run->pool, &run->job);
    run->is_playing = false;
}

enum et_status et_exam_run_next(struct et_exam_run *run, const struct et_exam_trial **trial,
                                struct et_err *err)
{
    enum et_status st = ET_OK;
    *trial = NULL;
    if (run->i_part != run->tally.i_part) {
        end_part(run);
        run->i_part = run->tally.i_part;
    }
    if (run->i_part == run->exam->n_skills) {
        if (!run->is_over)
            st = put_end(run, err);
        return st == ET_OK ? ET_END : st;
    }
    if (!run->is_playing)
        st = begin_part(run, err);
    if (st == ET_OK && run->n_taken == run->job.n_tasks)
        st = et_fail(err, ET_ECORRUPT, -1, "%s: %d trials could not be tried, the last: %s",
                     run->exam->skills[run->i_part], ET_EXAM_VOIDS_MAX, run->last.detail);
    if (st == ET_OK)
        st = et_pool_take(run->pool, &run->job, run->n_taken, err);
    if (st == ET_OK)
        st = put_trial(run, &run->last, err);
    if (st != ET_OK) {
        end_part(run);
        return st;
    }
    run->n_taken++;
    et__tally_count(&run->tally, &run->last);
    *trial = &run->last;
    return ET_OK;
}

/* ---- workers ---- */

static bool sees_pictures(const struct et_policy_info *info)
{
    return info->i_first_picture < info->n_inputs;
}

enum et_status et__run_open_workers(struct et_exam_run *run, unsigned n_threads, struct et_err *err)
{
    n_threads = sees_pictures(et_policy_info(run->asked.policy)) ? 1 : n_threads;
    const enum et_status st = et_pool_open(&run->pool, n_threads, err);
    if (st != ET_OK)
        return st;
    const unsigned n = et_pool_threads(run->pool);
    run->job = (struct et_pool_job){.window = 2 * n, .work = work, .take = take, .ctx = run};
    run->players = et_arena_array(run->arena, n, sizeof *run->players);
    run->waiting = et_arena_array(run->arena, run->job.window, sizeof *run->waiting);
    return run->players && run->waiting ? ET_OK : et_arena_fail(run->arena, "an exam", err);
}

void et__run_close_workers(struct et_exam_run *run)
{
    if (!run->pool)
        return;
    end_part(run);
    for (unsigned i = 0; run->players && i < et_pool_threads(run->pool); i++)
        et__player_close(&run->players[i]);
    et_pool_close(run->pool);
}
