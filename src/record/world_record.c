/* A record: opened, fed step by step, finished or abandoned. */
#include "record__record.h"

#include "etude/file.h"

#include <stdlib.h>
#include <string.h>

#define FPS 30
#define FPS_MAX 100              // as many as the world steps
#define T0_S INT64_C(1767225600) // 2026-01-01T00:00:00Z
#define DAYS 200                 // behind which a seed begins its recording

static enum et_status check(const struct et_world_record_options *o, struct et_err *err)
{
    if (o->fps < 0 || o->fps > FPS_MAX)
        return et_fail(err, ET_EARG, -1, "%d pictures a second are not between 1 and %d", o->fps,
                       FPS_MAX);
    if (o->n_faults > ET_WORLD_FAULTS_MAX)
        return et_fail(err, ET_EARG, -1, "more than %d faults", ET_WORLD_FAULTS_MAX);
    if (o->t0_ns < 0)
        return et_fail(err, ET_EARG, -1, "a recording cannot begin before 1970");
    for (size_t i = 0; i < o->n_faults; i++) {
        const enum et_status st = et__fault_check(&o->faults[i], err);
        if (st != ET_OK)
            return st;
        const struct et_world_fault_kind *kind = et_world_fault_kind(o->faults[i].name);
        if (kind->is_trainers && !o->doer)
            return et_fail(err, ET_EARG, -1, "%s needs a trainer, and there is none", kind->name);
        if (kind->needs_cameras && !o->renderer)
            return et_fail(err, ET_EARG, -1, "%s needs cameras, and there are none", kind->name);
        for (size_t k = 0; k < i; k++)
            if (o->faults[k].name == o->faults[i].name)
                return et_fail(err, ET_EARG, -1, "%s stands twice", kind->name);
    }
    return ET_OK;
}

/* The robot's own order: by where its interface has each joint. */
static void sort_joints(struct et_world_record *r)
{
    for (size_t i = 0; i < r->n_joints; i++) {
        size_t at = i;
        for (; at > 0 && r->joints[r->order[at - 1]].maker_index > r->joints[i].maker_index; at--)
            r->order[at] = r->order[at - 1];
        r->order[at] = i;
    }
}

static void set_devices(struct et_world_record *r)
{
    for (size_t i = 0; i < ET__N_DEVICES; i++)
        r->devices[i] =
            et__device_at_best((enum et__device_name)i, r->options.t0_ns, r->options.seed);
}

static int64_t begin_of(uint64_t seed)
{
    struct et__chance chance = {seed};
    const int64_t second = (int64_t)(et__chance_next(&chance) * DAYS * 86400);
    return (T0_S + second) * INT64_C(1000000000) +
           (int64_t)(et__chance_next(&chance) * 1000000) * 1000;
}

static char *part_of(const char *path)
{
    const size_t n = strlen(path);
    char *part = malloc(n + sizeof ET_FILE_PART_SUFFIX);
    if (part) {
        memcpy(part, path, n);
        memcpy(part + n, ET_FILE_PART_SUFFIX, sizeof ET_FILE_PART_SUFFIX);
    }
    return part;
}

static enum et_status take_options(struct et_world_record *r, const char *path,
                                   const struct et_world_record_options *options,
                                   struct et_err *err)
{
    r->options = *options;
    r->path = strdup(path);
    r->part = part_of(path);
    r->run = strdup(options->run ? options->run : et_path_base(path));
    r->trainer = options->trainer ? strdup(options->trainer) : NULL;
    r->options.fps = options->fps ? options->fps : FPS;
    r->options.t0_ns = options->t0_ns ? options->t0_ns : begin_of(options->seed);
    r->joints = et_world_joints(r->world, &r->n_joints);
    r->skill = et_world_skill(r->world);
    r->instruction = r->skill->instruction_en;
    r->order = calloc(r->n_joints + 1, sizeof *r->order);
    r->values = calloc(5 * r->n_joints + 1, sizeof *r->values);
    size_t n_task;
    (void)et_world_task_names(r->world, &n_task);
    r->task_values = calloc(n_task + 1, sizeof *r->task_values);
    r->truths = calloc(et_world_n_objects(r->world) + 1, sizeof *r->truths);
    r->truth_names = calloc(et_world_n_objects(r->world) + 1, sizeof *r->truth_names);
    if (!r->path || !r->part || !r->run || (options->trainer && !r->trainer) || !r->order ||
        !r->values || !r->task_values || !r->truths || !r->truth_names)
        return et_fail(err, ET_ENOMEM, -1, "no memory to record %.200s", path);
    sort_joints(r);
    set_devices(r);
    return et__queue_open(&r->queue, err);
}

