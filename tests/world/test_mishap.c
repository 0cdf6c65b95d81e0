/* What goes wrong on demand really does: measured in the world, not taken from what is told. */
#include "world/world__world.h"

#include "stage.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

#define STEPS_MAX 6000
#define JOINTS_MAX 64
#define AFTER_S 0.4 // that an episode is looked at when all is told

static struct et_err err;

/* What a step showed of the hand and the thing that the mishap speaks of. */
struct moment {
    double t_s;
    double z;              // of the thing
    double in_hand[3];     // the thing's middle, from the point between the fingers, its axes
    double hand[3];        // that point, in the room
    double opening, asked; // of the hand
    double touch[2];
    double hit_n; // of all that the robot touches
};

struct episode {
    struct et_trainer_mishap_state told;
    struct moment moments[2][STEPS_MAX]; // of each hand
    const struct moment *of_hand;        // those of the mishap's
    size_t n;
};

static double hit_n(const struct et_world *w)
{
    const int robot = w->model->body_rootid[w->base];
    double sum = 0;
    for (int i = 0; i < w->data->ncon; i++) {
        const mjContact *c = &w->data->contact[i];
        const int a = w->model->body_rootid[w->model->geom_bodyid[c->geom1]];
        const int b = w->model->body_rootid[w->model->geom_bodyid[c->geom2]];
        double force[6];
        mj_contactForce(w->model, w->data, i, force);
        sum += (a == robot) != (b == robot) ? force[0] : 0;
    }
    return sum;
}

static void look(const struct et_world *w, int side, int body, struct moment *m)
{
    const struct et_world_state *state = et_world_observe(w);
    const size_t last = ET_WORLD_TICKS - 1, i_hand = w->robot->hands[side].i_hand;
    const double *touch = state->touch + last * ET_WORLD_TOUCH_VALUES + 2 * side;
    const double *com = w->data->subtree_com + 3 * body;
    const int tcp = w->hands[side].tcp;
    double away[3];
    *m = (struct moment){.t_s = 1e-9 * (double)state->t_ns,
                         .z = com[2],
                         .opening = state->position[last * state->n_joints + i_hand],
                         .asked = state->command[last * state->n_joints + i_hand],
                         .touch = {touch[0], touch[1]},
                         .hit_n = hit_n(w)};
    mju_copy3(m->hand, w->data->site_xpos + 3 * tcp);
    mju_sub3(away, com, m->hand);
    mju_rotVecMatT(m->in_hand, away, w->data->site_xmat + 9 * tcp);
}

static bool play(struct stage *s, struct et_trainer_mishap mishap, uint64_t seed,
                 const char *object, struct episode *e)
{
    double action[JOINTS_MAX];
    const int body = mj_name2id(s->world->model, mjOBJ_BODY, object);
    e->n = 0;
    if (!CHECK(body >= 0) || !CHECK(et_trainer_plan(s->trainer, &mishap, 1, &err) == ET_OK))
        return false;
    if (!begin_stage(s, seed))
        return false;
    while (e->n < STEPS_MAX && et_trainer_act(s->trainer, action, &err) == ET_OK) {
        e->told = et_trainer_mishap_state(s->trainer, mishap.what);
        for (int side = ET__LEFT; side <= ET__RIGHT; side++)
            look(s->world, side, body, &e->moments[side][e->n]);
        if (e->told.was_tried && e->moments[0][e->n++].t_s > e->told.to_s + AFTER_S)
            break;
        e->n += !e->told.was_tried;
        CHECK_OK(et_world_step(s->world, action, &err));
    }
    if (!CHECK(e->told.was_tried))
        return false;
    e->of_hand = e->moments[strcmp(e->told.hand, "left") != 0];
    printf("# %s %s: %s by the %s hand, %.2f to %.2f s, %.4f of %g\n", et_world_skill(s->world)->id,
           et_world_robot(s->world), e->told.result, e->told.hand, e->told.from_s, e->told.to_s,
           e->told.reached, mishap.magnitude);
    return CHECK(e->told.has_happened);
}

static const struct moment *at(const struct episode *e, double t_s)
{
    size_t i = 0;
    while (i + 1 < e->n && e->of_hand[i].t_s < t_s - 1e-6)
        i++;
    return &e->of_hand[i];
}

struct testcase {
    const char *skill, *robot, *object;
    double magnitude;
    uint64_t seed;
};

typedef void judge(const struct episode *, const struct testcase *);

static void judge_all(enum et_mishap what, const struct testcase *cases, size_t n, judge *is_so)
{
    static struct episode e;
    for (size_t i = 0; i < n; i++) {
        struct stage s;
        if (open_stage(&s, cases[i].skill, cases[i].robot) &&
            play(&s, (struct et_trainer_mishap){what, cases[i].magnitude}, cases[i].seed,
                 cases[i].object, &e)) {
            CHECK_STR(e.told.object, cases[i].object);
            is_so(&e, &cases[i]);
        }
        close_stage(&s);
    }
}

