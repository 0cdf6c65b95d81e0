/* Diplomas read, held against themselves and their key, and played again. */
#include "exam/exam__diploma.h"

#include "etude/clock.h"
#include "etude/random.h"
#include "etude/yaml.h"
#include "exam/exam__ledger.h"
#include "exam/exam__merkle.h"
#include "exam/exam__policy.h"
#include "exam/exam__tally.h"
#include "exam/exam__trial.h"

#include <stdlib.h>

#define TRIALS_MAX (ET_EXAM_SKILLS_MAX * (ET_EXAM_TRIALS_MAX + 1000))
#define VALUES_MAX ((size_t)4 << 20) // of a diploma: two hundred thousand trials
#define CODE_GROUP 4

// clang-format off
static const struct et_schema TEXT = {.type = ET_SCHEMA_STRING};
static const struct et_schema TEXT_OR_NONE = {.type = ET_SCHEMA_STRING, .may_be_null = true};
static const struct et_schema FLAG = {.type = ET_SCHEMA_BOOL};
static const struct et_schema ANY = {.type = ET_SCHEMA_ANY};
static const struct et_schema COUNT = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 0, .max = 1e9};
static const struct et_schema ONE = {
    .type = ET_SCHEMA_INT, .has_range = true, .min = 1, .max = 1};

static const struct et_schema_field POLICY_FIELDS[] = {
    {"kind",       &TEXT_OR_NONE, true},
    {"digest",     &TEXT_OR_NONE, true},
    {"privileged", &FLAG,         true},
    {"how",        &ANY,          true},
    {NULL,         NULL,          false},
};
static const struct et_schema POLICY = {.type = ET_SCHEMA_MAP, .fields = POLICY_FIELDS};
static const struct et_schema_field SEEDS_FIELDS[] = {
    {"commitment", &TEXT,         true},
    {"secret",     &TEXT,         true},
    {"drawn_by",   &TEXT_OR_NONE, true},
    {NULL,         NULL,          false},
};
static const struct et_schema SEEDS = {.type = ET_SCHEMA_MAP, .fields = SEEDS_FIELDS};
static const struct et_schema_field SKILL_FIELDS[] = {
    {"skill",     &TEXT,  true},
    {"verdict",   &TEXT,  true},
    {"trials",    &COUNT, true},
    {"successes", &COUNT, true},
    {"void",      &COUNT, true},
    {NULL,        NULL,   false},
};
static const struct et_schema SKILL = {.type = ET_SCHEMA_MAP, .fields = SKILL_FIELDS};
static const struct et_schema SKILLS = {
    .type = ET_SCHEMA_LIST, .items = &SKILL, .n_min = 1, .n_max = ET_EXAM_SKILLS_MAX};
static const struct et_schema TRIALS = {
    .type = ET_SCHEMA_LIST, .items = &ANY, .n_max = TRIALS_MAX};

static const struct et_schema_field BODY_FIELDS[] = {
    {"program",     &TEXT,   true},
    {"exam",        &ANY,    true},
    {"exam_digest", &TEXT,   true},
    {"policy",      &POLICY, true},
    {"attempt",     &COUNT,  true},
    {"seeds",       &SEEDS,  true},
    {"skills",      &SKILLS, true},
    {"result",      &TEXT,   true},
    {"root",        &TEXT,   true},
    {"trials",      &TRIALS, true},
    {"centre",      &TEXT,   true},
    {NULL,          NULL,    false},
};
static const struct et_schema BODY = {.type = ET_SCHEMA_MAP, .fields = BODY_FIELDS};
static const struct et_schema_field SIGNATURE_FIELDS[] = {
    {"algorithm", &TEXT, true},
    {"key",       &TEXT, true},
    {"signed",    &TEXT, true},
    {"value",     &TEXT, true},
    {NULL,        NULL,  false},
};
static const struct et_schema SIGNATURE = {.type = ET_SCHEMA_MAP, .fields = SIGNATURE_FIELDS};
static const struct et_schema_field FILE_FIELDS[] = {
    {"diploma",   &ONE,       true},
    {"body",      &BODY,      true},
    {"signature", &SIGNATURE, true},
    {NULL,        NULL,       false},
};
static const struct et_schema FILE_SCHEMA = {.type = ET_SCHEMA_MAP, .fields = FILE_FIELDS};
// clang-format on

