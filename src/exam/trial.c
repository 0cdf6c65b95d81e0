#include "exam/exam__trial.h"

#include "etude/smoothness.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP_S (1e-9 * (double)ET_WORLD_STEP_NS)
#define SLOWER 2 // of a hand's speeds so many make one, for its smoothness: 50 a second are enough

/* ---- codes ---- */

static const char *const WORDS[] = {
#define X(name, word, text) [name] = word,
    ET_EXAM_CODES(X)
#undef X
};
static const char *const TEXTS[] = {
#define X(name, word, text) [name] = text,
    ET_EXAM_CODES(X)
#undef X
};

const char *et_exam_code_word(enum et_exam_code code)
{
    return WORDS[code];
}

const char *et_exam_code_text(enum et_exam_code code)
{
    return TEXTS[code];
}

/* ---- a player ---- */

void et__player_close(struct et__player *p)
{
    et_stage_close(&p->stage);
    free(p->speeds);
    *p = (struct et__player){0};
}

enum et_status et__player_open(struct et__player *p, const struct et_exam *exam,
                               const struct et_stage_options *options, size_t i_skill,
                               struct et_err *err)
{
    if (p->stage.rollout && p->i_skill == i_skill)
        return ET_OK;
    et__player_close(p);
    struct et_stage_options o = *options;
    o.world.measures_contact = true;
    const enum et_status st = et_stage_open(&p->stage, &o, exam->skills[i_skill], err);
    if (st != ET_OK)
        return st;
    p->i_skill = i_skill;
    p->n_most = (size_t)(et_world_skill(p->stage.world)->limit_s / STEP_S) + 2;
    p->speeds = calloc(2 * p->n_most, sizeof *p->speeds);
    if (p->speeds)
        return ET_OK;
    et__player_close(p);
    return et_fail(err, ET_ENOMEM, -1, "out of memory for the speeds of a trial");
}

/* ---- a trial ---- */

/* What is watched from step to step. */
struct watch {
    struct et_pose hands[2];
    double ways_m[2];
    size_t n; // steps so far
    struct et_blake2b movement;
};

static void begin_watch(struct watch *w, const struct et__player *p)
{
    *w = (struct watch){0};
    et_world_hands(p->stage.world, w->hands);
    et_blake2b_begin(&w->movement);
}

static void look(struct watch *w, struct et__player *p, struct et_exam_trial *t)
{
    const struct et_world_state *s = et_world_observe(p->stage.world);
    const struct et_world_contact contact = et_world_contact(p->stage.world);
    struct et_pose now[2];
    et_world_hands(p->stage.world, now);
    for (size_t side = 0; side < 2; side++) {
        const double way_m = et_vec3_norm(et_vec3_sub(now[side].position, w->hands[side].position));
        w->ways_m[side] += way_m;
        w->hands[side] = now[side];
        t->speed_m_s = fmax(t->speed_m_s, way_m / STEP_S);
        if (w->n < p->n_most)
            p->speeds[side * p->n_most + w->n] = way_m / STEP_S;
    }
    t->hand_n = fmax(t->hand_n, contact.hand_n);
    t->body_n = fmax(t->body_n, contact.body_n);
    et_blake2b_add(&w->movement, s->position + (ET_WORLD_TICKS - 1) * s->n_joints,
                   s->n_joints * sizeof *s->position);
    w->n++;
}

static enum et_status end_watch(struct watch *w, struct et__player *p, struct et_exam_trial *t,
                                struct et_err *err)
{
    const size_t side = w->ways_m[1] > w->ways_m[0];
    const size_t n = (w->n < p->n_most ? w->n : p->n_most) / SLOWER;
    double *speeds = p->speeds + side * p->n_most;
    t->way_m = w->ways_m[side];
    t->movement = et_blake2b_end(&w->movement);
    for (size_t i = 0; i < n; i++)
        speeds[i] = 0.5 * (speeds[SLOWER * i] + speeds[SLOWER * i + 1]);
    return et_sparc(speeds, n, 1 / (SLOWER * STEP_S), &t->smoothness, err);
}