/* ---- one a mishap ---- */

static void is_missed(const struct episode *e, const struct testcase *c)
{
    const struct moment *begin = at(e, e->told.from_s), *end = at(e, e->told.to_s);
    CHECK_STR(e->told.result, "missed");
    CHECK(e->told.reached > 0.8 * c->magnitude && e->told.reached < 1.2 * c->magnitude);
    CHECK(begin->asked > 0.03 && end->asked < 0.001);      // it closes
    CHECK(end->touch[0] == 0 || end->touch[1] == 0);       // and has nothing between
    CHECK(end->opening < 0.01);                            // the pads meet
    CHECK(at(e, e->told.to_s + 0.3)->asked >= end->asked); // it opens again
    CHECK(mju_norm3(begin->in_hand) > 0.5 * c->magnitude); // the thing is where it was
    CHECK(fabs(end->z - begin->z) < 0.01);
}

static void a_hand_closes_beside_the_thing(void)
{
    static const struct testcase CASES[] = {
        {"take_block", "etude-one", "block", 0.04, 1},
        {"take_block", "etude-two", "block", 0.08, 2},
        {"take_block", "h1-2", "block", 0.04, 3},
        {"take_bottle", "etude-one", "bottle", 0.08, 4},
        {"take_bottle", "etude-two", "bottle", 0.08, 5},
    };
    judge_all(ET_MISHAP_MISSED_GRASP, CASES, sizeof CASES / sizeof *CASES, is_missed);
}

static void slides(const struct episode *e, const struct testcase *c)
{
    const struct moment *begin = at(e, e->told.from_s), *end = at(e, e->told.to_s + 0.1);
    const double slid = mju_dist3(begin->in_hand, end->in_hand);
    CHECK_STR(e->told.result, "slid");
    CHECK(slid > 0.7 * c->magnitude && slid < c->magnitude + 0.008);
    CHECK_NEAR(slid, e->told.reached, 0.004);
    for (size_t i = 0; i < 2; i++)
        CHECK(begin->touch[i] > 0 && end->touch[i] > 0);
    CHECK_EQ(begin->asked, end->asked);
    CHECK(mju_dist3(end->in_hand, at(e, e->told.to_s + 0.3)->in_hand) < 0.003); // held again
}

static void what_is_carried_slides_in_the_hand(void)
{
    static const struct testcase CASES[] = {
        {"take_block", "etude-one", "block", 0.02, 1},
        {"take_block", "h1-2", "block", 0.01, 2},
        {"take_bottle", "etude-one", "bottle", 0.04, 3},
        {"take_bottle", "etude-two", "bottle", 0.02, 4},
    };
    judge_all(ET_MISHAP_SLIP, CASES, sizeof CASES / sizeof *CASES, slides);
}

static void falls(const struct episode *e, const struct testcase *c)
{
    const struct moment *begin = at(e, e->told.from_s), *end = at(e, e->told.to_s);
    CHECK_STR(e->told.result, "fell");
    CHECK(begin->touch[0] > 0 && begin->touch[1] > 0);
    CHECK(end->touch[0] == 0 || end->touch[1] == 0);
    CHECK(begin->z - end->z > 0.7 * c->magnitude);
    CHECK_NEAR(begin->z - end->z, e->told.reached, 0.01);
    for (double t_s = e->told.from_s; t_s <= e->told.to_s; t_s += 0.01)
        CHECK_EQ(at(e, t_s)->asked, begin->asked); // the hand stays closed
}

static void what_is_carried_falls_out_of_the_closed_hand(void)
{
    static const struct testcase CASES[] = {
        {"take_block", "etude-one", "block", 0.05, 1},
        {"take_block", "h1-2", "block", 0.1, 2},
        {"put_pan_on_stove", "etude-one", "pan", 0.05, 3},
        {"take_bottle", "etude-two", "bottle", 0.05, 4},
    };
    judge_all(ET_MISHAP_DROP, CASES, sizeof CASES / sizeof *CASES, falls);
}

static double speed_of(const struct episode *e, double t_s)
{
    return mju_dist3(at(e, t_s + 0.01)->hand, at(e, t_s - 0.01)->hand) / 0.02;
}

static void is_let_go(const struct episode *e, const struct testcase *c)
{
    const struct moment *begin = at(e, e->told.from_s);
    const struct moment *end = at(e, e->told.from_s + e->told.reached);
    CHECK_STR(e->told.result, "let go");
    CHECK(e->told.reached > 0.7 * c->magnitude && e->told.reached < c->magnitude + 0.05);
    CHECK(begin->asked < 0.001 && begin->touch[0] > 0 && begin->touch[1] > 0); // it holds
    CHECK(at(e, e->told.from_s + 0.1)->asked > begin->asked);                  // and opens,
    CHECK(speed_of(e, e->told.from_s) > 0.005);                                // on its way
    CHECK(end->touch[0] == 0 || end->touch[1] == 0);
    CHECK(mju_dist3(begin->hand, end->hand) > 0.001);
}

