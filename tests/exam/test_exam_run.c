/* Exams that run: a skill that comes off by chance alone, so that any policy has a known share. */
#include "etude/exam_run.h"

#include "etude/file.h"

#include "exam_made.h"
#include "support.h"
#include "tap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 1024

static struct et_err err;
static struct et_arena *arena;
static const char *policy;
static uint8_t key[ET_KEY_BYTES] = {7};

/* ---- exams ---- */

static struct et_exam_run_options about(const char *const *skills, size_t n)
{
    struct et_exam_run_options o = made_exam(policy, skills, n, arena);
    o.key = key;
    return o;
}

static const char *const WELL[] = {"open_mostly"}, *const HALF[] = {"open_half"};
static const char *const BOTH[] = {"open_half", "open_mostly"};

static struct et_exam_run *begin(const char *folder, const struct et_exam_run_options *o)
{
    struct et_exam_run *run = NULL;
    CHECK_OK(et_exam_run_open(&run, temp_path(folder), o, &err));
    if (!run)
        exit(1);
    return run;
}

static uint64_t n_void;

/* To its end, or so many trials further; how it stands. */
static enum et_exam_verdict go_on(struct et_exam_run *run, size_t n_most)
{
    const struct et_exam_trial *trial = NULL;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n_most && st == ET_OK; i++)
        st = et_exam_run_next(run, &trial, &err);
    CHECK(st == ET_OK || st == ET_END);
    const struct et_exam_standing s = et_exam_run_standing(run, 0);
    n_void += s.n_void;
    return et_exam_run_verdict(run);
}

static char *ledger_of(const char *folder, size_t *n)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/ledger.jsonl", temp_path(folder));
    char *content = read_file(path, n);
    CHECK(content != NULL);
    return content ? content : calloc(1, 1);
}

static void put_ledger(const char *folder, const char *content, size_t n)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/ledger.jsonl", temp_path(folder));
    write_file(path, content, n);
}

static void who_is_good_passes_and_who_is_not_fails(void)
{
    const struct et_exam_run_options well = about(WELL, 1), half = about(HALF, 1);
    struct et_exam_run *run = begin("well", &well);
    CHECK_EQ(et_exam_run_verdict(run), ET_EXAM_GOES_ON);
    CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_PASSED);
    struct et_exam_standing s = et_exam_run_standing(run, 0);
    CHECK_STR(s.skill, "open_mostly");
    CHECK(s.n_hits == 39 && s.n_failures == 0 && s.verdict == ET_EXAM_PASSED);
    CHECK_NEAR(s.evidence, et_evidence_above(s.n_hits, s.n_failures, 0.9), 0);
    CHECK(s.shares.low > 0.8 && s.human_s == 1);
    CHECK_STR(et_exam_run_robot(run), "etude-one");
    const struct et_exam_trial *trial;
    CHECK_EQ(et_exam_run_next(run, &trial, &err), ET_END); // and stays so
    et_exam_run_close(run);

    run = begin("half", &half);
    CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_FAILED);
    s = et_exam_run_standing(run, 0);
    CHECK(s.n_hits + s.n_failures < 20);
    et_exam_run_close(run);
    CHECK_EQ(n_void, 0);
}

static void trials_are_told_as_they_were(void)
{
    const struct et_exam_run_options o = about(HALF, 1);
    struct et_exam_run *run = begin("told", &o);
    const struct et_exam_trial *t;
    for (uint64_t i = 0; et_exam_run_next(run, &t, &err) == ET_OK; i++) {
        const bool is_done = t->code == ET_EXAM_DONE;
        CHECK_EQ(t->i, i);
        CHECK_EQ(t->draw.tier, ET_TIER_CONTROLLED);
        CHECK_NEAR(t->seconds, is_done ? 0.5 : 0.7, 1e-9);
        CHECK_STR(t->detail, is_done ? "" : "joint drawer > .05");
        CHECK(t->code == ET_EXAM_DONE || t->code == ET_EXAM_LIMIT);
        CHECK_STR(t->phase, "");
        CHECK(t->speed_m_s >= 0 && t->speed_m_s < 5 && t->way_m >= 0);
        CHECK(t->n_scene > 0);
        bool has_drawer = false; // where it is drawn decides
        for (size_t k = 0; k < t->n_scene; k++)
            has_drawer |= fabs(t->scene[k]) < 0.2 && (t->scene[k] > 0.05) == is_done;
        CHECK(has_drawer);
    }
    et_exam_run_close(run);
}

