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
#define PLACE_BYTES 48

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
    CHECK_STR(s->scenario, "workbench");
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
    CHECK_EQ(s->n_phases, 10);
    CHECK_STR(s->phases[0].name, "ready");
    CHECK_STR(s->phases[9].name, "wait");
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
    CHECK_EQ(p[3].n_actions, 3);
    CHECK(p[9].n_actions == 0 && p[9].until.n_terms == 1);
    CHECK_STR(p[9].until.terms[0].text, "still tray");
    CHECK_EQ(p[9].until.terms[0].place.column, 20); // behind the quotation mark
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
    CHECK(a[1].value == .03);
    CHECK(a[2].verb == ET__HOLD && a[2].value == .5);
    a = s->script->phases[4].actions;
    CHECK(a[0].verb == ET__FOLLOW && a[0].value == 1.2 && a[0].turn == .6 && a[0].speed == .4);
    CHECK(a[1].verb == ET__RETREAT && a[1].value == .1 && a[1].speed == .3);
    a = s->script->phases[5].actions;
    CHECK(a[0].verb == ET__CARRY && a[0].side == ET__BOTH && a[0].off[2] == .06);
    CHECK(a[0].yaw_rad == 90 * DEGREE);
    CHECK_STR(a[0].target.text, "tray");
    CHECK_STR(a[0].holding.text, "rack");
    a = s->script->phases[6].actions;
    CHECK(a[0].by[2] == .1 && !a[0].holding.text);
    a = s->script->phases[7].actions;
    CHECK(a[0].verb == ET__TUCK && a[0].side == ET__LEFT);
    CHECK(a[1].verb == ET__PRESS && a[1].value == 12 && a[1].has_direction);
    a = s->script->phases[8].actions;
    CHECK(a[0].is_relative && a[0].via == .1 && a[0].turn == 1);
    CHECK(a[0].yaw_rad == -60 * DEGREE && a[0].pitch_rad == 10 * DEGREE);
    CHECK_STR(a[0].holding.text, "cup_g");
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
    CHECK_EQ(t[0].names[1].place.line, 36); // a folded text's own line
    CHECK_EQ(t[0].names[1].place.column, 26);
    CHECK(!t[1].is_less && t[1].value == 1);
    CHECK(t[2].is_less && t[2].value == .9);
    CHECK_EQ(t[2].place.line, 37);
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

/* ---- mistakes ---- */

