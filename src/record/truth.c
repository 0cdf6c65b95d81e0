/* What a recording says of itself, and the truth beside it. */
#include "record__record.h"

#include "etude/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TRUTH_BYTES_MAX ((size_t)1 << 24)
#define TEXT_BYTES 512

static double seconds(int64_t t_ns)
{
    return (double)t_ns / 1e9; // the nearest to what a person writes
}

// ---- metadata in the file ----

static const char *outcome_text(const struct et_world_outcome *outcome, char text[TEXT_BYTES])
{
    if (outcome->is_success)
        return "success";
    (void)snprintf(text, TEXT_BYTES, "failure%s%s", outcome->missing ? ": " : "",
                   outcome->missing ? outcome->missing : "");
    return text;
}

// Where they are otherwise than by default.
static const char *joints_text(const struct et_world_options *options, char text[TEXT_BYTES])
{
    (void)snprintf(text, TEXT_BYTES, "%s%s%s", options->has_backlash ? " backlash" : "",
                   options->has_lag ? " lag" : "",
                   options->without_friction ? " frictionless" : "");
    return text[0] ? text + 1 : "";
}

static enum et_status write_run(struct et_world_record *r, const struct et_world_outcome *outcome,
                                struct et_err *err)
{
    char seed[32], text[TEXT_BYTES], joints[TEXT_BYTES];
    const struct et_world_options world = et_world_options(r->world);
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)r->options.seed);
    const struct et_mcap_pair pairs[] = {
        {et_str("run"), et_str(r->run)},
        {et_str("source"), et_str("virtual centre")},
        {et_str("skill"), et_str(r->skill->id)},
        {et_str("scenario"), et_str(r->skill->scenario)},
        {et_str("instruction"), et_str(r->instruction)},
        {et_str("robot"), et_str(et_world_robot(r->world))},
        {et_str("seed"), et_str(seed)},
        {et_str("tier"), et_str(et_tier_name(r->options.tier))},
        {et_str("trainer"), et_str(r->trainer ? r->trainer : "")},
        {et_str("outcome"), et_str(r->has_ended ? "" : outcome_text(outcome, text))},
        {et_str("joints"), et_str(joints_text(&world, joints))},
        {et_str("program"), et_str("etude " ET_VERSION)},
    };
    return et_mcap_write_metadata(
        r->writer,
        &(struct et_mcap_metadata){
            .name = et_str("etude.run"), .pairs = pairs, .n_pairs = sizeof pairs / sizeof *pairs},
        err);
}

static bool has_come_about(const struct et__spoiled *s)
{
    const bool is_counted = s->fault.name == ET_FAULT_DROPPED || s->fault.name == ET_FAULT_REPEATED;
    return s->kind->is_trainers ? s->mishap.has_happened : s->is_begun && (!is_counted || s->n > 0);
}

static enum et_status write_faults(struct et_world_record *r, struct et_err *err)
{
    struct et_mcap_pair pairs[ET_WORLD_FAULTS_MAX];
    char texts[ET_WORLD_FAULTS_MAX][160];
    for (size_t i = 0; i < r->n_spoiled; i++) {
        const struct et__spoiled *s = &r->spoiled[i];
        if (has_come_about(s))
            (void)snprintf(texts[i], sizeof texts[i], "%.9g %s from %.3f s to %.3f s",
                           s->fault.magnitude, s->kind->unit, seconds(s->t_first_ns),
                           seconds(s->t_last_ns));
        else
            (void)snprintf(texts[i], sizeof texts[i], "%.9g %s, did not come about",
                           s->fault.magnitude, s->kind->unit);
        pairs[i] = (struct et_mcap_pair){et_str(s->kind->name), et_str(texts[i])};
    }
    return et_mcap_write_metadata(r->writer,
                                  &(struct et_mcap_metadata){.name = et_str("etude.truth"),
                                                             .pairs = pairs,
                                                             .n_pairs = r->n_spoiled},
                                  err);
}

enum et_status et__write_metadata(struct et_world_record *record,
                                  const struct et_world_outcome *outcome, struct et_err *err)
{
    const enum et_status st = write_run(record, outcome, err);
    return st == ET_OK ? write_faults(record, err) : st;
}

// ---- the truth beside it ----

