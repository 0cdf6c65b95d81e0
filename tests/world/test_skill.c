/* Skills: what a file of everything becomes, and where every mistake is said to be. */
#include "etude/hash.h"
#include "world/world__skill_reader.h"

#include "skill_made.h"
#include "support.h"
#include "tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)8 << 20)
#define DEGREE 0.017453292519943295

static struct et_err err;
static struct et_arena *arena;

static const struct et_skill *load(const char *text, size_t n, enum et_status *st)
{
    const struct et_skill *skill = NULL;
    err = (struct et_err){0};
    const char *folder = made_skill("cup-on-tray", text, n);
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    *st = et_skill_load(folder, arena, &skill, &err);
    return skill;
}

static const struct et_skill *load_made(void)
{
    enum et_status st;
    const struct et_skill *skill = load(SKILL_TEXT, SKILL_BYTES, &st);
    CHECK_EQ(st, ET_OK);
    if (!CHECK(skill != NULL))
        printf("#   %s\n", err.text);
    return skill;
}

/* ---- what is read ---- */

static void reads_what_a_skill_is(void)
{
    const struct et_skill *s = load_made();
    if (!s)
        return;
    CHECK_STR(s->id, "cup-on-tray");
    CHECK_HAS(s->folder, "/cup-on-tray");
    CHECK_HAS(s->path, "/cup-on-tray/skill.yaml");
    CHECK_STR(s->scenario, "table_1");
    CHECK_STR(s->instruction_en, "Put the cup on the tray.");
    CHECK_STR(s->instruction_fr, "Pose la tasse sur le plateau.");
    CHECK_STR(s->instruction_zh, "把杯子放到托盘上。");
    CHECK(s->limit_s == 25 && s->human_s == 6 && s->expected == 0.9);
    CHECK_EQ(s->n_objects, 2);
    CHECK_STR(s->objects[1], "tray");
    CHECK_STR(s->script->objects[1].text, "tray");
    CHECK_EQ(s->script->objects[1].place.column, 16);
    CHECK_EQ(s->script->n_clutter, 1);
    CHECK_STR(s->script->clutter[0].text, "can");
    CHECK_EQ(s->script->clutter[0].place.line, 12);
    CHECK_EQ(s->n_phases, 5);
    CHECK_STR(s->phases[0].name, "ready");
    CHECK_STR(s->phases[4].name, "wait");
    et_arena_close(arena);
}

static void has_the_digest_of_its_two_files(void)
{
    const struct et_skill *s = load_made();
    struct et_blake2b state;
    et_blake2b_begin(&state);
    et_blake2b_add(&state, SKILL_TEXT, SKILL_BYTES + 1);
    et_blake2b_add(&state, "<mujoco model=\"cup\"/>\n", 22);
    const struct et_digest want = et_blake2b_end(&state);
    CHECK(s && memcmp(s->digest, want.bytes, sizeof s->digest) == 0);
    et_arena_close(arena);
}

static void reads_what_chance_decides(void)
{
    const struct et_skill *s = load_made();
    if (!s || !CHECK(s->script->n_draws == 5))
        return;
    const struct et__draw *d = s->script->draws;
    CHECK_EQ(d[0].kind, ET__DRAW_BODY);
    CHECK_EQ(d[0].tier, ET_TIER_CONTROLLED);
    CHECK_STR(d[0].name.text, "cup");
    CHECK_EQ(d[0].name.place.line, 15);
    CHECK_EQ(d[0].name.place.column, 12);
    CHECK(d[0].least[0] == -.04 && d[0].most[0] == .04);
    CHECK(d[0].least[1] == -.16 && d[0].most[1] == .06 && d[0].least[2] == 0);
    CHECK(d[0].least[5] == -180 * DEGREE && d[0].most[5] == 180 * DEGREE);
    CHECK_EQ(d[1].kind, ET__DRAW_MASS);
    CHECK(d[1].least[0] == .6 && d[1].most[0] == 1.5);
    CHECK_EQ(d[2].tier, ET_TIER_DISPLACED);
    CHECK(d[2].least[3] == -90 * DEGREE && d[2].most[3] == 0);
    CHECK_EQ(d[3].kind, ET__DRAW_JOINT);
    CHECK_EQ(d[4].kind, ET__DRAW_FRICTION);
    et_arena_close(arena);
}

static void reads_phases(void)
{
    const struct et_skill *s = load_made();
    if (!s)
        return;
    const struct et__phase *p = s->script->phases;
    CHECK_EQ(p[0].n_actions, 4); // a posture of two joints is two
    CHECK(p[0].i_else == -1 && p[0].until.n_terms == 0 && p[0].has_waist);
    CHECK(p[0].timeout_s == 1);
    CHECK(p[2].i_else == 0 && p[2].until.n_terms == 1 && p[2].n_actions == 1);
    CHECK(p[3].i_else == 1 && !p[3].has_waist && p[3].timeout_s == 2.5);
    CHECK_EQ(p[3].n_actions, 10);
    CHECK(p[4].n_actions == 0 && p[4].until.n_terms == 1);
    CHECK_STR(p[4].until.terms[0].text, "still tray");
    CHECK_EQ(p[4].until.terms[0].place.column, 20); // behind the quotation mark
    et_arena_close(arena);
}