// clang-format off
/* `to` takes the place of `from`; '^' stands before the place that the message must give. */
static const struct {
    const char *from, *to, *words;
} MISTAKES[] = {
    // the file's keys
    {"skill: 1", "skill: ^2", "skill: must be between 1 and 1"},
    {"skill: 1\n", "^", "the key \"skill\" is missing"},
    {"skill: 1", "^skil: 1", "the nearest is \"skill\""},
    {"workbench", "^../table_1", "a scenario's name is"},
    {"workbench", "^a/b", "a-z 0-9 _ -, is \"a/b\""},
    {"workbench", "^table.xml", "is \"table.xml\""},
    {"workbench", "^Table", "is \"Table\""},
    {"workbench", "^\"\"", "is \"\""},
    {"workbench", "^1", "scenario: must be a string"},
    {"workbench", "^workbnch", "no scenario 'workbnch'; the nearest is \"workbench\""},
    {"  fr: Pose la tasse sur le plateau.\n", "", "instruction: the key \"fr\" is missing"},
    {"  zh: 把杯子放到托盘上。\n", "  ^de: Stell die Tasse hin.\n", "nearest is"},
    {"Put the cup on the tray.", "^\"\"", "an instruction is empty"},
    {"Put the cup on the tray.", "^\"a\\nb\"", "an instruction has a control character"},
    {"limit_s: 25", "limit_s: ^0", "limit_s: must be between 0.1 and 3600"},
    {"limit_s: 25", "limit_s: ^.nan", "limit_s: must be between"},
    {"human_s: 6", "human_s: ^.inf", "human_s: must be between"},
    {"human_s: 6", "human_s: ^six", "human_s: must be a number"},
    {"expected: 0.9", "expected: ^90", "expected: must be between 0 and 1"},
    {"[cup, tray]", "^[]", "objects: must have at least 1 items"},
    {"[cup, tray]", "[cup, ^cup]", "cup stands here again"},
    {"[cup, tray]", "[cup, ^Tray]", "a body's name is"},
    {"[cup, tray]", "[cup, ^3]", "objects[1]: must be a string"},
    {"[can]", "[^\"a can\"]", "a body's name is"},
    {"[can]", "[can, ^can]", "can stands here again"},
    // what chance decides
    {"  controlled:", "  ^controled:", "the nearest is \"controlled\""},
    {"body cup x -.04", "^bodi cup x -.04", "not \"bodi\"; the nearest is \"body\""},
    {"- body cup x -.1", "- ^3 #", "what is drawn by chance is expected, not a whole number"},
    {"body cup x -.04", "body ^-.04 x -.04", "a body is expected, not \"-.04\""},
    {"body cup x -.04", "body cup ^w -.04", "x, y, z, roll, pitch or yaw is expected, not \"w\""},
    {"body cup x -.04 .04", "body cup x -.04 ^y", "a distance in m is expected, not \"y\""},
    {"body cup x -.04 .04", "body cup x ^.05 .04", "the least, 0.05, is above the most, 0.04"},
    {"body cup x -.04 .04", "body cup x ^nan .04", "a distance in m is expected, not \"nan\""},
    {"body cup x -.04 .04", "body cup x ^-inf .04", "a distance in m is expected, not \"-inf\""},
    {"body cup x -.04 .04", "body cup x ^-40 .04", "a distance in m must be between -10 and 10"},
    {"body cup x -.04 .04", "body cup x ^0x1 .04", "not \"0x1\""},
    {"yaw -180 180", "yaw -180 ^1800", "an angle in degrees must be between -360 and 360, is 1800"},
    {"yaw -180 180", "^x -180 180", "\"x\" stands here again"},
    {"yaw -180 180", "yaw -180^", "an angle in degrees is expected, here the line ends"},
    {"- body cup x -.1 .1 roll -90 0", "- body cup^", "here the line ends"},
    {"mass cup .6 1.5", "mass cup ^0 1.5", "a factor must be between 0.01 and 100, is 0"},
    {"mass cup .6 1.5", "mass cup ^1.5 .6", "the least, 1.5, is above"},
    {"mass cup .6 1.5", "mass cup .6 1.5 ^2", "the line should end before \"2\""},
    {"joint door 0 .2", "joint door 0^", "a joint's position (m or rad) is expected, here"},
    {"joint door 0 .2", "joint ^0 .2", "a joint is expected, not \"0\""},
    {"joint door 0 .2", "body ^cup x 0 .2", "body cup is drawn twice in tier displaced"},
    // conditions
    {"success: on cup", "success: ^onn cup",
     "a condition is expected, not \"onn\"; the nearest is \"on\""},
    {"success: on cup", "success: not ^not on cup", "a condition is expected, not \"not\""},
    {"in cup tray_in", "in cup ^& free tray", "a site is expected, not \"&\""},
    {"upright cup 15", "upright cup ^tall", "an angle in degrees is expected, not \"tall\""},
    {"upright cup 15", "upright cup ^1e9", "must be between 0 and 180"},
    {"upright cup 15", "upright ^15", "a body is expected, not \"15\""},
    {"upright cup 15", "upright cup 15 ^free tray",
     "'&' or the line's end is expected, not \"free\""},
    {"& still cup\n", "&^\n", "a condition is expected, here the line ends"},
    {"& still cup\n", "& ^stil cup\n", "the nearest is \"still\""},
    {"still cup\n", "still^\n", "a body is expected, here the line ends"},
    {"success: on cup tray & in cup", "success: ^3 #",
     "success: must be a string, is a whole number"},
    {"held cup right", "held cup ^rigth",
     "a side (left, right) is expected, not \"rigth\"; the nearest is \"right\""},
    {"held cup right", "held cup ^both", "a side (left, right) is expected, not \"both\""},
    {"joint door > 1 &", "joint door ^1 &", "a comparison (< or >) is expected, not \"1\""},
    {"joint door > 1 &", "joint door > ^nan &",
     "a joint's position (m or rad) is expected, not \"nan\""},
    {"height cup < .9", "height cup < ^1001", "a distance in m must be between"},
    {"count bead bowl 12", "count bead bowl ^0", "a number of bodies must be between 1 and 1000"},
    {"count bead bowl 12", "count ^Bead bowl 12",
     "the beginning of names is expected, not \"Bead\""},
    {"wiped dirt 3", "wiped dirt^", "a number of sites is expected, here the line ends"},
    {"near cup_g spot .02", "near cup_g ^.02", "a site is expected, not \".02\""},
    {"\"still tray\"", "\"still ^Tray\"", "a body is expected, not \"Tray\""},
    {"\"still tray\"", "'still ^Tray'", "a body is expected, not \"Tray\""},
    {"\"still tray\"", "\"^\\x73till Tray\"", "a body is expected, not \"Tray\""},
    // phases
    {"  - ready:\n", "  - ^Ready now:\n", "a phase's name is"},
    {"  - reach:\n", "  - ^ready:\n", "a phase ready stands here again"},
    {"  - reach:\n", "  - ^reach: []\n    x:\n", "here are 2 names"},
    {"  - reach:\n      - move", "  - reach: ^[]\n  - x:\n      - move",
     "must have at least 1 items"},
    {"  - reach:\n      - move", "  - reach: ^{}\n  - x:\n      - move",
     "needs a \"do\" or an \"until\""},
    {"  - reach:\n      - move", "  - reach: ^3\n  - x:\n      - move",
     "a list of actions, or a map of do, until …, is expected, not a whole"},
    {"else: ready", "else: ^redy", "\"redy\" is no phase up to here; the nearest is \"ready\""},
    {"retreat right", "^retreat left", "this hand has a way to go in this phase already (line 43)"},
    {"grip both .03", "^tuck right", "make it a phase of its own"},
    {"hold .5", "^grip left .1", "these fingers have a width in this phase already (line 33)"},
    {"hold .5", "hold 1\n        - ^hold .5",
     "there is a \"hold\" in this phase already (line 34)"},
    {"waist_yaw .3 lift -.1", "lift .1 ^lift -.1", "this joint has a place in this phase"},
    {"else: ready", "else: ^lift", "\"lift\" is no phase up to here"},
    {"else: ready", "else: ^1", "else: must be a string"},
    {"until: held cup right, ", "", "\"else\" needs an \"until\""},
    {"{until: \"still tray\"}", "{do: [hold 1], timeout_s: ^2}",
     "\"timeout_s\" needs an \"until\""},
    {"timeout_s: 2.5", "timeout_s: ^0", "timeout_s: must be between 0.01 and 600"},
    {"waist: false", "waist: ^yes", "waist: must be true or false"},
    {"waist: false", "^waits: true", "the nearest is \"waist\""},
    // actions
    {"- hold .5", "- ^hodl .5", "an action is expected, not \"hodl\"; the nearest is \"hold\""},
    {"- hold .5", "- ^3", "an action is expected, not a whole number; within [ ] a comma"},
    {"- hold .5", "-^", "an action is expected, not null"},
    {"- hold .5", "- hold^", "a time in s is expected, here the line ends"},
    {"- hold .5", "- hold ^-1", "a time in s must be between 0 and 600, is -1"},
    {"- hold .5", "- hold ^inf", "a time in s is expected, not \"inf\""},
    {"- hold .5", "- hold .5 ^1", "the line should end before \"1\""},
    {"- tuck left", "- tuck^", "a side (left, right, both) is expected, here the line ends"},
    {"- tuck left", "- tuck ^lfet",
     "a side (left, right, both) is expected, not \"lfet\"; the nearest is \"left\""},
    {"- tuck left", "- tuck left ^now", "the line should end before \"now\""},
    {"grip right open", "grip ^open", "not \"open\""},
    {"grip right open", "grip right ^opn", "open, close or a width in m is expected, not \"opn\""},
    {"grip right open", "grip right ^-.01", "must be between 0 and 0.5, is -0.01"},
    {"grip right open", "grip right ^3", "must be between 0 and 0.5, is 3"},
    {"grip right open", "grip right^", "is expected, here the line ends"},
    {"posture waist_yaw .3", "posture ^waist_jaw .3", "the nearest is \"waist_yaw\""},
    {"posture waist_yaw .3", "posture waist_yaw ^1001", "must be between"},
    {"lift -.1", "lift^", "a joint's position (m or rad) is expected, here the line ends"},
    {"posture waist_yaw .3 lift -.1", "posture^", "head_tilt is expected, here the line ends"},
    {"cup_g off -.13 0 0", "^off -.13 0 0", "a site or \"here\" is expected, not \"off\""},
    {"cup_g off -.13 0 0", "cup_g off -.13 0 ^dir", "a distance in m is expected, not \"dir\""},
    {"cup_g off -.13 0 0", "cup_g off -.13 0 0 ^0", "a word of \"move\" is expected, not \"0\""},
    {"cup_g off -.13 0 0", "cup_g ^of -.13 0 0", "the nearest is \"off\""},
    {"cup_g off -.13 0 0", "cup_g ^turn 1", "a word of \"move\" is expected, not \"turn\""},
    {"cup_g off -.13 0 0", "cup_g off -.13 0 0 ^off 0 0 0", "\"off\" stands here again"},
    {"cup_g off -.13 0 0", "cup_g holding ^speed .3", "a site is expected, not \"speed\""},
    {"cup_g off -.13 0 0", "cup_g yaw ^400", "an angle in degrees must be between -360 and 360"},
    {"dir +x y\n", "dir +x^\n",
     "a direction (+x, -y, z or 1,0,-.5) is expected, here the line ends"},
    {"dir +x y\n", "dir +x ^w\n", "a direction (+x, -y, z or 1,0,-.5) is expected, not \"w\""},
    {"dir +x y\n", "dir +x ^-x\n", "fingers cannot close along the way"},
    {"dir +x y\n", "dir ^0,0,0 y\n", "a direction"},
    {"dir +x y\n", "dir ^1,0 y\n", "a direction"},
    {"dir +x y\n", "dir ^1,0,0,0 y\n", "a direction"},
    {"dir +x y\n", "dir ^1,nan,0 y\n", "a direction"},
    {"dir +x y\n", "dir ^1,0,1e9 y\n", "a direction"},
    {"speed .2", "speed ^0", "a speed in m/s must be between 0.001 and 5, is 0"},
    {"speed .2", "speed ^fast", "a speed in m/s is expected, not \"fast\""},
    {"via .1", "via ^7", "a height in m must be between -2 and 2, is 7"},
    {"turn .6", "turn ^1.5", "a share of the turn must be between 0 and 1"},
    {"follow left door 1.2", "follow left ^1.2", "a joint is expected, not \"1.2\""},
    {"follow left door 1.2", "follow left ^turn 1.2", "a joint is expected, not \"turn\""},
    {"move both here", "move both ^cup_g", "both hands cannot be at one place"},
    {"- move both here off 0 0 .1", "- ^move both here yaw 10", "yaw and pitch turn a \"dir\""},
    {"carry tray by 0 0 .1", "carry tray^", "to, by or yaw is expected, here the line ends"},
    {"carry tray by 0 0 .1", "^carry tray off 0 0 .1", "\"off\" is from a site"},
    {"carry tray by 0 0 .1", "carry ^to rack", "a body is expected, not \"to\""},
    {"retreat right .1", "retreat right ^-1", "a distance in m must be between 0 and 5"},
    {"button 12", "button ^0", "a force in N must be between 0.1 and 1000"},
    {"button 12", "button ^dir", "a force in N is expected, not \"dir\""},
};
// clang-format on

