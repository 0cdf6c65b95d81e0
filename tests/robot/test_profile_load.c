#include "etude/hash.h"
#include "etude/profile.h"

#include "support.h"
#include "tap.h"

#define ARENA_BYTES ((size_t)32 << 20)

static struct et_err err;

/* A profile that has everything once, and is right. */
static const char WHOLE[] =
    "# A robot for tests.\n"
    "profile: 1\n"
    "maker: Acme\n"
    "model: One\n"
    "variant: with hands\n"
    "source: acme.example\n"
    "robot_types: [acme_one, \"Acme 1\"]\n"
    "parts:\n"
    "  left_hand:\n"
    "    unit: fraction\n"
    "    joints:\n"
    "      - {name: left_thumb}\n"
    "  left_arm:\n"
    "    unit: rad\n"
    "    source: manual, page 7\n"
    "    joints:\n"
    "      - {name: left_elbow, maker: J1, lower: -1, upper: 2.5, speed: 3,"
    " effort: 40, source: data sheet}\n"
    "      - {name: left_wrist, maker: J2, lower: null, upper: 1}\n"
    "cameras:\n"
    "  head: in the head\n"
    "rules:\n"
    "  - {stream: left_arm.position, dataset: state, names: maker,"
    " suffix: .pos, unit: deg, signs: [1, -1]}\n"
    "  - {stream: left_hand.position, dataset: state, range: [2, 3],"
    " unit: percent, invert: true}\n"
    "  - {stream: left_arm.velocity, topic: /joints, field: velocity,"
    " indices: [1, 0]}\n"
    "  - {stream: head.image, dataset: cam, optional: true}\n"
    "  - {stream: \"*.image\", dataset: images.*}\n"
    "  - {stream: left_wrist.wrench, dataset: ft, names: [a, b, c, d, e, f]}\n";

/* Loads a text as a profile; the caller closes the arena. */
static enum et_status load(const char *text, size_t n, struct et_arena **arena,
                           const struct et_profile **profile)
{
    static const char *path;
    if (!path)
        path = temp_path("robot.yaml");
    err = (struct et_err){0};
    write_file(path, text, n);
    CHECK_OK(et_arena_open(arena, ARENA_BYTES, &err));
    return et_profile_load(path, *arena, profile, &err);
}

static void reads_what_a_person_wrote(void)
{
    struct et_arena *arena;
    const struct et_profile *p;
    CHECK_OK(load(WHOLE, sizeof WHOLE - 1, &arena, &p));
    if (!CHECK(p != NULL))
        return;
    CHECK_STR(p->id, "robot");
    CHECK_STR(p->maker, "Acme");
    CHECK_STR(p->model, "One");
    CHECK_STR(p->variant, "with hands");
    CHECK_EQ(p->n_robot_types, 2);
    CHECK_STR(p->robot_types[1], "Acme 1");
    CHECK_EQ(p->n_cameras, 1);
    CHECK_STR(p->cameras[0].name, "head");
    CHECK_STR(p->cameras[0].text, "in the head");

    // Parts come in canonical order, whatever the order in the file.
    CHECK_EQ(p->n_parts, 2);
    CHECK_EQ(p->parts[0].part, ET_PART_LEFT_ARM);
    CHECK_EQ(p->parts[1].part, ET_PART_LEFT_HAND);
    CHECK_STR(p->parts[1].unit, "fraction");
    const struct et_joint *elbow = &p->parts[0].joints[0], *wrist = &p->parts[0].joints[1];
    CHECK_STR(elbow->maker, "J1");
    CHECK(elbow->lower == -1 && elbow->upper == 2.5 && elbow->speed_max == 3);
    CHECK(elbow->effort_max == 40);
    CHECK_STR(elbow->source, "data sheet");
    CHECK(isnan(wrist->lower) && wrist->upper == 1 && isnan(wrist->speed_max));
    CHECK_STR(wrist->source, "manual, page 7");
    CHECK(p->parts[1].joints[0].source == NULL && p->parts[1].joints[0].maker == NULL);
    et_arena_close(arena);
}

