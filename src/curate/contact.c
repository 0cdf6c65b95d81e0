#include "curate/curate__contact.h"

#include "etude/residual.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define PARTS_MAX 4
// A blow is short and hard; what lasts is a hold, a push, a payload.
#define COLLISION_S 0.15
#define COLLISION_RATIO 4.0

static const enum et_part PARTS[PARTS_MAX] = {ET_PART_WAIST, ET_PART_HEAD, ET_PART_LEFT_ARM,
                                              ET_PART_RIGHT_ARM};

struct et__contacts {
    struct et_residual_model *model;
    enum et_part parts[PARTS_MAX]; // in the model's order
    size_t n_of[PARTS_MAX];        // joints of each
    size_t n_parts, n_joints;
    struct et_arena *arena; // names
    const char **names;     // n_joints, ours
};

static const struct et_stream *find_stream(const struct et_recording_binding *binding,
                                           enum et_part part, enum et_quantity quantity)
{
    for (size_t i = 0; i < binding->n_streams; i++) {
        const struct et_stream *stream = &binding->streams[i].stream;
        if (!stream->is_command && stream->part == part && stream->quantity == quantity)
            return stream;
    }
    return NULL;
}

static const struct et_joint *find_joint(const struct et_profile *profile, const char *name)
{
    for (size_t i = 0; i < profile->n_parts; i++)
        for (size_t k = 0; k < profile->parts[i].n_joints; k++)
            if (strcmp(profile->parts[i].joints[k].name, name) == 0)
                return &profile->parts[i].joints[k];
    return NULL;
}

/* What the URDF may call a joint: the maker's name, ours, ours and "_joint". */
static const char *spell(struct et__contacts *c, const struct et_profile *profile, const char *name,
                         int how)
{
    const struct et_joint *joint = find_joint(profile, name);
    if (how == 0)
        return joint && joint->maker ? joint->maker : name;
    return how == 1 ? name : et_arena_printf(c->arena, "%s_joint", name);
}

static enum et_status load(struct et__contacts *c, const char *urdf_path,
                           const struct et_profile *profile, struct et_err *err)
{
    const char **spelled = et_arena_array(c->arena, c->n_joints, sizeof *spelled);
    struct et_err first = {0};
    if (!spelled)
        return et_arena_fail(c->arena, "the joints of a URDF", err);
    for (int how = 2; how >= 0; how--) {
        for (size_t i = 0; i < c->n_joints; i++)
            if (!(spelled[i] = spell(c, profile, c->names[i], how)))
                return et_arena_fail(c->arena, "the joints of a URDF", err);
        struct et_err inner = {0};
        const enum et_status st =
            et_residual_open(&c->model, urdf_path, spelled, c->n_joints, &inner);
        if (st != ET_ENOTFOUND) {
            if (st != ET_OK && err)
                *err = inner;
            return st;
        }
        if (how == 2)
            first = inner;
    }
    if (err)
        *err = first;
    return ET_ENOTFOUND;
}

static enum et_status list_joints(struct et__contacts *c,
                                  const struct et_recording_binding *binding, struct et_err *err)
{
    c->names = et_arena_array(c->arena, ET_RESIDUAL_JOINTS_MAX, sizeof *c->names);
    if (!c->names)
        return et_arena_fail(c->arena, "the joints of a URDF", err);
    for (size_t p = 0; p < PARTS_MAX; p++) {
        const struct et_stream *position = find_stream(binding, PARTS[p], ET_QUANTITY_POSITION);
        const struct et_stream *effort = find_stream(binding, PARTS[p], ET_QUANTITY_EFFORT);
        if (!position || !effort || !position->names || position->n_values != effort->n_values ||
            strcmp(position->unit, "rad") != 0 ||
            c->n_joints + position->n_values > ET_RESIDUAL_JOINTS_MAX)
            continue;
        for (size_t i = 0; i < position->n_values; i++)
            c->names[c->n_joints + i] = position->names[i];
        c->parts[c->n_parts] = PARTS[p];
        c->n_of[c->n_parts++] = position->n_values;
        c->n_joints += position->n_values;
    }
    return ET_OK;
}

enum et_status et__contacts_open(struct et__contacts **contacts, const char *urdf_path,
                                 const struct et_recording_binding *binding, const char **why,
                                 struct et_err *err)
{
    struct et__contacts *c = calloc(1, sizeof *c);
    *contacts = NULL;
    *why = NULL;
    if (!c)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a robot's dynamics");
    enum et_status st = et_arena_open(&c->arena, (size_t)1 << 20, err);
    if (st == ET_OK)
        st = list_joints(c, binding, err);
    if (st == ET_OK && c->n_joints == 0)
        *why = "no joint of arms, head or waist has both position and effort: no contact is looked "
               "for";
    if (st == ET_OK && c->n_joints > 0)
        st = load(c, urdf_path, binding->profile, err);
    if (st != ET_OK || *why)
        et__contacts_close(c);
    else
        *contacts = c;
    return st;
}

void et__contacts_close(struct et__contacts *contacts)
{
    if (!contacts)
        return;
    et_residual_close(contacts->model);
    et_arena_close(contacts->arena);
    free(contacts);
}