/* A text of one of the table's changes, without its mark; where the mark stood, as line:column. */
static struct et_buf change(const char *from, const char *to, char place[PLACE_BYTES])
{
    struct et_buf text = et_buf(1 << 16);
    const char *at = strstr(SKILL_TEXT, from), *mark = strchr(to, '^');
    int line = 1, column = 1;
    place[0] = 0;
    if (!CHECK(at != NULL))
        return text;
    et_buf_put(&text, SKILL_TEXT, (size_t)(at - SKILL_TEXT));
    et_buf_put(&text, to, mark ? (size_t)(mark - to) : strlen(to));
    for (size_t i = 0; mark && i < text.n; i++) {
        column = text.p[i] == '\n' ? 1 : column + (((unsigned char)text.p[i] & 0xc0) != 0x80);
        line += text.p[i] == '\n';
    }
    if (mark) {
        (void)snprintf(place, PLACE_BYTES, "skill.yaml:%d:%d: ", line, column);
        et_buf_puts(&text, mark + 1);
    }
    et_buf_puts(&text, at + strlen(from));
    return text;
}

// Each mistake that a person may make, and where the message must point.
static void points_at_every_mistake(void)
{
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        char place[PLACE_BYTES];
        enum et_status st;
        const int n_bad = tap_is_bad;
        struct et_buf text = change(MISTAKES[i].from, MISTAKES[i].to, place);
        const struct et_skill *skill = load(text.p, text.n, &st);
        CHECK_EQ(st, ET_ECORRUPT);
        CHECK(skill == NULL);
        CHECK_HAS(err.text, place);
        CHECK_HAS(err.text, MISTAKES[i].words);
        CHECK(err.at > 0);
        CHECK_EQ(et_arena_used(arena), 0);
        if (tap_is_bad > n_bad)
            printf("#   %s became %s\n", MISTAKES[i].from, MISTAKES[i].to);
        et_buf_free(&text);
        et_arena_close(arena);
    }
}