/* Any number of threads, the same key: the same bytes. Another policy, attempt or key: others. */
static void the_same_exam_has_the_same_ledger(void)
{
    struct et_exam_run_options o = about(BOTH, 2);
    const char *const FOLDERS[] = {"one", "two", "five", "attempt", "key"};
    size_t n[5];
    char *ledgers[5];
    for (size_t i = 0; i < 5; i++) {
        o.n_threads = i < 3 ? (const unsigned[]){1, 2, 5}[i] : 2;
        o.attempt = i == 3;
        key[0] = i == 4 ? 8 : 7;
        struct et_exam_run *run = begin(FOLDERS[i], &o);
        CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_FAILED); // of the two one
        CHECK_EQ(et_exam_run_standing(run, 0).verdict, ET_EXAM_FAILED);
        CHECK_EQ(et_exam_run_standing(run, 1).verdict, ET_EXAM_PASSED);
        et_exam_run_close(run);
        ledgers[i] = ledger_of(FOLDERS[i], &n[i]);
    }
    key[0] = 7;
    for (size_t i = 1; i < 5; i++)
        CHECK_EQ(n[i] == n[0] && memcmp(ledgers[i], ledgers[0], n[0]) == 0, i < 3);
    for (size_t i = 0; i < 5; i++)
        free(ledgers[i]);
}

/* ---- crashes ---- */

static struct et_exam_run_options reach(void)
{
    return (struct et_exam_run_options){.n_threads = 2};
}

/* After any number of trials, and wherever the last line was cut off, it goes on to the same end.
 */
static void what_was_cut_off_is_played_again(void)
{
    struct et_exam_run_options o = about(WELL, 1);
    const struct et_exam_run_options again = reach();
    o.exam.rule.p0 = 0.6; // a few trials are enough
    o.exam.rule.alpha = 0.1;
    o.exam.rule.trials_max = 20;
    struct et_exam_run *run = begin("cut", &o);
    CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_PASSED);
    et_exam_run_close(run);
    size_t n, n_now, n_cuts = 0;
    char *whole = ledger_of("cut", &n);
    const size_t head = (size_t)(strchr(whole, '\n') - whole) + 1;
    for (size_t cut = head; cut<n; cut += cut + 40> n ? 13 : 97) {
        put_ledger("cut", whole, cut);
        CHECK_OK(et_exam_run_resume(&run, temp_path("cut"), &again, &err));
        if (!run)
            break;
        CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_PASSED);
        et_exam_run_close(run);
        char *now = ledger_of("cut", &n_now);
        CHECK(n_now == n && memcmp(now, whole, n) == 0);
        free(now);
        n_cuts++;
    }
    CHECK(n_cuts > 7);
    put_ledger("cut", whole, head - 1); // not even the head is whole
    CHECK_EQ(et_exam_run_resume(&run, temp_path("cut"), &again, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "holds no exam");
    put_ledger("cut", whole, n);
    CHECK_OK(et_exam_run_resume(&run, temp_path("cut"), &again, &err)); // over: it says so
    CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_PASSED);
    et_exam_run_close(run);
    free(whole);
}

static void who_is_interrupted_goes_on(void)
{
    const struct et_exam_run_options o = about(WELL, 1), again = reach();
    struct et_exam_run *run = begin("break", &o);
    CHECK_EQ(go_on(run, 11), ET_EXAM_GOES_ON);
    CHECK_EQ(et_exam_run_open(&(struct et_exam_run *){NULL}, temp_path("break"), &o, &err),
             ET_EEXISTS);
    et_exam_run_close(run);
    CHECK_EQ(et_exam_run_open(&(struct et_exam_run *){NULL}, temp_path("break"), &o, &err),
             ET_EEXISTS);
    CHECK_HAS(err.text, "holds an exam already");
    CHECK_OK(et_exam_run_resume(&run, temp_path("break"), &again, &err));
    const struct et_exam_standing s = et_exam_run_standing(run, 0);
    CHECK_EQ(s.n_hits + s.n_failures, 11);
    CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_PASSED);
    et_exam_run_close(run);
    size_t a, b;
    char *x = ledger_of("break", &a), *y = ledger_of("well", &b);
    CHECK(a == b && memcmp(x, y, a) == 0);
    free(x);
    free(y);
}

static bool cancels(void)
{
    return true;
}

static void who_asks_for_it_is_obeyed(void)
{
    struct et_exam_run_options o = about(WELL, 1);
    const struct et_exam_trial *t;
    o.is_cancelled = cancels;
    struct et_exam_run *run = begin("cancel", &o);
    CHECK_EQ(et_exam_run_next(run, &t, &err), ET_ECANCELLED);
    et_exam_run_close(run);
}