static const char *text_of(const struct et_value *map, const char *key)
{
    return et_value_text(et_value_get(map, key), "");
}

static int64_t count_of(const struct et_value *map, const char *key)
{
    return et_value_int(et_value_get(map, key), -1);
}

static enum et_status differs(struct et_err *err, const char *what)
{
    return et_fail(err, ET_ECORRUPT, -1, "%s", what);
}

/* ---- the signature ---- */

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool take_signature(struct et_str text, uint8_t signature[ET_SIGNATURE_BYTES])
{
    bool is_one = text.n == (size_t)2 * ET_SIGNATURE_BYTES;
    for (size_t i = 0; is_one && i < ET_SIGNATURE_BYTES; i++) {
        const int high = digit(text.p[2 * i]), low = digit(text.p[2 * i + 1]);
        is_one = high >= 0 && low >= 0;
        if (is_one)
            signature[i] = (uint8_t)(high << 4 | low);
    }
    return is_one;
}

/* "54RD-ZTER-JDQ9-BKFY" */
static void make_code(const struct et_digest *body, char code[ET_DIPLOMA_CODE_CHARS + 1])
{
    char id[ET_ID_CHARS + 1];
    size_t n = 0;
    et_digest_id(body, id);
    for (size_t i = 0; n < ET_DIPLOMA_CODE_CHARS; i++) {
        if (i > 0 && i % CODE_GROUP == 0)
            code[n++] = '-';
        code[n++] = id[i];
    }
    code[n] = 0;
}

static enum et_status check_signature(const struct et_value *file, const struct et_public_key *key,
                                      struct et_diploma *d, struct et_err *err)
{
    const struct et_value *body = et_value_get(file, "body");
    const struct et_value *by = et_value_get(file, "signature");
    char text[ET__SIGNED_BYTES_MAX], theirs[ET_KEY_ID_CHARS + 1], ours[ET_KEY_ID_CHARS + 1];
    uint8_t signature[ET_SIGNATURE_BYTES];
    struct et_buf canonical = et_buf(ET__DIPLOMA_BODY_MAX);
    struct et_digest digest;
    enum et_status st = et__canonical_digest(body, &canonical, &digest, err);
    et_buf_free(&canonical);
    if (st != ET_OK)
        return et_fail(err, ET_ECORRUPT, -1, "the body has no canonical text: %s",
                       err ? err->text : "");
    if (strcmp(text_of(by, "algorithm"), "Ed25519") != 0)
        return differs(err, "it is signed by an algorithm that we do not know");
    if (!et_key_of_text(et_str(text_of(by, "key")), &d->key) ||
        !take_signature(et_str(text_of(by, "value")), signature))
        return differs(err, "its signature is none");
    if (strcmp(text_of(body, "centre"), text_of(by, "key")) != 0)
        return differs(err, "the body names another centre than the signature");
    et_key_id(&d->key, theirs);
    if (key && memcmp(key->bytes, d->key.bytes, sizeof key->bytes) != 0) {
        et_key_id(key, ours);
        return et_fail(err, ET_EARG, -1, "it was signed by key %s, not by %s", theirs, ours);
    }
    d->signed_at = text_of(by, "signed");
    if (strlen(d->signed_at) >= ET_TIME_TEXT_BYTES)
        return differs(err, "the time of signing is none");
    const size_t n = et__diploma_signed(&digest, d->signed_at, text);
    make_code(&digest, d->code);
    return et_key_verify(&d->key, text, n, signature)
               ? ET_OK
               : et_fail(err, ET_ECORRUPT, -1,
                         "it was edited, or forged: the signature of key %s does not fit", theirs);
}