static void reads_rules_of_every_kind(void)
{
    struct et_arena *arena;
    const struct et_profile *p;
    CHECK_OK(load(WHOLE, sizeof WHOLE - 1, &arena, &p));
    if (!CHECK(p != NULL) || !CHECK(p->n_rules == 6))
        return;
    const struct et_rule *r = p->rules;
    CHECK_EQ(r[0].line, 22);
    CHECK_STR(r[0].names[0], "J1.pos");
    CHECK_STR(r[0].names[1], "J2.pos");
    CHECK_STR(r[0].unit, "deg");
    CHECK(r[0].signs[0] == 1 && r[0].signs[1] == -1);
    CHECK_EQ(r[0].first, -1);
    CHECK(r[1].is_inverted && r[1].first == 2 && r[1].last == 3 && !r[1].names);
    CHECK_STR(r[2].topic, "/joints");
    CHECK_STR(r[2].field, "velocity");
    CHECK_STR(r[2].unit, "rad/s");
    CHECK(r[2].dataset == NULL && r[2].n_indices == 2 && r[2].indices[0] == 1);
    CHECK(r[3].is_optional);
    CHECK_STR(r[4].stream, "*.image");
    CHECK_STR(r[5].unit, "N");
    CHECK_EQ(r[5].n_names, 6);
    et_arena_close(arena);
}

static void has_the_digest_of_its_bytes(void)
{
    struct et_arena *arena;
    const struct et_profile *p;
    char text[65];
    CHECK_OK(load(WHOLE, sizeof WHOLE - 1, &arena, &p));
    const struct et_digest want = et_blake2b(WHOLE, sizeof WHOLE - 1);
    et_digest_text(&want, text);
    CHECK(p && memcmp(p->digest, want.bytes, sizeof p->digest) == 0);
    et_arena_close(arena);
}

/* WHOLE with the first `from` replaced by `to`. The caller frees it. */
static struct et_buf change(const char *from, const char *to)
{
    struct et_buf text = et_buf(1 << 16);
    const char *at = strstr(WHOLE, from);
    if (!CHECK(at != NULL))
        return text;
    et_buf_put(&text, WHOLE, (size_t)(at - WHOLE));
    et_buf_puts(&text, to);
    et_buf_puts(&text, at + strlen(from));
    return text;
}