static void put_fault(struct et_json_writer *w, const struct et_world_record *r,
                      const struct et__spoiled *s)
{
    const bool has_joint = s->is_begun && (s->fault.name == ET_FAULT_FROZEN_ENCODER ||
                                           s->fault.name == ET_FAULT_SATURATION);
    et_json_open_map(w);
    et_json_put_text(w, "fault", s->kind->name);
    et_json_put_real(w, "magnitude", s->fault.magnitude);
    et_json_put_text(w, "unit", s->kind->unit);
    et_json_put_text(w, "finding", s->kind->finding);
    et_json_put_bool(w, "came_about", has_come_about(s));
    et_json_put_text(w, "topic", *s->topic ? s->topic : NULL);
    et_json_put_text(w, "joint", has_joint ? r->joints[s->i_joint].name : NULL);
    et_json_put_real(w, "from_s", s->is_begun ? seconds(s->t_first_ns) : (double)NAN);
    et_json_put_real(w, "to_s", s->is_begun ? seconds(s->t_last_ns) : (double)NAN);
    et_json_put_int(w, "n", s->n);
    if (s->kind->is_trainers) {
        et_json_put_text(w, "result", s->mishap.result);
        et_json_put_text(w, "hand", s->mishap.hand);
        et_json_put_text(w, "object", s->mishap.object);
        et_json_put_real(w, "reached", s->is_begun ? s->mishap.reached : (double)NAN);
    }
    et_json_close_map(w);
}

static void put_phases(struct et_json_writer *w, const struct et_world_record *r)
{
    et_json_key(w, "phases");
    et_json_open_list(w);
    for (size_t i = 0; i < r->n_phases; i++) {
        const struct et__phase_start *p = &r->phases[i];
        et_json_open_map(w);
        et_json_put_text(w, "phase", r->skill->phases[p->i_phase].name);
        et_json_put_real(w, "from_s", seconds(p->t_ns));
        et_json_put_real(w, "to_s", seconds(i + 1 < r->n_phases ? p[1].t_ns : r->t_world_ns));
        et_json_close_map(w);
    }
    et_json_close_list(w);
}

static void put_truth(struct et_json_writer *w, const struct et_world_record *r,
                      const struct et_world_outcome *outcome)
{
    et_json_open_map(w);
    et_json_put_text(w, "schema", "etude.world-truth/1");
    et_json_put_text(w, "run", r->run);
    et_json_put_text(w, "skill", r->skill->id);
    et_json_put_text(w, "scenario", r->skill->scenario);
    et_json_put_text(w, "instruction", r->skill->instruction_en);
    et_json_put_text(w, "robot", et_world_robot(r->world));
    et_json_put_int(w, "seed", (int64_t)r->options.seed);
    et_json_put_text(w, "tier", et_tier_name(r->options.tier));
    et_json_put_text(w, "trainer", r->trainer);
    et_json_put_int(w, "t0_ns", r->options.t0_ns);
    et_json_put_real(w, "seconds", seconds(r->t_world_ns));
    et_json_put_bool(w, "is_success", outcome->is_success && !r->has_ended);
    et_json_put_text(w, "missing", r->has_ended ? NULL : outcome->missing);
    put_phases(w, r);
    et_json_key(w, "faults");
    et_json_open_list(w);
    for (size_t i = 0; i < r->n_spoiled; i++)
        put_fault(w, r, &r->spoiled[i]);
    et_json_close_list(w);
    et_json_close_map(w);
}

static enum et_status put_path(const struct et_world_record *record, struct et_buf *path,
                               struct et_err *err)
{
    struct et_str name = et_str(record->path);
    if (et_str_ends(name, ".mcap"))
        name.n -= strlen(".mcap");
    et_buf_put(path, name.p, name.n);
    et_buf_puts(path, ET_WORLD_TRUTH_SUFFIX);
    return et_buf_check(path, "the path of the truth", err);
}

enum et_status et__write_truth(struct et_world_record *record,
                               const struct et_world_outcome *outcome, struct et_err *err)
{
    struct et_buf json = et_buf(TRUTH_BYTES_MAX), path = et_buf(ET_PATH_BYTES_MAX);
    struct et_json_writer w = {.buf = &json, .indent = 2};
    put_truth(&w, record, outcome);
    et_buf_puts(&json, "\n");
    enum et_status st = et_buf_check(&json, "the truth", err);
    if (st == ET_OK)
        st = put_path(record, &path, err);
    if (st == ET_OK)
        st = et_file_replace(et_buf_text(&path), json.p, json.n, err);
    et_buf_free(&json);
    et_buf_free(&path);
    return st;
}

void et__truth_remove(const struct et_world_record *record)
{
    struct et_buf path = et_buf(ET_PATH_BYTES_MAX);
    enum et_status st = put_path(record, &path, NULL);
    if (st == ET_OK)
        st = et_file_remove(et_buf_text(&path), NULL);
    (void)st; // there is no more to be done
    et_buf_free(&path);
}