static enum et_status open_truths(struct et_world_record *r, struct et_err *err)
{
    for (size_t i = 0; i < et_world_n_objects(r->world); i++) {
        const char *object = et_world_object(r->world, i).name;
        struct et_buf name = et_buf(ET_PATH_BYTES_MAX);
        et_buf_printf(&name, "/truth/%s", object);
        r->truth_names[i] = name.status == ET_OK ? strdup(et_buf_text(&name)) : NULL;
        et_buf_free(&name);
        if (!r->truth_names[i])
            return et_fail(err, ET_ENOMEM, -1, "no memory for the true state");
        const enum et_status st =
            et__topic_open(r, &r->truths[i], ET__DEVICE_CENTRE, r->truth_names[i],
                           "geometry_msgs/msg/PoseStamped", 1e9 / ET_WORLD_STEP_NS, err);
        if (st != ET_OK)
            return st;
        r->truths[i].frame = "world";
    }
    return ET_OK;
}

static void close_record(struct et_world_record *r)
{
    et_mcap_writer_close(r->writer);
    et__queue_close(&r->queue);
    et__cameras_close(r);
    for (size_t i = 0; r->truth_names && i < et_world_n_objects(r->world); i++)
        free(r->truth_names[i]);
    free(r->truth_names);
    free(r->truths);
    free(r->order);
    free(r->values);
    free(r->task_values);
    free(r->path);
    free(r->part);
    free(r->run);
    free(r->trainer);
    free(r);
}

void et_world_record_abandon(struct et_world_record *record)
{
    if (!record)
        return;
    // What cannot be removed stays: a part, which nobody takes for a recording.
    enum et_status st = record->is_created ? et_file_remove(record->part, NULL) : ET_OK;
    if (record->is_placed)
        st = et_file_remove(record->path, NULL);
    (void)st;
    close_record(record);
}

/* What is at the path is somebody's, unless nothing was there before. */
static enum et_status create(struct et_world_record *r, struct et_err *err)
{
    const struct et_mcap_write_options options = {.profile = et_str("ros2"),
                                                  .pool = r->options.pool};
    enum et_path_kind kind;
    enum et_status st = et_path_kind(r->path, &kind, err);
    if (st != ET_OK)
        return st;
    if (kind != ET_PATH_NONE)
        return et_fail(err, ET_EEXISTS, -1, "%.200s exists already", r->path);
    st = et_mcap_create(&r->writer, r->part, &options, err);
    r->is_created = st != ET_EEXISTS;
    if (st == ET_EEXISTS)
        return et_fail(err, st, -1, "%.200s is there: a run writes it, or was killed; remove it",
                       r->part);
    return st;
}

enum et_status et_world_record_open(struct et_world_record **record, const char *path,
                                    struct et_world *world,
                                    const struct et_world_record_options *options,
                                    struct et_err *err)
{
    *record = NULL;
    enum et_status st = check(options, err);
    if (st != ET_OK)
        return st;
    struct et_world_record *r = calloc(1, sizeof *r);
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory to record %.200s", path);
    r->world = world;
    st = take_options(r, path, options, err);
    if (st == ET_OK && !options->feed)
        st = create(r, err);
    if (st == ET_OK)
        st = et__topics_open(r, err);
    if (st == ET_OK)
        st = open_truths(r, err);
    if (st == ET_OK)
        st = et__cameras_open(r, err);
    if (st != ET_OK) {
        et_world_record_abandon(r);
        return st;
    }
    et__spoil_open(r);
    r->options.faults = NULL; // the caller's
    *record = r;
    return ET_OK;
}

// ---- step by step ----