// clang-format off
static const struct {
    const char *from, *to, *place, *words;
} MISTAKES[] = {
    // the document
    {"profile: 1",      "profile: 2",     ":2:10: ",  "profile: must be between 1 and 1"},
    {"profile: 1\n",    "",               ":2:1: ",   "\"profile\" is missing"},
    {"maker: Acme",     "maker: 7",       ":3:8: ",   "maker: must be a string"},
    {"model: One",      "modell: One",    ":4:1: ",   "the nearest is \"model\""},
    {"model: One",      "model: [",       ":",        ""},
    {"robot_types: [acme_one", "robot_types: [1", ":7:15: ", "robot_types[0]"},
    {"\"Acme 1\"",      "\"\\x01\"",      ":7:",      "robot type"},
    {"parts:\n",        "parts: 3\nx:\n", ":8:8: ",   "parts: must be a map"},
    {"  left_hand:",    "  left_paw:",    ":9:3: ",   "\"left_paw\" is no part"},
    {"  left_hand:",    "  left_wrist:",  ":9:3: ",   "is no part"},
    {"  head: in",      "  Head: in",     ":20:3: ",  "camera's place"},
    {"  head: in the head", "  head: 3",  ":20:9: ",  "cameras.head: must be a string"},
    // parts and joints
    {"unit: fraction",  "unit: percent",  ":10:11: ", "must be one of rad, m, fraction, 1"},
    {"    unit: rad\n", "",               ":14:5: ",  "\"unit\" is missing"},
    {"{name: left_thumb}", "{}",          ":12:9: ",  "\"name\" is missing"},
    {"name: left_thumb", "name: Left Thumb", ":12:16: ", "is \"Left Thumb\""},
    {"name: left_thumb", "name: left_elbow", ":12:16: ", "left_elbow is named twice"},
    {"name: left_wrist", "name: left_elbow", ":18:16: ", "left_elbow is named twice"},
    {"lower: -1,",      "lower: 3,",      ":17:46: ", "lower 3 is not below upper 2.5"},
    {"lower: -1,",      "lower: 2.5,",    ":17:46: ", "is not below"},
    {"lower: -1,",      "lower: .nan,",   ":17:46: ", "lower"},
    {"upper: 2.5,",     "upper: .inf,",   ":17:57: ", "upper"},
    {"speed: 3,",       "speed: -3,",     ":17:69: ", "speed: must be between 0"},
    {"effort: 40",      "effort: much",   ":17:80: ", "effort: must be a"},
    {"maker: J1",       "maker: \"\"",    ":17:35: ", "maker's joint name"},
    {"    source: manual, page 7\n", "",  ":17:9: ",  "left_wrist has numbers but no source"},
    {"    joints:\n      - {name: left_thumb}\n", "    joints: all\n", ":11:13: ",
     "must be one of any"},
    {"    joints:\n      - {name: left_thumb}\n", "    joints: []\n", ":11:13: ",
     "at least 1 items"},
    // a rule's stream and source
    {"stream: left_arm.position, ", "",   ":22:5: ",  "\"stream\" is missing"},
    {"stream: left_arm.position", "stream: arm.position", ":22:6: ",
     "\"arm.position\" is no stream"},
    {"stream: left_arm.position", "stream: right_arm.position", ":22:6: ", "no part right_arm"},
    {"stream: left_arm.velocity", "stream: base.effort", ":24:6: ", "no part base"},
    {"stream: head.image", "stream: rear.image", ":25:6: ", "no camera rear"},
    {"stream: \"*.image\"", "stream: \"*.position\"", ":26:6: ", "cameras only"},
    {"stream: \"*.image\"", "stream: \"*image\"", ":26:6: ", "is no stream"},
    {"dataset: images.*", "dataset: images", ":26:25: ", "must have one *"},
    {"dataset: images.*", "dataset: \"*.images.*\"", ":26:25: ", "must have one *"},
    {"dataset: cam",    "dataset: cam*",  ":25:26: ", "must have no *"},
    {"dataset: cam, ",  "",               ":25:5: ",  "one of the two"},
    {"dataset: cam, ",  "dataset: cam, topic: /cam, ", ":25:5: ", "one of the two"},
    {"dataset: cam, ",  "dataset: cam, field: data, ", ":25:40: ", "is for topics"},
    {"dataset: cam, ",  "dataset: \"\", ", ":25:35: ", "dataset"},
    {"field: velocity,", "field: velocity, stamp_unit: ms,", ":24:66: ", "belongs to \"stamp\""},
    {"field: velocity,", "field: velocity, stamp: t, stamp_unit: rad,", ":24:76: ", "counts in s"},
    {"dataset: cam, ",  "dataset: cam, stamp: t, ", ":25:40: ", "stamps are for topics"},
    {"topic: /joints",  "topics: /joints", ":24:33: ", "the nearest is \"topic\""},
    // a rule's values
    {"names: maker, suffix: .pos", "names: makers", ":22:56: ", "the word maker"},
    {"names: maker, suffix: .pos", "names: [J1, J1]", ":22:61: ", "\"J1\" is named twice"},
    {"names: maker, suffix: .pos", "names: [J1]", ":22:49: ", "has 2 values, the rule gives 1"},
    {"names: maker, suffix: .pos", "names: []", ":22:56: ", "at least 1"},
    {"names: maker, suffix: .pos", "names: [1, 2]", ":22:57: ", "names[0]: must be a string"},
    {"names: maker, suffix: .pos", "names: [J1, J2], suffix: .q", ":22:66: ",
     "belongs to \"names: maker\""},
    {"names: maker, suffix: .pos", "suffix: .q", ":22:49: ", "belongs to"},
    {"range: [2, 3]",   "range: [3, 2]",  ":23:57: ", "[3, 2] is empty"},
    {"range: [2, 3]",   "range: [2, 2]",  ":23:57: ", "is empty"},
    {"range: [2, 3]",   "range: [2, 4]",  ":23:50: ", "has 1 values, the rule gives 2"},
    {"range: [2, 3]",   "range: [2]",     ":23:57: ", "must have 2 items"},
    {"range: [2, 3]",   "range: [-1, 3]", ":23:58: ", "must be between 0"},
    {"range: [2, 3]",   "range: [0.5, 3]", ":23:58: ", "must be a"},
    {"range: [2, 3]",   "range: [2, 3], indices: [2]", ":23:65: ",
     "\"range\" and \"indices\" both"},
    {"names: maker, suffix: .pos", "names: maker, range: [0, 2]", ":22:63: ",
     "\"names\" and \"range\" both"},
    {"indices: [1, 0]", "indices: [1, 0, 2]", ":24:66: ", "has 2 values, the rule gives 3"},
    {"names: [a, b, c, d, e, f]", "names: [a, b]", ":27:46: ", "has 6 values, the rule gives 2"},
    {"names: [a, b, c, d, e, f]", "names: maker", ":27:46: ", "no joints here"},
    // a rule's unit
    {"unit: deg",       "unit: grad",     ":22:77: ",
     "\"grad\" is no unit; known are rad, deg, turn"},
    {"unit: deg",       "unit: percent",  ":22:77: ", "another kind of unit"},
    {"unit: percent",   "unit: deg",      ":23:65: ", "is in fraction"},
    {"signs: [1, -1]",  "signs: [1]",     ":22:88: ", "has 2 values, the rule gives 1 signs"},
    {"signs: [1, -1]",  "signs: [1, 0]",  ":22:99: ", "a sign is 1 or -1"},
    {"signs: [1, -1]",  "signs: [1, 2]",  ":22:99: ", "between -1 and 1"},
    {"signs: [1, -1]",  "invert: true",   ":22:88: ", "only a fraction"},
    {"invert: true",    "invert: true, signs: [1]", ":23:80: ", "do not go together"},
    {"invert: true",    "invert: 1",      ":23:88: ", "invert: must be"},
    {"dataset: cam, ",  "dataset: cam, unit: \"1\", ", ":25:40: ", "no meaning for pictures"},
    {"dataset: cam, ",  "dataset: cam, range: [0, 1], ", ":25:40: ", "no meaning for pictures"},
    {"stream: left_hand.position, dataset: state, range: [2, 3], unit: percent, invert: true",
     "stream: left_arm.position, dataset: state", ":23:5: ", "an earlier rule"},
};
// clang-format on

