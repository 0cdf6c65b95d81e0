#include "exam/exam__tally.h"

#include "etude/exam_times.h"

#include <math.h>
#include <string.h>

#define NEVER_FAILS 0.999999 // nearly: a share that may be asked for

enum et_status et__tally_open(struct et__tally *tally, const struct et_exam *exam,
                              struct et_arena *arena, struct et_err *err)
{
    *tally = (struct et__tally){.exam = exam};
    tally->parts = et_arena_array(arena, exam->n_skills, sizeof *tally->parts);
    if (!tally->parts)
        return et_arena_fail(arena, "an exam", err);
    for (size_t i = 0; i < exam->n_skills; i++) {
        const struct et_skill *skill = NULL;
        const enum et_status st =
            exam->human_s ? ET_OK : et_skill_load(exam->skills[i], arena, &skill, err);
        if (st != ET_OK)
            return st;
        tally->parts[i].human_s = skill ? skill->human_s : exam->human_s[i];
        if (exam->score > 0)
            tally->parts[i].times = et_bet(exam->score, exam->rule.alpha);
    }
    struct et_exam_outlook best = {.pass = 1};
    enum et_status st = et_exam_rule_open(&tally->rule, &exam->rule, err);
    if (st == ET_OK)
        st = et_exam_rule_outlook(tally->rule, NEVER_FAILS, 0, 0, &best, err);
    return st != ET_OK || best.pass > 0.5
               ? st
               : et_fail(err, ET_EARG, -1,
                         "nobody can pass: %d trials are too few to show %g %% at %g %% error "
                         "(etude exam design)",
                         exam->rule.trials_max, 100 * exam->rule.p0, 100 * exam->rule.alpha);
}

void et__tally_close(struct et__tally *tally)
{
    et_exam_rule_close(tally->rule);
    *tally = (struct et__tally){0};
}

uint64_t et__tally_next(const struct et__tally *tally)
{
    const struct et__part *part = &tally->parts[tally->i_part];
    return part->n_hits + part->n_failures + part->n_void;
}

enum et_status et__tally_check(const struct et__tally *tally, const uint8_t secret[ET_KEY_BYTES],
                               struct et_exam_trial *t, struct et_err *err)
{
    const struct et_exam *exam = tally->exam;
    const struct et_exam_draw draw = et_exam_draw(exam, secret, exam->skills[t->i_skill], t->i);
    if (t->i_skill != tally->i_part || t->i != et__tally_next(tally))
        return et_fail(err, ET_ECORRUPT, -1, "trial %llu of %.60s is not the next",
                       (unsigned long long)t->i, exam->skills[t->i_skill]);
    if (draw.seed != t->draw.seed || draw.tier != t->draw.tier)
        return et_fail(err, ET_ECORRUPT, -1, "trial %llu of %.60s has another seed than the exam",
                       (unsigned long long)t->i, exam->skills[t->i_skill]);
    if (t->code == ET_EXAM_VOID && tally->parts[t->i_skill].n_void >= ET_EXAM_VOIDS_MAX)
        return et_fail(err, ET_ECORRUPT, -1, "more than %d trials of %.60s came to nothing",
                       ET_EXAM_VOIDS_MAX, exam->skills[t->i_skill]);
    t->draw = draw;
    return ET_OK;
}

static void decide(const struct et__tally *tally, struct et__part *part)
{
    const struct et_exam *exam = tally->exam;
    const enum et_exam_verdict now =
        part->has_passed ? ET_EXAM_PASSED
                         : et_exam_rule_verdict(tally->rule, part->n_hits, part->n_failures);
    const bool is_fast = exam->score <= 0 || part->times.log_above >= log(1 / exam->rule.alpha);
    const bool is_last = part->n_hits + part->n_failures >= (uint64_t)exam->rule.trials_max;
    part->has_passed = now == ET_EXAM_PASSED;
    part->verdict = now == ET_EXAM_PASSED && is_fast   ? ET_EXAM_PASSED
                    : now == ET_EXAM_FAILED || is_last ? ET_EXAM_FAILED
                                                       : ET_EXAM_GOES_ON;
}

void et__tally_count(struct et__tally *tally, const struct et_exam_trial *t)
{
    struct et__part *part = &tally->parts[t->i_skill];
    const struct et_exam *exam = tally->exam;
    const struct et_timed timed = {.seconds = t->seconds, .is_success = t->code == ET_EXAM_DONE};
    part->n_codes[t->code]++;
    if (t->code == ET_EXAM_VOID) {
        part->n_void++;
        return;
    }
    part->n_hits += timed.is_success;
    part->n_failures += !timed.is_success;
    part->seconds += timed.is_success ? t->seconds : 0;
    if (!timed.is_success)
        memcpy(part->detail, t->detail, sizeof part->detail);
    if (exam->score > 0)
        et_bet_add(&part->times, et_timed_score(&timed, exam->target * part->human_s));
    decide(tally, part);
    while (tally->i_part < exam->n_skills && tally->parts[tally->i_part].verdict != ET_EXAM_GOES_ON)
        tally->i_part++;
}

struct et_exam_standing et__tally_standing(const struct et__tally *tally, size_t i_skill)
{
    const struct et__part *part = &tally->parts[i_skill];
    const struct et_exam_rule_options *rule = &tally->exam->rule;
    const double n = (double)(part->n_hits + part->n_failures);
    struct et_exam_standing s = {
        .skill = tally->exam->skills[i_skill],
        .human_s = part->human_s,
        .n_hits = part->n_hits,
        .n_failures = part->n_failures,
        .n_void = part->n_void,
        .seconds = part->n_hits ? part->seconds / (double)part->n_hits : (double)NAN,
        .detail = part->detail,
        .verdict = part->verdict,
        .evidence = et_evidence_above(part->n_hits, part->n_failures, rule->p0),
        .shares = et_evidence_interval(part->n_hits, part->n_failures, rule->alpha),
        .time_evidence = part->times.log_above,
    };
    memcpy(s.n_codes, part->n_codes, sizeof s.n_codes);
    if (et_exam_rule_outlook(tally->rule, ((double)part->n_hits + 1) / (n + 2), part->n_hits,
                             part->n_failures, &s.outlook, NULL) != ET_OK)
        s.outlook = (struct et_exam_outlook){(double)NAN, (double)NAN};
    return s;
}

enum et_exam_verdict et__tally_verdict(const struct et__tally *tally)
{
    enum et_exam_verdict all = ET_EXAM_PASSED;
    for (size_t i = 0; i < tally->exam->n_skills; i++) {
        if (tally->parts[i].verdict == ET_EXAM_GOES_ON)
            return ET_EXAM_GOES_ON;
        if (tally->parts[i].verdict == ET_EXAM_FAILED)
            all = ET_EXAM_FAILED;
    }
    return all;
}

const char *et__verdict_word(enum et_exam_verdict verdict)
{
    return verdict == ET_EXAM_PASSED ? "pass" : "fail";
}