static void a_hand_opens_before_it_arrives(void)
{
    static const struct testcase CASES[] = {
        {"put_pan_on_stove", "etude-one", "pan", 0.5, 1},
        {"put_pan_on_stove", "etude-two", "pan", 0.2, 6},
        {"take_bottle", "etude-one", "bottle", 1, 3},
        {"take_bottle", "etude-two", "bottle", 0.5, 4},
    };
    judge_all(ET_MISHAP_EARLY_RELEASE, CASES, sizeof CASES / sizeof *CASES, is_let_go);
}

static void is_hit(const struct episode *e, const struct testcase *c)
{
    double most = 0, before = 0;
    CHECK_STR(e->told.result, "hit");
    CHECK(e->told.reached > 0.9 * c->magnitude && e->told.reached < 5 * c->magnitude);
    for (size_t i = 0; i < e->n; i++) {
        const struct moment *m = &e->of_hand[i];
        if (m->t_s >= e->told.from_s - 1e-6 && m->t_s <= e->told.to_s + 1e-6)
            most = fmax(most, m->hit_n);
        else if (m->t_s < e->told.from_s)
            before = fmax(before, m->hit_n);
    }
    CHECK(most > 0 && most <= e->told.reached + 1e-9); // of every fifth tick
    CHECK_EQ(before, 0.0);
}

static void a_hand_hits_what_stands_there(void)
{
    static const struct testcase CASES[] = {
        {"take_block", "etude-one", "table", 30, 1},
        {"take_block", "etude-two", "table", 10, 2},
        {"hang_cup", "etude-one", "desk", 100, 6},
        {"put_pan_on_stove", "etude-two", "stove", 100, 6},
    };
    judge_all(ET_MISHAP_COLLISION, CASES, sizeof CASES / sizeof *CASES, is_hit);
}

/* ---- nothing is left of it ---- */

static bool is_pristine(const struct et_world *w)
{
    const size_t n = (size_t)w->model->ngeom;
    return memcmp(w->model->geom_condim, w->pristine->geom_condim,
                  n * sizeof *w->model->geom_condim) == 0 &&
           memcmp(w->model->geom_priority, w->pristine->geom_priority,
                  n * sizeof *w->model->geom_priority) == 0;
}

// Steps until the hand is slippery; false: it never is.
static bool play_until_slippery(struct stage *s, uint64_t seed)
{
    double action[JOINTS_MAX];
    CHECK_OK(et_world_reset(s->world, seed, ET_TIER_VARIED, &err));
    CHECK_OK(et_trainer_begin(s->trainer, seed, &err));
    while (et_trainer_act(s->trainer, action, &err) == ET_OK) {
        if (!is_pristine(s->world))
            return true;
        CHECK_OK(et_world_step(s->world, action, &err));
    }
    return false;
}

static uint64_t hash_episode(struct stage *s, uint64_t seed)
{
    double action[JOINTS_MAX];
    uint64_t h = 0xcbf29ce484222325u;
    CHECK_OK(et_world_reset(s->world, seed, ET_TIER_VARIED, &err));
    CHECK_OK(et_trainer_begin(s->trainer, seed, &err));
    while (et_trainer_act(s->trainer, action, &err) == ET_OK) {
        CHECK_OK(et_world_step(s->world, action, &err));
        for (int i = 0; i < s->world->model->nq; i++) {
            uint64_t bits;
            memcpy(&bits, &s->world->data->qpos[i], sizeof bits);
            h = (h ^ bits) * 0x100000001b3u;
        }
    }
    return h;
}

static void a_reset_gives_hands_their_hold_back(void)
{
    const struct et_trainer_mishap drop = {ET_MISHAP_DROP, 0.05};
    struct stage s;
    if (open_stage(&s, "take_block", NULL)) {
        const uint64_t before = hash_episode(&s, 11);
        CHECK_OK(et_trainer_plan(s.trainer, &drop, 1, &err));
        CHECK(play_until_slippery(&s, 11));
        CHECK_OK(et_world_reset(s.world, 11, ET_TIER_CONTROLLED, &err));
        CHECK(is_pristine(s.world));
        const uint64_t with = hash_episode(&s, 11);
        CHECK(with != before && is_pristine(s.world));
        CHECK(hash_episode(&s, 11) == with); // the same seed, the same mishap
        CHECK_OK(et_trainer_plan(s.trainer, NULL, 0, &err));
        CHECK(hash_episode(&s, 11) == before);
    }
    close_stage(&s);
}