// Each mistake that a person may make, and where the message must point.
static void points_at_every_mistake(void)
{
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        struct et_arena *arena;
        const struct et_profile *p = NULL;
        struct et_buf text = change(MISTAKES[i].from, MISTAKES[i].to);
        const enum et_status st = load(text.p, text.n, &arena, &p);
        if (!CHECK(st == ET_ECORRUPT))
            printf("#   %s became %s: status %d\n", MISTAKES[i].from, MISTAKES[i].to, (int)st);
        CHECK(p == NULL);
        CHECK_HAS(err.text, "robot.yaml:");
        CHECK_HAS(err.text, MISTAKES[i].place);
        CHECK_HAS(err.text, MISTAKES[i].words);
        CHECK(err.at > 0);
        CHECK_EQ(et_arena_used(arena), 0);
        et_buf_free(&text);
        et_arena_close(arena);
    }
}

static void takes_a_part_whose_joints_are_what_the_data_has(void)
{
    static const char text[] = "{profile: 1, maker: a, model: b, parts: {body: {unit: \"1\", "
                               "joints: any}}, rules: [{stream: body.position, dataset: state, "
                               "signs: [1, -1, 1]}]}";
    struct et_arena *arena;
    const struct et_profile *p;
    CHECK_OK(load(text, sizeof text - 1, &arena, &p));
    CHECK(p && p->parts[0].is_open && p->parts[0].n_joints == 0 && p->rules[0].n_signs == 3);
    et_arena_close(arena);
}