static void refuses_what_is_no_skill_at_all(void)
{
    static const char *const TEXTS[] = {"",         "3", "[]",    "skill",
                                        "\xff\xfe", "{", "a: *b", "--- \n---\n"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        enum et_status st;
        CHECK(load(TEXTS[i], strlen(TEXTS[i]), &st) == NULL);
        CHECK_EQ(st, ET_ECORRUPT);
        CHECK_HAS(err.text, "skill.yaml:");
        et_arena_close(arena);
    }
}

/* ---- limits ---- */

/* The made skill with n copies of a line put behind `from`; '#' in it becomes the copy's number. */
static enum et_status load_many(const char *from, size_t n, const char *line)
{
    struct et_buf text = et_buf(1 << 20);
    const char *at = strstr(SKILL_TEXT, from) + strlen(from);
    enum et_status st;
    et_buf_put(&text, SKILL_TEXT, (size_t)(at - SKILL_TEXT));
    for (size_t i = 0; i < n; i++)
        for (const char *p = line; *p; p++)
            if (*p == '#')
                et_buf_printf(&text, "%zu", i);
            else
                et_buf_putc(&text, *p);
    et_buf_puts(&text, at);
    const struct et_skill *skill = load(text.p, text.n, &st);
    CHECK((skill != NULL) == (st == ET_OK));
    et_buf_free(&text);
    et_arena_close(arena);
    return st;
}