/* ---- what was edited ---- */

static void refuse_ledger(const char *text, size_t n, const char *words)
{
    const struct et_exam_run_options again = reach();
    struct et_exam_run *run = NULL;
    put_ledger("forged", text, n);
    CHECK_EQ(et_exam_run_resume(&run, temp_path("forged"), &again, &err), ET_ECORRUPT);
    CHECK(!run);
    CHECK_HAS(err.text, words);
    CHECK_HAS(err.text, "ledger.jsonl");
    et_exam_run_close(run);
}

static void no_byte_of_a_ledger_may_change(void)
{
    const struct et_exam_run_options o = about(HALF, 1), again = reach();
    struct et_exam_run *run = begin("forged", &o);
    CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_FAILED);
    et_exam_run_close(run);
    size_t n, n_refused = 0, n_tried = 0;
    char *whole = ledger_of("forged", &n);
    for (size_t i = 0; i < n; i += 7) {
        whole[i] ^= 1;
        put_ledger("forged", whole, n);
        run = NULL;
        const enum et_status st = et_exam_run_resume(&run, temp_path("forged"), &again, &err);
        n_refused += st == ET_ECORRUPT;
        n_tried++;
        if (st != ET_ECORRUPT) // the last line's end: as if it had been cut off
            CHECK(st == ET_OK && i >= n - 1);
        et_exam_run_close(run);
        whole[i] ^= 1;
    }
    CHECK(n_tried - n_refused <= 1 && n_tried > 100);

    // A line twice, one that is missing, one behind the end.
    char *forged = malloc(2 * n);
    char *first = strchr(whole, '\n') + 1, *second = strchr(first, '\n') + 1;
    const size_t head = (size_t)(first - whole), line = (size_t)(second - first);
    if (!forged)
        exit(1);
    memcpy(forged, whole, head + line);
    memcpy(forged + head + line, first, n - head);
    refuse_ledger(forged, n + line, "ledger.jsonl:3: it, or a line before it, was edited");
    memcpy(forged, whole, head);
    memcpy(forged + head, second, n - head - line);
    refuse_ledger(forged, n - line, "ledger.jsonl:2: it, or a line before it, was edited");
    refuse_ledger(first, n - head, "ledger.jsonl:1: it, or a line before it, was edited");
    refuse_ledger("{\"chain\":\"\"}\n", 13, "does not begin with its chain");
    put_ledger("forged", whole, n);
    free(forged);
    free(whole);
}

static void what_is_not_what_it_was_is_refused(void)
{
    const struct et_exam_run_options o = about(WELL, 1), again = reach();
    struct et_exam_run *run = begin("other", &o);
    CHECK_EQ(go_on(run, 5), ET_EXAM_GOES_ON);
    et_exam_run_close(run);
    made_skill_of_chance("open_mostly", 0.07, 0.2);
    CHECK_EQ(et_exam_run_resume(&run, temp_path("other"), &again, &err), ET_EARG);
    CHECK_HAS(err.text, "not what it was");
    made_skill_of_chance("open_mostly", 0.06, 0.2);
    char path[PATH_BYTES];
    size_t n;
    (void)snprintf(path, sizeof path, "%s/secret.key", temp_path("other"));
    char *secret = read_file(path, &n);
    const char digit = secret[n - 5];
    secret[n - 5] = digit == '0' ? '1' : '0';
    write_file(path, secret, n);
    CHECK_EQ(et_exam_run_resume(&run, temp_path("other"), &again, &err), ET_ECORRUPT);
    CHECK_HAS(err.text, "another secret");
    secret[n - 5] = digit;
    write_file(path, secret, n);
    free(secret);
    CHECK_OK(et_exam_run_resume(&run, temp_path("other"), &again, &err));
    et_exam_run_close(run);
    // A policy that went on training is another.
    (void)made_policy("later");
    policy = made_policy("trained");
    CHECK_OK(et_exam_run_resume(&run, temp_path("other"), &again, &err)); // the same bits
    et_exam_run_close(run);
}

/* ---- limits ---- */

static enum et_exam_code first_code(const char *folder, const struct et_exam_run_options *o,
                                    struct et_exam_trial *trial)
{
    const struct et_exam_trial *t = NULL;
    struct et_exam_run *run = begin(folder, o);
    CHECK_OK(et_exam_run_next(run, &t, &err));
    if (t)
        *trial = *t;
    et_exam_run_close(run);
    return trial->code;
}