static void refuses_what_is_no_profile_at_all(void)
{
    static const char *const texts[] = {"",         "3", "[]",    "profile",
                                        "\xff\xfe", "{", "a: *b", "--- \n---\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct et_arena *arena;
        const struct et_profile *p;
        CHECK_EQ(load(texts[i], strlen(texts[i]), &arena, &p), ET_ECORRUPT);
        CHECK_HAS(err.text, "robot.yaml:");
        et_arena_close(arena);
    }
}

static void says_which_file_is_absent_or_too_long(void)
{
    struct et_arena *arena;
    const struct et_profile *p;
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    CHECK_EQ(et_profile_load(temp_path("absent.yaml"), arena, &p, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "absent.yaml");
    et_arena_close(arena);

    static char text[(1 << 20) + 100];
    memset(text, '#', sizeof text);
    CHECK_EQ(load(text, sizeof text, &arena, &p), ET_ELIMIT);
    CHECK_HAS(err.text, "robot.yaml");
    et_arena_close(arena);
}

static void stays_within_a_small_arena(void)
{
    const char *path = temp_path("small.yaml");
    write_file(path, WHOLE, sizeof WHOLE - 1);
    size_t n_refused = 0;
    for (size_t limit = 64; limit < 64 << 10; limit += 613) {
        struct et_arena *arena;
        const struct et_profile *p;
        CHECK_OK(et_arena_open(&arena, limit, &err));
        const enum et_status st = et_profile_load(path, arena, &p, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT || st == ET_ENOMEM);
        CHECK(st == ET_OK || p == NULL);
        n_refused += st != ET_OK;
        et_arena_close(arena);
    }
    CHECK(n_refused > 5);
}

static void survive(const char *path, size_t at, void *ctx)
{
    size_t *n_loaded = ctx;
    struct et_arena *arena;
    const struct et_profile *p;
    (void)at;
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    const enum et_status st = et_profile_load(path, arena, &p, &err);
    CHECK(st == ET_OK ? p != NULL : p == NULL);
    if (st != ET_OK)
        CHECK_HAS(err.text, "hostile.yaml");
    *n_loaded += st == ET_OK;
    et_arena_close(arena);
}

static void survives_a_cut_at_every_byte(void)
{
    size_t n_loaded = 0;
    cut_at_every_byte(WHOLE, sizeof WHOLE - 1, 1, temp_path("hostile.yaml"), survive, &n_loaded);
    CHECK(n_loaded < 40); // only cuts within the last rules leave a profile
}

static void survives_every_byte_flipped(void)
{
    size_t n_loaded = 0;
    flip_every_byte(WHOLE, sizeof WHOLE - 1, 1, temp_path("hostile.yaml"), survive, &n_loaded);
    CHECK(n_loaded > 0);
}

int main(void)
{
    RUN(reads_what_a_person_wrote);
    RUN(reads_rules_of_every_kind);
    RUN(has_the_digest_of_its_bytes);
    RUN(points_at_every_mistake);
    RUN(takes_a_part_whose_joints_are_what_the_data_has);
    RUN(refuses_what_is_no_profile_at_all);
    RUN(says_which_file_is_absent_or_too_long);
    RUN(stays_within_a_small_arena);
    RUN(survives_a_cut_at_every_byte);
    RUN(survives_every_byte_flipped);
    return tap_end();
}