/* ---- what it says, against itself ---- */

static enum et_status check_heads(const struct et_value *body, struct et_arena *arena,
                                  struct et_diploma *d, struct et_err *err)
{
    const struct et_value *seeds = et_value_get(body, "seeds"), *exam = et_value_get(body, "exam");
    struct et_buf canonical = et_buf(ET__DIPLOMA_BODY_MAX);
    struct et_digest digest, secret;
    enum et_status st = et__canonical_digest(exam, &canonical, &d->exam_digest, err);
    et_buf_free(&canonical);
    if (st == ET_OK)
        st = et_exam_take(exam, arena, &d->exam, err);
    if (st != ET_OK)
        return et_fail(err, ET_ECORRUPT, -1, "its exam: %s", err ? err->text : "");
    d->robot = text_of(exam, "robot");
    d->program = text_of(body, "program");
    if (!et_digest_of_text(et_str(text_of(body, "exam_digest")), &digest) ||
        memcmp(digest.bytes, d->exam_digest.bytes, sizeof digest.bytes) != 0)
        return differs(err, "the exam's digest is another's");
    const char *policy = et_value_text(et_value_get(et_value_get(body, "policy"), "digest"), NULL);
    d->is_remote = policy == NULL;
    if (policy && !et_digest_of_text(et_str(policy), &d->policy))
        return differs(err, "the policy's digest is none");
    d->is_privileged =
        et_value_bool(et_value_get(et_value_get(body, "policy"), "privileged"), false);
    st = et__policy_how_take(et_value_get(et_value_get(body, "policy"), "how"), arena, &d->how,
                             &d->remote, err);
    if (st != ET_OK)
        return st;
    const char *drawn_by = et_value_text(et_value_get(seeds, "drawn_by"), NULL);
    d->is_drawn_by_key = drawn_by != NULL;
    if (drawn_by && !et_key_of_text(et_str(drawn_by), &d->drawn_by))
        return differs(err, "the key that drew its seeds is none");
    if (!et_digest_of_text(et_str(text_of(seeds, "secret")), &secret) ||
        !et_digest_of_text(et_str(text_of(seeds, "commitment")), &d->commitment))
        return differs(err, "its seeds have no secret");
    memcpy(d->secret, secret.bytes, sizeof d->secret);
    digest = et_exam_commitment(d->secret);
    if (memcmp(digest.bytes, d->commitment.bytes, sizeof digest.bytes) != 0)
        return differs(err, "the secret is not the one that was shown before the exam");
    return ET_OK;
}

static enum et_status check_trials(const struct et_value *list, struct et__tally *tally,
                                   struct et_exam_trial *trials, struct et_diploma *d,
                                   struct et_err *err)
{
    struct et__merkle tree = {0};
    struct et_buf canonical = et_buf(ET__LEDGER_LINE_MAX);
    struct et_err why = {0};
    enum et_status st = ET_OK;
    size_t i = 0;
    for (; st == ET_OK && i < d->n_trials; i++) {
        const struct et_value *map = et_value_at(list, i);
        et_buf_clear(&canonical);
        st = et__trial_take(map, d->exam, &trials[i], &why);
        if (st == ET_OK && tally->i_part == d->exam->n_skills)
            st = et_fail(&why, ET_ECORRUPT, -1, "the exam was over before it");
        if (st == ET_OK)
            st = et__tally_check(tally, d->secret, &trials[i], &why);
        if (st == ET_OK)
            st = et_json_canonical(&canonical, map, &why);
        if (st == ET_OK)
            st = et_buf_check(&canonical, "a trial", &why);
        if (st != ET_OK)
            break;
        et__merkle_add(&tree, canonical.p, canonical.n);
        et__tally_count(tally, &trials[i]);
    }
    et_buf_free(&canonical);
    d->root = et__merkle_root(&tree);
    return st == ET_OK ? ET_OK
                       : et_fail(err, ET_ECORRUPT, (int64_t)i, "trial %zu: %s", i, why.text);
}

