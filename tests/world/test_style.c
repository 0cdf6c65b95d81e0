/* Trainers' styles: those that are shipped, and what is said of a file that is wrong. */
#include "etude/trainer.h"

#include "support.h"
#include "tap.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 20)

static struct et_err err;
static struct et_arena *arena;

static const char WHOLE[] = "trainer: 1\n"
                            "text: somebody\n"
                            "speed: 1.5\n"
                            "speed_spread: .2\n"
                            "aim_m: .002\n"
                            "drift_m: .0025\n"
                            "tremor_m: .0003\n"
                            "curve: .04\n"
                            "pause_s: .25\n"
                            "hesitation: .1\n"
                            "correction: .3\n"
                            "patience: 4\n";

static void begin(void)
{
    err = (struct et_err){0};
    CHECK_OK(et_arena_open(&arena, ARENA_BYTES, &err));
    CHECK_EQ(setenv("ETUDE_SHARE", source_path("share"), 1), 0);
}

static void reads_every_number(void)
{
    const struct et_trainer_style *s = NULL;
    begin();
    write_file(temp_path("me.yaml"), WHOLE, sizeof WHOLE - 1);
    CHECK_OK(et_trainer_style_load(temp_path("me.yaml"), arena, &s, &err));
    if (!s)
        return;
    CHECK_STR(s->id, "me");
    CHECK(s->speed == 1.5 && s->speed_spread == .2 && s->aim_m == .002 && s->drift_m == .0025);
    CHECK(s->tremor_m == .0003 && s->curve == .04 && s->pause_s == .25);
    CHECK(s->hesitation == .1 && s->correction == .3 && s->patience == 4);
    et_arena_close(arena);
}

static void ships_four_that_differ(void)
{
    static const char *const IDS[] = {"careful", "fast", "machine", "sloppy"};
    const struct et_trainer_style *s[4] = {NULL};
    begin();
    for (size_t i = 0; i < 4; i++) {
        CHECK_OK(et_trainer_style_load(IDS[i], arena, &s[i], &err));
        if (!CHECK(s[i] != NULL))
            return;
        CHECK_STR(s[i]->id, IDS[i]);
        CHECK(s[i]->patience > 0);
    }
    const struct et_trainer_style *machine = s[2];
    CHECK(machine->aim_m == 0 && machine->drift_m == 0 && machine->tremor_m == 0);
    CHECK(machine->curve == 0 && machine->pause_s == 0 && machine->speed == 1);
    CHECK(s[0]->speed < s[1]->speed && s[0]->aim_m < s[3]->aim_m);
    et_arena_close(arena);
}

static void says_which_there_are(void)
{
    static const char *const BAD[] = {"clumsy", "..", ""};
    const struct et_trainer_style *s;
    begin();
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        CHECK_EQ(et_trainer_style_load(BAD[i], arena, &s, &err), ET_ENOTFOUND);
        CHECK_HAS(err.text, "no trainer \"");
        CHECK_HAS(err.text, "there are careful, fast, machine, sloppy");
    }
    CHECK_EQ(et_trainer_style_load("no/where.yaml", arena, &s, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "no/where.yaml");
    CHECK(s == NULL && et_arena_used(arena) == 0);
    et_arena_close(arena);
}

static void points_at_every_mistake(void)
{
    static const struct {
        const char *from, *to, *words;
    } MISTAKES[] = {
        {"trainer: 1", "trainer: 2", ":1:10: trainer: must be between 1 and 1"},
        {"speed: 1.5", "speed: 0", ":3:8: speed: must be between 0.1 and 5"},
        {"speed: 1.5", "sped: 1.5", ":3:1: sped: is not a known key, the nearest is \"speed\""},
        {"aim_m: .002", "aim_m: 2", ":5:8: aim_m: must be between 0 and 0.1"},
        {"aim_m: .002", "aim_m: -.1", ":5:8: aim_m: must be between"},
        {"aim_m: .002", "aim_m: .nan", ":5:8: aim_m: must be between"},
        {"curve: .04\n", "", ":1:1: the key \"curve\" is missing"},
        {"pause_s: .25", "pause_s: long", ":9:10: pause_s: must be a number"},
        {"hesitation: .1", "hesitation: 10", ":10:13: hesitation: must be between 0 and 1"},
        {"patience: 4", "patience: 4.5", ":12:11: patience: must be a whole number"},
        {"patience: 4", "patience: [", ":13:1: "},
    };
    for (size_t i = 0; i < sizeof MISTAKES / sizeof *MISTAKES; i++) {
        const struct et_trainer_style *s;
        struct et_buf text = et_buf(1 << 12);
        const char *at = strstr(WHOLE, MISTAKES[i].from);
        begin();
        et_buf_put(&text, WHOLE, (size_t)(at - WHOLE));
        et_buf_puts(&text, MISTAKES[i].to);
        et_buf_puts(&text, at + strlen(MISTAKES[i].from));
        write_file(temp_path("wrong.yaml"), text.p, text.n);
        CHECK_EQ(et_trainer_style_load(temp_path("wrong.yaml"), arena, &s, &err), ET_ECORRUPT);
        CHECK_HAS(err.text, "wrong.yaml:");
        CHECK_HAS(err.text, MISTAKES[i].words);
        CHECK(s == NULL && et_arena_used(arena) == 0);
        et_buf_free(&text);
        et_arena_close(arena);
    }
}

static void survive(const char *path, size_t at, void *ctx)
{
    const struct et_trainer_style *s;
    (void)at;
    (void)ctx;
    begin();
    const enum et_status st = et_trainer_style_load(path, arena, &s, &err);
    CHECK(st == ET_OK || st == ET_ECORRUPT);
    CHECK((s != NULL) == (st == ET_OK));
    et_arena_close(arena);
}

static void survives_cuts_and_flips(void)
{
    cut_at_every_byte(WHOLE, sizeof WHOLE - 1, 1, temp_path("hostile.yaml"), survive, NULL);
    flip_every_byte(WHOLE, sizeof WHOLE - 1, 1, temp_path("hostile.yaml"), survive, NULL);
}

static void stays_within_a_small_arena(void)
{
    size_t n_refused = 0;
    begin();
    et_arena_close(arena);
    for (size_t limit = 16; limit < 16 << 10; limit += 97) {
        const struct et_trainer_style *s;
        CHECK_OK(et_arena_open(&arena, limit, &err));
        const enum et_status st = et_trainer_style_load("careful", arena, &s, &err);
        CHECK(st == ET_OK || st == ET_ELIMIT);
        n_refused += st != ET_OK;
        et_arena_close(arena);
    }
    CHECK(n_refused > 5 && n_refused < 160);
}

int main(void)
{
    RUN(reads_every_number);
    RUN(ships_four_that_differ);
    RUN(says_which_there_are);
    RUN(points_at_every_mistake);
    RUN(survives_cuts_and_flips);
    RUN(stays_within_a_small_arena);
    return tap_end();
}