static void reads_actions(void)
{
    const struct et_skill *s = load_made();
    if (!s)
        return;
    const struct et__action *a = s->script->phases[0].actions;
    CHECK(a[0].verb == ET__POSTURE && a[0].value == .3);
    CHECK_STR(a[0].posture.text, "waist_yaw");
    CHECK_STR(a[1].posture.text, "lift");
    CHECK_EQ(a[1].posture.place.column, 30);
    CHECK(a[1].value == -.1);
    CHECK(a[2].verb == ET__GRIP && a[2].side == ET__RIGHT && isnan(a[2].value));
    CHECK(a[3].verb == ET__MOVE && a[3].off[0] == -.13 && a[3].has_direction);
    CHECK(a[3].approach[0] == 1 && a[3].closing[1] == 1 && a[3].speed == 0);
    CHECK_STR(a[3].target.text, "cup_g");
    CHECK_EQ(a[3].target.place.column, 20);
    a = s->script->phases[1].actions;
    CHECK(a[0].approach[1] == 1 && a[0].closing[2] == -1 && a[0].speed == .2);
    CHECK(s->script->phases[2].actions[0].value == -1);
    a = s->script->phases[3].actions;
    CHECK(a[0].side == ET__BOTH && !a[0].target.text && a[0].off[2] == .1);
    CHECK(a[1].verb == ET__FOLLOW && a[1].value == 1.2 && a[1].turn == .6 && a[1].speed == .4);
    CHECK(a[2].verb == ET__CARRY && a[2].side == ET__BOTH && a[2].off[2] == .06);
    CHECK(a[2].yaw_rad == 90 * DEGREE);
    CHECK_STR(a[2].target.text, "tray");
    CHECK_STR(a[2].holding.text, "rack");
    CHECK(a[3].by[2] == .1 && !a[3].holding.text);
    CHECK(a[4].verb == ET__HOLD && a[4].value == .5);
    CHECK(a[5].verb == ET__RETREAT && a[5].value == .1 && a[5].speed == .3);
    CHECK(a[6].verb == ET__TUCK && a[6].side == ET__LEFT);
    CHECK(a[7].verb == ET__PRESS && a[7].value == 12 && a[7].has_direction);
    CHECK(a[8].value == .03);
    CHECK(a[9].is_relative && a[9].via == .1 && a[9].turn == 1);
    CHECK(a[9].yaw_rad == -60 * DEGREE && a[9].pitch_rad == 10 * DEGREE);
    CHECK_STR(a[9].holding.text, "cup_g");
    et_arena_close(arena);
}

static void reads_conditions(void)
{
    const struct et_skill *s = load_made();
    if (!s || !CHECK(s->script->success.n_terms == 5))
        return;
    const struct et__term *t = s->script->success.terms;
    CHECK_STR(t[0].text, "on cup tray");
    CHECK_STR(t[0].names[1].text, "tray");
    CHECK_STR(t[2].text, "upright cup 15");
    CHECK(t[2].value == 15 && t[2].predicate->kind == ET__UPRIGHT);
    CHECK_EQ(t[4].place.column, 69);
    if (!CHECK(s->script->phases[3].until.n_terms == 7))
        return;
    t = s->script->phases[3].until.terms;
    CHECK(t[0].is_negated && t[0].predicate->kind == ET__TOUCHING);
    CHECK_STR(t[0].text, "not touching cup left_hand");
    CHECK_EQ(t[0].names[1].place.line, 43); // a folded text's own line
    CHECK_EQ(t[0].names[1].place.column, 26);
    CHECK(!t[1].is_less && t[1].value == 1);
    CHECK(t[2].is_less && t[2].value == .9);
    CHECK_EQ(t[2].place.line, 44);
    CHECK_EQ(t[2].place.column, 9);
    CHECK_STR(t[3].names[1].text, "spot");
    CHECK_STR(t[4].names[0].text, "bead");
    CHECK_STR(t[4].names[1].text, "bowl");
    CHECK(t[4].value == 12 && t[5].value == .01 && t[6].value == 3);
    t = s->script->phases[2].until.terms;
    CHECK(t[0].side == ET__RIGHT && t[0].predicate->kind == ET__HELD);
    et_arena_close(arena);
}

static void knows_tiers_by_name(void)
{
    enum et_tier tier = ET_TIER_CONTROLLED;
    for (int i = 0; i < ET_N_TIERS; i++)
        CHECK(et_tier_find(et_tier_name((enum et_tier)i), &tier) && tier == (enum et_tier)i);
    CHECK(!et_tier_find("hard", &tier));
    CHECK(!et_tier_find("", &tier));
    CHECK_EQ(tier, ET_TIER_DISTURBED);
}

int main(void)
{
    RUN(reads_what_a_skill_is);
    RUN(has_the_digest_of_its_two_files);
    RUN(reads_what_chance_decides);
    RUN(reads_phases);
    RUN(reads_actions);
    RUN(reads_conditions);
    RUN(knows_tiers_by_name);
    return tap_end();
}