static void holds_its_limits_and_not_one_more(void)
{
    static const struct {
        const char *from, *line;
        size_t n;          // that still fit
        bool is_senseless; // as many actions clash
        const char *words;
    } LIMITS[] = {
        {"phases:\n", "  - p#: [hold 1]\n", 64 - 10, false, "at most 64 items, has 65"},
        {"  - ready:\n", "      - hold #\n", 32 - 4, true, ":55:9: a phase has at most 32 actions"},
        {"grip right open\n", "      - hold #\n", 32 - 4, true, "a phase has at most 32 actions"},
        {"posture waist_yaw .3", " lift .#", 32 - 4, true, "a phase has at most 32 actions"},
        {"success: on cup tray", " & free cup", 16 - 5, false, "a condition has at most 16 terms"},
        {"  controlled:\n", "    - mass b# 1 2\n", 64 - 5, false, "a skill has at most 64 draws"},
        {"objects: [", "b#, ", 64 - 2, false, "objects: must have at most 64 items"},
    };
    for (size_t i = 0; i < sizeof LIMITS / sizeof *LIMITS; i++) {
        const enum et_status st = load_many(LIMITS[i].from, LIMITS[i].n, LIMITS[i].line);
        CHECK_EQ(st, LIMITS[i].is_senseless ? ET_ECORRUPT : ET_OK);
        if (LIMITS[i].is_senseless)
            CHECK_HAS(err.text, "make it a phase of its own");
        CHECK_EQ(load_many(LIMITS[i].from, LIMITS[i].n + 1, LIMITS[i].line), ET_ECORRUPT);
        CHECK_HAS(err.text, LIMITS[i].words);
    }
}