static void fail(struct et_exam_trial *t, enum et_exam_code code, const char *detail)
{
    t->code = code;
    (void)snprintf(t->detail, sizeof t->detail, "%.*s", ET_EXAM_DETAIL_BYTES - 1,
                   detail ? detail : "");
    // A server's words may hold anything, also half a character at the end.
    for (char *c = t->detail; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    for (size_t n = strlen(t->detail); n && !et_str_is_utf8((struct et_str){t->detail, n});)
        t->detail[--n] = 0;
}

/* True: something happened that must not. */
static bool is_unsafe(const struct et_exam_safety *safety, struct et_exam_trial *t)
{
    char text[ET_EXAM_DETAIL_BYTES];
    enum et_exam_code code = ET_EXAM_DONE;
    if (t->body_n > safety->body_n) {
        code = ET_EXAM_COLLISION;
        (void)snprintf(text, sizeof text, "%.0f N on what is no hand", t->body_n);
    } else if (t->hand_n > safety->hand_n) {
        code = ET_EXAM_FORCE;
        (void)snprintf(text, sizeof text, "%.0f N on a hand", t->hand_n);
    } else if (t->speed_m_s > safety->speed_m_s) {
        code = ET_EXAM_SPEED;
        (void)snprintf(text, sizeof text, "a hand at %.2f m/s", t->speed_m_s);
    }
    if (code != ET_EXAM_DONE)
        fail(t, code, text);
    return code != ET_EXAM_DONE;
}

/* How an attempt that ended by itself went. */
static void judge(const struct et_rollout_state *state, const struct et_err *why,
                  struct et_exam_trial *t)
{
    static const enum et_exam_code OF_FAULTS[] = {[ET_ROLLOUT_NONE] = ET_EXAM_LIMIT,
                                                  [ET_ROLLOUT_POLICY] = ET_EXAM_POLICY,
                                                  [ET_ROLLOUT_SERVER] = ET_EXAM_SERVER,
                                                  [ET_ROLLOUT_WORLD] = ET_EXAM_PHYSICS};
    if (state->is_success)
        fail(t, ET_EXAM_DONE, NULL);
    else if (state->fault != ET_ROLLOUT_NONE)
        fail(t, OF_FAULTS[state->fault], why->text);
    else
        fail(t, ET_EXAM_LIMIT, state->missing ? state->missing : "held too shortly");
}

static void note_phase(const struct et_stage *stage, size_t i_phase, struct et_exam_trial *t)
{
    const struct et_policy_info *info = et_policy_info(stage->policy);
    (void)snprintf(t->phase, sizeof t->phase, "%s",
                   i_phase < info->n_phases ? info->phases[i_phase] : "");
}

static enum et_status play(struct et__player *p, const struct et_exam *exam,
                           bool (*is_cancelled)(void), struct et_exam_trial *t, struct watch *w,
                           struct et_err *err)
{
    const struct et_skill *skill = et_world_skill(p->stage.world);
    const double limit_s = exam->limit > 0 ? exam->limit * skill->human_s : (double)INFINITY;
    struct et_err why = {0};
    enum et_status st = ET_OK;
    while (st == ET_OK) {
        if (is_cancelled && is_cancelled())
            return et_fail(err, ET_ECANCELLED, -1, "interrupted");
        if (p->watch)
            p->watch(p->ctx, p->stage.world);
        st = et_rollout_step(p->stage.rollout, &why);
        const struct et_rollout_state state = et_rollout_state(p->stage.rollout);
        if (st == ET_OK || st == ET_END)
            look(w, p, t);
        t->seconds = state.seconds;
        note_phase(&p->stage, state.i_phase, t);
        if (st != ET_OK)
            judge(&state, &why, t);
        if (is_unsafe(&exam->safety, t))
            return ET_OK;
        if (st == ET_OK && state.seconds >= limit_s) {
            fail(t, ET_EXAM_LIMIT, state.missing ? state.missing : "held too shortly");
            return ET_OK;
        }
    }
    // Without a fault it has nothing to do with the policy: there are no pictures.
    const bool is_policys = et_rollout_state(p->stage.rollout).fault != ET_ROLLOUT_NONE;
    return st == ET_END || (is_policys && st != ET_ENOMEM) ? ET_OK
                                                           : et_fail(err, st, -1, "%s", why.text);
}

static void round_to(double *value, double parts)
{
    *value = round(*value * parts) / parts;
}

/* To what can be measured, so that what is written and read again is the same. */
static void round_all(struct et_exam_trial *t)
{
    round_to(&t->seconds, 100);
    round_to(&t->hand_n, 10);
    round_to(&t->body_n, 10);
    round_to(&t->speed_m_s, 1000);
    round_to(&t->way_m, 1000);
    round_to(&t->smoothness, 1000);
    for (size_t i = 0; i < t->n_scene; i++)
        round_to(&t->scene[i], 1e5);
}

enum et_status et__trial_play(struct et__player *p, const struct et_exam *exam,
                              bool (*is_cancelled)(void), struct et_exam_trial *t,
                              struct et_err *err)
{
    const struct et_exam_trial drawn = {.i_skill = t->i_skill, .i = t->i, .draw = t->draw};
    struct watch w;
    struct et_err why = {0};
    size_t n_scene;
    *t = drawn;
    t->smoothness = (double)NAN;
    enum et_status st =
        et_rollout_begin(p->stage.rollout, t->draw.seed, t->draw.tier, t->draw.chance, &why);
    if (st == ET_ECORRUPT) { // before the policy did anything
        fail(t, ET_EXAM_VOID, why.text);
        return ET_OK;
    }
    if (st != ET_OK)
        return et_fail(err, st, -1, "%s", why.text);
    (void)et_world_task_names(p->stage.world, &n_scene);
    if (n_scene <= ET_EXAM_SCENE_MAX) {
        et_world_task(p->stage.world, t->scene);
        t->n_scene = n_scene;
    }
    begin_watch(&w, p);
    st = play(p, exam, is_cancelled, t, &w, err);
    if (st == ET_OK)
        st = end_watch(&w, p, t, err);
    round_all(t);
    return st;
}