static void what_must_not_happen_ends_a_trial(void)
{
    struct et_exam_run_options o = about(WELL, 1);
    struct et_exam_trial t = {0};
    o.exam.safety.speed_m_s = 1e-3;
    CHECK_EQ(first_code("speed", &o, &t), ET_EXAM_SPEED);
    CHECK_HAS(t.detail, "m/s");
    CHECK(t.seconds < 0.4);
    o = about(WELL, 1);
    o.exam.limit = 0.3; // of a second
    CHECK_EQ(first_code("late", &o, &t), ET_EXAM_LIMIT);
    CHECK_STR(t.detail, "held too shortly");
    CHECK_NEAR(t.seconds, 0.3, 1e-9);
}

/* Done after half a second; a person needs one. */
static void times_may_be_demanded(void)
{
    struct et_exam_run_options o = about(WELL, 1);
    o.exam.score = 0.8;
    o.exam.target = 0.6;
    struct et_exam_run *run = begin("fast", &o);
    CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_PASSED);
    CHECK(et_exam_run_standing(run, 0).time_evidence >= log(1 / 0.05));
    et_exam_run_close(run);
    o.exam.target = 0.3; // 0.6 of what is demanded
    run = begin("slow", &o);
    CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_FAILED);
    const struct et_exam_standing s = et_exam_run_standing(run, 0);
    CHECK_EQ(s.n_hits + s.n_failures, 100); // the rule had passed it, times had not
    CHECK(s.time_evidence < 0);
    et_exam_run_close(run);
}

static void what_cannot_be_examined_is_named(void)
{
    static const char *const NOWHERE[] = {"juggle"}, *const PATHS[] = {"./open_half"};
    struct et_exam_run *run = NULL;
    struct et_exam_run_options o = about(NULL, 0);
    CHECK_EQ(et_exam_run_open(&run, temp_path("none"), &o, &err), ET_EARG);
    CHECK_HAS(err.text, "names no skill");
    o = about(NOWHERE, 1);
    CHECK_EQ(et_exam_run_open(&run, temp_path("none"), &o, &err), ET_ENOTFOUND);
    CHECK_HAS(err.text, "juggle");
    o = about(PATHS, 1);
    CHECK_EQ(et_exam_run_open(&run, temp_path("none"), &o, &err), ET_EARG);
    CHECK_HAS(err.text, "by their ids");
    o = about(HALF, 1);
    o.stage.policy = temp_path("no_policy");
    CHECK_EQ(et_exam_run_open(&run, temp_path("none"), &o, &err), ET_ENOTFOUND);
    o = about(HALF, 1);
    o.stage.world.robot = "etude-two";
    CHECK(et_exam_run_open(&run, temp_path("none"), &o, &err) != ET_OK);
    CHECK(!run && !file_exists(temp_path("none")));
    CHECK_EQ(et_exam_run_resume(&run, temp_path("none"), &o, &err), ET_ENOTFOUND);
    for (int i = 0; i < ET_EXAM_N_CODES; i++)
        CHECK(et_exam_code_word((enum et_exam_code)i)[0] &&
              et_exam_code_text((enum et_exam_code)i)[0]);
}

/* ---- what a head binds ---- */

static const char *text_in_head(const char *folder, const char *member)
{
    static char found[400];
    char wanted[64];
    size_t n;
    char *text = ledger_of(folder, &n);
    (void)snprintf(wanted, sizeof wanted, "\"%s\":", member);
    const char *at = strstr(text, wanted);
    (void)snprintf(found, sizeof found, "%.300s", at ? at + strlen(wanted) : "");
    found[strcspn(found, "}]")] = 0;
    free(text);
    return found;
}

/* Who acts otherwise is examined by other trials, and is taken up again as it was. */
static void how_it_acts_is_bound(void)
{
    struct et_exam_run_options o = about(HALF, 1);
    char plain[400];
    et_exam_run_close(begin("plainly", &o));
    (void)snprintf(plain, sizeof plain, "%s", text_in_head("plainly", "commitment"));
    o.stage.how.n_open_loop = 7;
    struct et_exam_run *run = begin("slowly", &o);
    CHECK_STR(text_in_head("slowly", "how"), "{\"every\":7");
    CHECK(strcmp(plain, text_in_head("slowly", "commitment")) != 0);
    go_on(run, SIZE_MAX);
    et_exam_run_close(run);
    // Cut, and gone on with by somebody who does not say it.
    size_t n, n_again;
    char *whole = ledger_of("slowly", &n);
    char *cut = strstr(whole, "\"trial\":"); // within the first one's line
    put_ledger("slowly", whole, (size_t)(cut - whole));
    CHECK_OK(et_exam_run_resume(&run, temp_path("slowly"),
                                &(struct et_exam_run_options){.n_threads = 1}, &err));
    go_on(run, SIZE_MAX);
    et_exam_run_close(run);
    char *again = ledger_of("slowly", &n_again);
    CHECK(n == n_again && memcmp(whole, again, n) == 0);
    free(whole);
    free(again);
}