/* ---- an episode ---- */

static const struct et_track *find_track(const struct et_episode *episode, enum et_part part,
                                         enum et_quantity quantity)
{
    for (size_t i = 0; i < episode->n_tracks; i++) {
        const struct et_track *track = &episode->tracks[i];
        if (!track->stream.is_command && track->stream.part == part &&
            track->stream.quantity == quantity)
            return track;
    }
    return NULL;
}

static bool is_same_time(const struct et_track *a, const struct et_track *b)
{
    const size_t n = a->n_samples;
    return n == b->n_samples && n > 1 && a->t_ns[0] == b->t_ns[0] &&
           a->t_ns[n - 1] == b->t_ns[n - 1];
}

/* The tracks of a quantity of all parts side by side; NULL: some are not there, or at other times.
 * *is_full: the arena was. */
static const double *join(const struct et__contacts *c, const struct et_episode *episode,
                          enum et_quantity quantity, const struct et_track *clock,
                          struct et_arena *arena, bool *is_full)
{
    double *values = et_arena_array(arena, clock->n_samples, c->n_joints * sizeof *values);
    *is_full = !values;
    for (size_t p = 0, at = 0; values && p < c->n_parts; at += c->n_of[p++]) {
        const struct et_track *track = find_track(episode, c->parts[p], quantity);
        if (!track || track->stream.n_values != c->n_of[p] || !is_same_time(track, clock))
            return NULL;
        for (size_t k = 0; k < clock->n_samples; k++)
            memcpy(&values[k * c->n_joints + at], &track->values[k * c->n_of[p]],
                   c->n_of[p] * sizeof *values);
    }
    return values;
}

static const char *stream_of(const struct et__contacts *c, const struct et_episode *episode,
                             size_t i_joint)
{
    for (size_t p = 0, at = 0; p < c->n_parts; at += c->n_of[p++])
        if (i_joint < at + c->n_of[p]) {
            const struct et_track *track = find_track(episode, c->parts[p], ET_QUANTITY_EFFORT);
            return track ? track->stream.name : NULL;
        }
    return NULL;
}

static enum et_status report(const struct et__contacts *c, const struct et_episode *episode,
                             const struct et_residual *residual, struct et_findings *findings,
                             struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < residual->n_contacts && st == ET_OK; i++) {
        const struct et_contact *contact = &residual->contacts[i];
        const double lasts_s = (double)(contact->t_last_ns - contact->t_first_ns) * 1e-9;
        const bool is_blow = lasts_s < COLLISION_S && contact->ratio > COLLISION_RATIO;
        const struct et_finding finding = {
            .kind = is_blow ? "collision" : "contact",
            .severity = is_blow ? ET_SEVERITY_WARN : ET_SEVERITY_INFO,
            .stream = stream_of(c, episode, contact->i_joint),
            .t_first_ns = contact->t_first_ns,
            .t_last_ns = contact->t_last_ns,
            .value = fabs(contact->peak),
            .threshold = residual->joints[contact->i_joint].threshold,
            .unit = "N m"};
        st = et_findings_add(findings, &finding, err,
                             "%s bears %.2f N m that its motion does not explain, for %.2f s",
                             c->names[contact->i_joint], fabs(contact->peak), lasts_s);
    }
    return st;
}

static enum et_status report_refusal(const struct et_residual *residual,
                                     struct et_findings *findings, struct et_err *err)
{
    const struct et_finding finding = {.kind = "contact",
                                       .severity = ET_SEVERITY_INFO,
                                       .t_first_ns = ET_FINDING_WHOLE,
                                       .t_last_ns = ET_FINDING_WHOLE,
                                       .value = (double)NAN,
                                       .threshold = (double)NAN,
                                       .unit = ""};
    return et_findings_add(findings, &finding, err, "contacts are not known: %s", residual->why);
}

enum et_status et__contacts_find(struct et__contacts *contacts, const struct et_episode *episode,
                                 struct et_findings *findings, struct et_err *err)
{
    const struct et__contacts *c = contacts;
    struct et_arena *arena = findings->arena;
    const struct et_track *clock = find_track(episode, c->parts[0], ET_QUANTITY_POSITION);
    bool is_full = false;
    struct et_residual residual = {.why = "position and effort have other times than each other"};
    if (!clock || clock->n_samples == 0)
        return ET_OK;
    struct et_residual_input input = {.t_ns = clock->t_ns, .n_samples = clock->n_samples};
    input.position = join(c, episode, ET_QUANTITY_POSITION, clock, arena, &is_full);
    if (!is_full)
        input.effort = join(c, episode, ET_QUANTITY_EFFORT, clock, arena, &is_full);
    if (!is_full)
        input.velocity = join(c, episode, ET_QUANTITY_VELOCITY, clock, arena, &is_full);
    enum et_status st = is_full ? et_arena_fail(arena, "an episode's torques", err) : ET_OK;
    if (st == ET_OK && input.position && input.effort)
        st = et_residual_estimate(contacts->model, &input, NULL, arena, &residual, err);
    if (st != ET_OK)
        return st;
    return residual.is_known ? report(c, episode, &residual, findings, err)
                             : report_refusal(&residual, findings, err);
}