static enum et_status check_result(const struct et_value *body, const struct et__tally *tally,
                                   struct et_exam_standing *skills, struct et_diploma *d,
                                   struct et_err *err)
{
    const struct et_value *list = et_value_get(body, "skills");
    struct et_digest root;
    if (!et_digest_of_text(et_str(text_of(body, "root")), &root) ||
        memcmp(root.bytes, d->root.bytes, sizeof root.bytes) != 0)
        return differs(err, "its trials are not those of its root");
    d->result = et__tally_verdict(tally);
    if (d->result == ET_EXAM_GOES_ON)
        return differs(err, "its trials end before the exam is decided");
    for (size_t i = 0; i < d->exam->n_skills; i++) {
        const struct et_value *said = et_value_at(list, i);
        skills[i] = et__tally_standing(tally, i);
        const struct et_exam_standing *s = &skills[i];
        if (!said || strcmp(text_of(said, "skill"), s->skill) != 0 ||
            strcmp(text_of(said, "verdict"), et__verdict_word(s->verdict)) != 0 ||
            count_of(said, "trials") != (int64_t)(s->n_hits + s->n_failures) ||
            count_of(said, "successes") != (int64_t)s->n_hits ||
            count_of(said, "void") != (int64_t)s->n_void)
            return et_fail(err, ET_ECORRUPT, -1, "what it says of %.60s is not what its trials say",
                           s->skill);
    }
    if (et_value_count(list) != d->exam->n_skills ||
        strcmp(text_of(body, "result"), et__verdict_word(d->result)) != 0)
        return differs(err, "its result is not what its trials say");
    return ET_OK;
}

static enum et_status check_body(const struct et_value *body, struct et_arena *arena,
                                 struct et_diploma *d, struct et_err *err)
{
    const struct et_value *list = et_value_get(body, "trials");
    struct et__tally tally = {0};
    enum et_status st = check_heads(body, arena, d, err);
    if (st != ET_OK)
        return st;
    d->n_trials = et_value_count(list);
    struct et_exam_trial *trials = et_arena_array(arena, d->n_trials, sizeof *trials);
    struct et_exam_standing *skills = et_arena_array(arena, d->exam->n_skills, sizeof *skills);
    if (!trials || !skills)
        return et_arena_fail(arena, "a diploma's trials", err);
    d->trials = trials;
    d->skills = skills;
    st = et__tally_open(&tally, d->exam, arena, err);
    if (st == ET_OK)
        st = check_trials(list, &tally, trials, d, err);
    if (st == ET_OK)
        st = check_result(body, &tally, skills, d, err);
    et__tally_close(&tally);
    return st;
}

enum et_status et_diploma_read(const char *path, const struct et_public_key *key,
                               struct et_arena *arena, const struct et_diploma **diploma,
                               struct et_err *err)
{
    const struct et_value *file = NULL;
    struct et_err why = {0};
    *diploma = NULL;
    struct et_diploma *d = et_arena_alloc(arena, sizeof *d);
    if (!d)
        return et_arena_fail(arena, "a diploma", err);
    const struct et_json_options limits = {.n_values_max = VALUES_MAX};
    enum et_status st = et_json_read(path, ET_DIPLOMA_BYTES_MAX, &limits, arena, &file, err);
    if (st != ET_OK)
        return st;
    st = et_schema_check(file, &FILE_SCHEMA, NULL, &why);
    if (st == ET_OK)
        st = check_signature(file, key, d, &why);
    if (st == ET_OK)
        st = check_body(et_value_get(file, "body"), arena, d, &why);
    if (st != ET_OK)
        return et_fail(err, st, why.at, "%.150s: %s", path, why.text);
    *diploma = d;
    return ET_OK;
}

/* ---- once more ---- */