static enum et_status begin(struct et_world_record *r, struct et_err *err)
{
    r->has_begun = true;
    enum et_status st = ET_OK;
    if (!r->options.feed) // where live, who records says when
        st = et__send_event(r, "episode.begin", r->instruction, NULL, err);
    if (st == ET_OK && r->n_phases > 0) // told before there was an episode
        st = et__send_event(r, "phase", r->skill->phases[r->i_phase].name, NULL, err);
    if (st == ET_OK)
        st = et__send_tick(r, ET_WORLD_TICKS - 1, r->t_ns, err);
    return st;
}

enum et_status et_world_record_step(struct et_world_record *r, struct et_err *err)
{
    const int64_t t_ns = et_world_observe(r->world)->t_ns;
    r->t_world_ns = et_world_time_ns(r->world);
    if (r->has_ended || (r->has_begun && t_ns <= r->t_ns))
        return ET_OK;
    r->t_ns = t_ns;
    et__spoil_step(r);
    enum et_status st = ET_OK;
    if (!r->has_begun)
        st = begin(r, err);
    else
        for (size_t i = 0; i < ET_WORLD_TICKS && st == ET_OK; i++)
            st = et__send_tick(r, i, t_ns - (int64_t)(ET_WORLD_TICKS - 1 - i) * ET_WORLD_TICK_NS,
                               err);
    if (st == ET_OK)
        st = et__send_step(r, err);
    if (st == ET_OK)
        st = et__cameras_send(r, err);
    if (st == ET_OK)
        st = et__write_arrived(r, t_ns, err);
    return st;
}

bool et_world_record_has_ended(const struct et_world_record *record)
{
    return record->has_ended;
}

enum et_status et_world_record_phase(struct et_world_record *r, size_t i_phase, struct et_err *err)
{
    if (r->has_ended || i_phase >= r->skill->n_phases || (r->n_phases > 0 && r->i_phase == i_phase))
        return ET_OK;
    r->i_phase = i_phase;
    if (r->n_phases < ET__PHASES_MAX)
        r->phases[r->n_phases++] = (struct et__phase_start){i_phase, et_world_time_ns(r->world)};
    et__spoil_phase(r, i_phase);
    return !r->has_begun ? ET_OK
                         : et__send_event(r, "phase", r->skill->phases[i_phase].name, NULL, err);
}

enum et_status et_world_record_event(struct et_world_record *record, const char *kind,
                                     const char *text, struct et_err *err)
{
    return record->has_ended ? ET_OK : et__send_event(record, kind, text, NULL, err);
}

/* The truth first: where there is a recording, there is its truth. */
static enum et_status place(struct et_world_record *r, const struct et_world_outcome *outcome,
                            struct et_err *err)
{
    enum et_status st = et__write_truth(r, outcome, err);
    if (st != ET_OK)
        return st;
    st = et_file_rename(r->part, r->path, err);
    r->is_placed = st != ET_OK; // perhaps: it may be that only the folder was not synced
    if (st != ET_OK)
        et__truth_remove(r);
    return st;
}

static enum et_status end(struct et_world_record *r, const struct et_world_outcome *outcome,
                          struct et_err *err)
{
    enum et_status st = ET_OK;
    et__spoil_close(r);
    if (!r->has_ended && !r->options.feed) {
        const char *kind = outcome->is_success ? "success" : "failure";
        st = et__send_event(r, kind, outcome->missing, NULL, err);
        if (st == ET_OK)
            st = et__send_event(r, "episode.end", kind, NULL, err);
    }
    if (st == ET_OK)
        st = et__write_arrived(r, INT64_MAX, err);
    if (st != ET_OK || r->options.feed)
        return st;
    st = et__write_metadata(r, outcome, err);
    if (st != ET_OK)
        return st;
    struct et_mcap_writer *writer = r->writer;
    r->writer = NULL;
    st = et_mcap_finish(writer, err);
    return st == ET_OK ? place(r, outcome, err) : st;
}

enum et_status et_world_record_finish(struct et_world_record *record,
                                      const struct et_world_outcome *outcome, struct et_err *err)
{
    const enum et_status st = end(record, outcome, err);
    if (st != ET_OK)
        et_world_record_abandon(record);
    else
        close_record(record);
    return st;
}