/* What the policy may draw from tells nothing of the world's seed. */
static void a_policy_does_not_hear_the_seed(void)
{
    const struct et_exam_run_options o = about(HALF, 1);
    struct et_exam_run *run = begin("unheard", &o);
    const struct et_exam_trial *t;
    while (et_exam_run_next(run, &t, &err) == ET_OK)
        CHECK(t->draw.chance != t->draw.seed && t->draw.chance >> ET_EXAM_SEED_BITS == 0);
    et_exam_run_close(run);
}

/* Rooms and robots that were edited since are others. */
static void the_whole_world_is_bound(void)
{
    const struct et_world_options o = {.skill = "open_half"};
    struct et_digest a, b;
    size_t n;
    char *common = read_file(source_path("share/world/common.xml"), &n);
    CHECK_OK(et_world_digest(&o, &a, &err));
    CHECK_OK(et_dir_make(temp_path("share/world"), &err));
    write_file(temp_path("share/world/common.xml"), common, n);
    CHECK_OK(et_world_digest(&o, &b, &err));
    CHECK(memcmp(&a, &b, sizeof a) == 0); // wherever it lies
    common[n - 1] ^= 3;
    write_file(temp_path("share/world/common.xml"), common, n);
    CHECK_OK(et_world_digest(&o, &b, &err));
    CHECK(memcmp(&a, &b, sizeof a) != 0);
    CHECK_OK(et_path_remove(temp_path("share/world/common.xml"), &err));
    free(common);
    CHECK_EQ(et_world_digest(&(struct et_world_options){.skill = "none"}, &b, &err), ET_ENOTFOUND);
}

/* A crash before the head was whole leaves nothing in the way. */
static void what_has_not_begun_may_begin(void)
{
    const struct et_exam_run_options o = about(HALF, 1);
    char path[PATH_BYTES];
    CHECK_OK(et_dir_make(temp_path("stub"), &err));
    (void)snprintf(path, sizeof path, "%s/secret.key", temp_path("stub"));
    write_file(path, "etude", 5);
    put_ledger("stub", "{\"chain\":\"00", 12);
    struct et_exam_run *run = begin("stub", &o);
    CHECK_EQ(go_on(run, SIZE_MAX), ET_EXAM_FAILED);
    et_exam_run_close(run);
    CHECK_EQ(et_exam_run_open(&run, temp_path("stub"), &o, &err), ET_EEXISTS);
}

static void what_nobody_can_pass_is_refused(void)
{
    struct et_exam_run_options o = about(HALF, 1);
    struct et_exam_run *run = NULL;
    o.exam.rule.trials_max = 10;
    CHECK_EQ(et_exam_run_open(&run, temp_path("hopeless"), &o, &err), ET_EARG);
    CHECK_HAS(err.text, "nobody can pass: 10 trials are too few");
    CHECK(!run);
}

int main(void)
{
    CHECK_OK(et_arena_open(&arena, 1 << 26, &err));
    made_skill_of_chance("open_half", 0, 0.1);
    made_skill_of_chance("open_mostly", 0.06, 0.2);
    made_share();
    policy = made_policy("trained");
    RUN(who_is_good_passes_and_who_is_not_fails);
    RUN(trials_are_told_as_they_were);
    RUN(the_same_exam_has_the_same_ledger);
    RUN(what_was_cut_off_is_played_again);
    RUN(who_is_interrupted_goes_on);
    RUN(who_asks_for_it_is_obeyed);
    RUN(no_byte_of_a_ledger_may_change);
    RUN(what_is_not_what_it_was_is_refused);
    RUN(what_must_not_happen_ends_a_trial);
    RUN(times_may_be_demanded);
    RUN(what_cannot_be_examined_is_named);
    RUN(how_it_acts_is_bound);
    RUN(a_policy_does_not_hear_the_seed);
    RUN(the_whole_world_is_bound);
    RUN(what_has_not_begun_may_begin);
    RUN(what_nobody_can_pass_is_refused);
    et_arena_close(arena);
    return tap_end();
}