/* Skills and robots that were edited since play otherwise. */
static enum et_status check_skills(const struct et_diploma *d, struct et_err *err)
{
    struct et_arena *arena = NULL;
    struct et_buf put = et_buf(ET__LEDGER_LINE_MAX), canonical = et_buf(ET__LEDGER_LINE_MAX);
    struct et_json_writer w = {.buf = &put};
    const struct et_value *now = NULL;
    struct et_digest digest;
    enum et_status st = et_arena_open(&arena, (size_t)16 << 20, err);
    if (st == ET_OK)
        st = et_exam_put(&w, d->exam, d->robot, err);
    if (st == ET_OK)
        st = et_json_parse(et_buf_str(&put), NULL, arena, &now, err);
    if (st == ET_OK)
        st = et__canonical_digest(now, &canonical, &digest, err);
    if (st == ET_OK && memcmp(digest.bytes, d->exam_digest.bytes, sizeof digest.bytes) != 0)
        st = et_fail(err, ET_EARG, -1, "a skill of the exam is not what it was then");
    et_buf_free(&put);
    et_buf_free(&canonical);
    et_arena_close(arena);
    return st;
}

static enum et_status check_policy(const struct et_diploma *d, const struct et_stage_options *stage,
                                   struct et_err *err)
{
    struct et_stage asked;
    struct et_digest digest;
    if (d->is_remote != et_stage_is_remote(stage->policy))
        return et_fail(err, ET_EARG, -1, "%.200s is another policy: the examined one was %s",
                       stage->policy, d->is_remote ? "behind a URL" : "a folder");
    if (d->is_remote)
        return ET_OK;
    enum et_status st = et_stage_ask(&asked, stage, NULL, err);
    if (st == ET_OK)
        st = et__policy_digest(et_policy_info(asked.policy)->path, &digest, err);
    et_stage_close(&asked);
    if (st == ET_OK && memcmp(digest.bytes, d->policy.bytes, sizeof digest.bytes) != 0)
        st = et_fail(err, ET_EARG, -1, "%.200s is another policy than the one that was examined",
                     stage->policy);
    return st;
}

static enum et_status play_again(struct et__player *player, const struct et_diploma *d,
                                 const struct et_stage_options *stage,
                                 const struct et_exam_trial *was, struct et_diploma_replay *replay,
                                 struct et_err *err)
{
    struct et_exam_trial is = {.i_skill = was->i_skill, .i = was->i, .draw = was->draw};
    enum et_status st = et__player_open(player, d->exam, stage, was->i_skill, err);
    if (st == ET_OK)
        st = et__trial_play(player, d->exam, NULL, &is, err);
    if (st != ET_OK)
        return st;
    replay->n_played++;
    if (is.code != was->code || is.seconds != was->seconds) {
        if (replay->n_other_ends++ == 0) {
            replay->was = *was;
            replay->is = is;
        }
    } else if (memcmp(is.movement.bytes, was->movement.bytes, sizeof is.movement.bytes) != 0) {
        replay->n_other_movements++;
    }
    return ET_OK;
}

enum et_status et_diploma_replay(const struct et_diploma *d, const struct et_stage_options *options,
                                 size_t n, uint64_t seed, struct et_diploma_replay *replay,
                                 struct et_err *err)
{
    struct et_stage_options stage = *options;
    struct et__player player = {0};
    *replay = (struct et_diploma_replay){0};
    struct et_policy_remote remote = d->remote;
    if (options->how.remote) {
        remote = *options->how.remote;
        remote.keys = d->remote.keys;
        remote.rate_hz = d->remote.rate_hz;
    }
    stage.how = d->how;
    stage.how.remote = &remote;
    stage.world.robot = d->robot;
    for (int i = ET_TIER_CLUTTERED; i < ET_N_TIERS; i++)
        stage.world.has_litter = stage.world.has_litter || d->exam->weights[i] > 0;
    enum et_status st = check_skills(d, err);
    if (st == ET_OK)
        st = check_policy(d, &stage, err);
    n = n < d->n_trials ? n : d->n_trials;
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        const size_t k = (size_t)et_random_place(seed, i, d->n_trials);
        st = play_again(&player, d, &stage, &d->trials[k], replay, err);
    }
    et__player_close(&player);
    return st;
}