static void a_snapshot_has_the_hold_of_hands(void)
{
    const struct et_trainer_mishap drop = {ET_MISHAP_DROP, 0.05};
    struct stage s;
    double action[JOINTS_MAX];
    if (open_stage(&s, "take_block", NULL)) {
        void *held = malloc(et_world_snapshot_bytes(s.world));
        void *slippery = malloc(et_world_snapshot_bytes(s.world));
        CHECK_OK(et_trainer_plan(s.trainer, &drop, 1, &err));
        et_world_save(s.world, held);
        CHECK(play_until_slippery(&s, 12));
        et_world_save(s.world, slippery);
        while (!is_pristine(s.world) && et_trainer_act(s.trainer, action, &err) == ET_OK)
            CHECK_OK(et_world_step(s.world, action, &err));
        CHECK(is_pristine(s.world));
        et_world_restore(s.world, slippery);
        CHECK(!is_pristine(s.world));
        et_world_restore(s.world, held);
        CHECK(is_pristine(s.world));
        free(held);
        free(slippery);
    }
    close_stage(&s);
}

/* ---- what cannot be ---- */

static void what_a_skill_gives_no_occasion_to_is_refused(void)
{
    static const struct {
        const char *skill;
        enum et_mishap what;
        const char *says;
    } CASES[] = {
        {"press_button", ET_MISHAP_MISSED_GRASP, "in press_button no hand goes anywhere to grasp"},
        {"press_button", ET_MISHAP_SLIP, "in press_button no hand carries anything"},
        {"press_button", ET_MISHAP_DROP, "in press_button no hand carries anything"},
        {"press_button", ET_MISHAP_EARLY_RELEASE, "in press_button no hand puts anything down"},
        {"open_microwave", ET_MISHAP_DROP, "in open_microwave no hand carries anything"},
        {"take_block", ET_MISHAP_EARLY_RELEASE, "in take_block no hand puts anything down"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const struct et_trainer_mishap mishap = {CASES[i].what, 1};
        struct stage s;
        if (open_stage(&s, CASES[i].skill, NULL)) {
            CHECK_EQ(et_trainer_plan(s.trainer, &mishap, 1, &err), ET_EUNSUPPORTED);
            CHECK_HAS(err.text, CASES[i].says);
        }
        close_stage(&s);
    }
}

static void what_is_no_plan_is_refused(void)
{
    const struct et_trainer_mishap twice[] = {{ET_MISHAP_DROP, 0.1}, {ET_MISHAP_DROP, 0.2}};
    const struct et_trainer_mishap bad[] = {{ET_MISHAP_DROP, 0},
                                            {ET_MISHAP_DROP, (double)NAN},
                                            {ET_MISHAP_DROP, (double)INFINITY},
                                            {ET_N_MISHAPS, 1}};
    struct stage s;
    if (open_stage(&s, "take_block", NULL)) {
        CHECK_EQ(et_trainer_plan(s.trainer, twice, 2, &err), ET_EARG);
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
            CHECK_EQ(et_trainer_plan(s.trainer, &bad[i], 1, &err), ET_EARG);
        CHECK(!et_trainer_mishap_state(s.trainer, ET_MISHAP_DROP).was_tried);
        CHECK(!et_trainer_mishap_state(s.trainer, ET_N_MISHAPS).was_tried);
    }
    close_stage(&s);
}

// Higher than the hand ever is: the episode goes on, and nothing is claimed.
static void what_could_not_be_done_is_not_claimed(void)
{
    const struct et_trainer_mishap drop = {ET_MISHAP_DROP, 2};
    struct stage s;
    if (open_stage(&s, "take_block", NULL)) {
        CHECK_OK(et_trainer_plan(s.trainer, &drop, 1, &err));
        (void)hash_episode(&s, 1);
        const struct et_trainer_mishap_state told =
            et_trainer_mishap_state(s.trainer, ET_MISHAP_DROP);
        CHECK(!told.was_tried && !told.has_happened && !told.object);
        CHECK(et_world_success(s.world, NULL));
    }
    close_stage(&s);
}

int main(void)
{
    use_test_skills();
    RUN(a_hand_closes_beside_the_thing);
    RUN(what_is_carried_slides_in_the_hand);
    RUN(what_is_carried_falls_out_of_the_closed_hand);
    RUN(a_hand_opens_before_it_arrives);
    RUN(a_hand_hits_what_stands_there);
    RUN(a_reset_gives_hands_their_hold_back);
    RUN(a_snapshot_has_the_hold_of_hands);
    RUN(what_a_skill_gives_no_occasion_to_is_refused);
    RUN(what_is_no_plan_is_refused);
    RUN(what_could_not_be_done_is_not_claimed);
    return tap_end();
}