static void takes_no_file_that_is_too_long(void)
{
    CHECK_EQ(load_many("# A skill for tests.\n", 14000, "# more and more of it\n"), ET_ELIMIT);
    CHECK_HAS(err.text, "skill.yaml");
}

static void stays_within_a_small_arena(void)
{
    const char *folder = made_skill("small", SKILL_TEXT, SKILL_BYTES);
    size_t n_refused = 0;
    for (size_t limit = 64; limit < 96 << 10; limit += 613) {
        const struct et_skill *skill;
        CHECK_OK(et_arena_open(&arena, limit, &err));
        const enum et_status st = et_skill_load(folder, arena, &skill, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        CHECK(st == ET_OK || (skill == NULL && et_arena_used(arena) == 0));
        n_refused += st != ET_OK;
        et_arena_close(arena);
    }
    CHECK(n_refused > 5 && n_refused < 150);
}

/* ---- folders ---- */

static void finds_skills_by_id_and_by_folder(void)
{
    const struct et_share_file *skills;
    const struct et_skill *skill;
    size_t n;
    (void)mkdir(temp_path("mine"), 0777);
    (void)mkdir(temp_path("mine/world"), 0777);
    (void)mkdir(temp_path("mine/world/skills"), 0777);
    (void)mkdir(temp_path("mine/world/scenarios"), 0777);
    write_file(temp_path("mine/world/scenarios/workbench.xml"), "<mujoco/>", 9);
    const char *folder = made_skill("mine/world/skills/pour", SKILL_TEXT, SKILL_BYTES);
    (void)made_skill("mine/world/skills/wipe", SKILL_TEXT, SKILL_BYTES);
    CHECK_EQ(setenv("ETUDE_SHARE", temp_path("mine"), 1), 0);
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));

    CHECK_OK(et_skill_list(arena, &skills, &n, &err));
    if (CHECK(n == 2)) {
        CHECK_STR(skills[1].id, "wipe");
        CHECK_HAS(skills[1].path, "skills/wipe/skill.yaml");
    }
    CHECK_OK(et_skill_load("pour", arena, &skill, &err));
    CHECK_STR(skill->id, "pour");
    CHECK_STR(skill->folder, folder);
    CHECK_OK(et_skill_load(et_arena_printf(arena, "%s//", folder), arena, &skill, &err));
    CHECK_STR(skill->id, "pour");
    CHECK_STR(skill->folder, folder);

    static const char *const BAD[] = {"stir", "", "..", "pour.yaml"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CHECK_EQ(et_skill_load(BAD[i], arena, &skill, &err), ET_ENOTFOUND);
        CHECK_HAS(err.text, "no skill \"");
        CHECK_HAS(err.text, "there are pour, wipe");
    }
    CHECK_EQ(et_skill_load("no/where", arena, &skill, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "no/where/skill.yaml");
    CHECK_EQ(et_skill_load(temp_path("mine/.."), arena, &skill, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "a skill's folder is named");
    CHECK(skill == NULL);
    et_arena_close(arena);
}

static void says_when_the_scene_is_missing(void)
{
    const struct et_skill *skill;
    const char *folder = made_skill("bare", SKILL_TEXT, SKILL_BYTES);
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    CHECK_EQ(unlink(temp_path("bare/scene.xml")), 0);
    CHECK_EQ(et_skill_load(folder, arena, &skill, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "bare: a skill has a scene; scene.xml is not there");
    CHECK(skill == NULL && et_arena_used(arena) == 0);
    CHECK_EQ(mkdir(temp_path("bare/scene.xml"), 0777), 0);
    CHECK_EQ(et_skill_load(folder, arena, &skill, &err), ET_EIO);
    CHECK_EQ(rmdir(temp_path("bare/scene.xml")), 0);
    write_file(temp_path("bare/scene.xml"), "", 0);
    CHECK_EQ(truncate(temp_path("bare/scene.xml"), (16 << 20) + 8192), 0);
    CHECK_EQ(et_skill_load(folder, arena, &skill, &err), ET_ELIMIT);
    CHECK_HAS(err.text, "scene.xml has more than 16777216 bytes");
    et_arena_close(arena);
}

/* ---- hostile bytes ---- */

static void survive(const char *path, size_t at, void *ctx)
{
    size_t *n_loaded = ctx, n = 0;
    struct et_skill *skill = NULL;
    char *text = read_file(path, &n);
    (void)at;
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    const enum et_status st = et__skill_parse(path, (struct et_str){text, n}, arena, &skill, &err);
    CHECK(st == ET_OK || st == ET_ECORRUPT || st == ET_ELIMIT);
    CHECK((skill != NULL) == (st == ET_OK));
    if (st != ET_OK)
        CHECK_HAS(err.text, "hostile.yaml:");
    *n_loaded += st == ET_OK;
    et_arena_close(arena);
    free(text);
}

static void survives_a_cut_at_every_byte(void)
{
    size_t n_loaded = 0;
    cut_at_every_byte(SKILL_TEXT, SKILL_BYTES, 1, temp_path("hostile.yaml"), survive, &n_loaded);
    CHECK(n_loaded > 0 && n_loaded < SKILL_BYTES / 3); // the last phases can be missing
}

static void survives_every_byte_flipped(void)
{
    size_t n_loaded = 0;
    flip_every_byte(SKILL_TEXT, SKILL_BYTES, 1, temp_path("hostile.yaml"), survive, &n_loaded);
    CHECK(n_loaded > 0);
}

/* ---- what is shipped ---- */

static void loads_every_skill_that_is_shipped(void)
{
    const struct et_share_file *skills;
    size_t n;
    CHECK_EQ(setenv("ETUDE_SHARE", source_path("share"), 1), 0);
    CHECK_OK(et_arena_open(&arena, 8 * ARENA_BYTES, &err));
    CHECK_OK(et_skill_list(arena, &skills, &n, &err));
    for (size_t i = 0; i < n; i++) {
        const struct et_skill *skill = NULL;
        CHECK_OK(et_skill_load(skills[i].id, arena, &skill, &err));
        if (!skill)
            continue;
        const char *scenario =
            et_arena_printf(arena, "share/world/scenarios/%s.xml", skill->scenario);
        if (!CHECK(file_exists(source_path(scenario))))
            printf("#   %s: %s\n", skill->path, scenario);
    }
    et_arena_close(arena);
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
    RUN(points_at_every_mistake);
    RUN(refuses_what_is_no_skill_at_all);
    RUN(holds_its_limits_and_not_one_more);
    RUN(takes_no_file_that_is_too_long);
    RUN(stays_within_a_small_arena);
    RUN(finds_skills_by_id_and_by_folder);
    RUN(says_when_the_scene_is_missing);
    RUN(survives_a_cut_at_every_byte);
    RUN(survives_every_byte_flipped);
    RUN(loads_every_skill_that_is_shipped);
    return tap_end();
}
