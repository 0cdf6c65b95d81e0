/* What spoils a recording: each fault where its samples pass by. */
#include "record__record.h"

#include <math.h>
#include <string.h>

#define MOVING 0.25    // of the highest speed so far: in the middle of a movement
#define SPEED_MIN 0.1  // rad/s: the robot moves
#define BLUR_S 1.5     // of a camera out of focus
#define LOSS_SAMPLES 5 // at a time, on average
#define RESET_EVERY_S 1.0
#define LABELS 3

static int64_t ns(double s)
{
    return llround(s * 1e9);
}

struct et__spoiled *et__spoiled(struct et_world_record *record, enum et_world_fault_name name)
{
    for (size_t i = 0; i < record->n_spoiled; i++)
        if (record->spoiled[i].fault.name == name)
            return &record->spoiled[i];
    return NULL;
}

static void begin(struct et_world_record *record, struct et__spoiled *s)
{
    s->is_begun = true;
    s->t_first_ns = s->t_last_ns = record->t_ns;
}

// ---- what holds from the first moment on ----

static bool is_arm(const struct et_world_joint *joint)
{
    return joint->part == ET_PART_LEFT_ARM || joint->part == ET_PART_RIGHT_ARM;
}

/* The rank of an arm's joint by how far from 0 it is at home. */
static size_t rank_of(const struct et_world_record *record, size_t i)
{
    size_t rank = 0;
    const double own = fabs(record->joints[i].home);
    for (size_t k = 0; k < record->n_joints; k++) {
        const double other = fabs(record->joints[k].home);
        rank += is_arm(&record->joints[k]) && (other > own || (other == own && k < i));
    }
    return rank;
}

static bool is_reversed(const struct et_world_record *record, const struct et__spoiled *s, size_t i)
{
    return is_arm(&record->joints[i]) && (double)rank_of(record, i) < s->fault.magnitude;
}

/* The third is of a hand that this skill leaves idle. */
static const char *wrong_label(const struct et_skill *skill, double kind)
{
    static const char *const TEXTS[LABELS] = {
        "task 1", "", "Pick up the red cup with the left hand and hang it on the hook."};
    if (kind >= 2.5 && strcmp(skill->id, "hang_cup") == 0)
        return "Press the green button with the right hand.";
    const size_t i = kind < 1.5 ? 0 : kind < 2.5 ? 1 : 2;
    return TEXTS[i];
}

static void hold_from_now(struct et_world_record *record, struct et__spoiled *s)
{
    struct et__device *body = &record->devices[ET__DEVICE_BODY];
    const double m = s->fault.magnitude;
    s->topic = s->kind->is_trainers ? "" : record->joint_states.name;
    switch ((unsigned)s->fault.name) {
    case ET_FAULT_CLOCK_OFFSET:
        body->base_ns += ns(m);
        break;
    case ET_FAULT_CLOCK_DRIFT:
        body->drift_ppm = m;
        break;
    case ET_FAULT_COARSE_TICKS:
        body->tick_ns = ns(m);
        break;
    case ET_FAULT_WIFI_DELAY:
        body->stall_s = m;
        break;
    case ET_FAULT_WRONG_LABEL:
        record->instruction = wrong_label(record->skill, m);
        s->topic = "";
        break;
    case ET_FAULT_DROPPED:
    case ET_FAULT_REPEATED:
    case ET_FAULT_WRONG_SIGN:
        break;
    default:
        return; // begins later
    }
    begin(record, s);
}

void et__spoil_open(struct et_world_record *record)
{
    for (size_t i = 0; i < record->options.n_faults; i++) {
        struct et__spoiled *s = &record->spoiled[record->n_spoiled++];
        s->fault = record->options.faults[i];
        s->kind = et_world_fault_kind(s->fault.name);
        s->chance.state = record->options.seed * 1000003 + (uint64_t)s->fault.name;
        // Early enough to be over in time: a person's time is less than anybody's here.
        s->t_begin_ns = ns(record->skill->human_s * (0.3 + 0.4 * et__chance_next(&s->chance)));
        s->topic = "";
        hold_from_now(record, s);
    }
}

// ---- what begins and ends ----

static double length_s(const struct et__spoiled *s)
{
    return s->fault.name == ET_FAULT_BLURRED_CAMERA ? BLUR_S : s->fault.magnitude;
}

static size_t fastest_joint(const struct et_world_record *record)
{
    const struct et_world_state *state = et_world_observe(record->world);
    const double *v = state->velocity + (ET_WORLD_TICKS - 1) * record->n_joints;
    size_t best = 0;
    double speed = -1;
    for (size_t i = 0; i < record->n_joints; i++)
        if (is_arm(&record->joints[i]) && fabs(v[i]) > speed) {
            speed = fabs(v[i]);
            best = i;
        }
    return best;
}

static void step_window(struct et_world_record *record, struct et__spoiled *s)
{
    if (!s->is_begun && record->t_ns >= s->t_begin_ns && record->speed > SPEED_MIN) {
        begin(record, s);
        if (!s->kind->needs_cameras) {
            const bool is_command = s->fault.name == ET_FAULT_SATURATION;
            const struct et_world_state *state = et_world_observe(record->world);
            s->i_joint = fastest_joint(record);
            s->topic = is_command ? record->joint_commands.name : record->joint_states.name;
            const double *now = state->position + (ET_WORLD_TICKS - 1) * record->n_joints;
            s->held = is_command ? record->joints[s->i_joint].upper : now[s->i_joint];
        }
    }
    if (s->is_begun && !s->is_done) {
        s->is_done = record->t_ns >= s->t_first_ns + ns(length_s(s));
        s->t_last_ns = record->t_ns;
    }
}

static void step_clock(struct et_world_record *record, struct et__spoiled *s)
{
    struct et__device *body = &record->devices[ET__DEVICE_BODY];
    const bool is_reset = s->fault.name == ET_FAULT_CLOCK_RESET;
    const int64_t t_next = s->t_begin_ns + s->n * ns(RESET_EVERY_S);
    if (s->is_done || record->t_ns < t_next)
        return;
    if (!s->is_begun)
        begin(record, s);
    s->topic = record->joint_states.name;
    s->t_last_ns = record->t_ns;
    et__device_set(body, record->t_ns,
                   is_reset ? 0 : et__device_time(body, record->t_ns) + ns(s->fault.magnitude));
    s->is_done = !is_reset || (double)++s->n >= s->fault.magnitude;
}

/* Ends the recording while the arms move, in a phase that is far enough and not the last. */
static void step_truncated(struct et_world_record *record, struct et__spoiled *s)
{
    const double n = (double)record->skill->n_phases, i = (double)record->i_phase;
    const double first = floor((1 - s->fault.magnitude) * n), last = n - 2;
    const double quick = fmin(SPEED_MIN, MOVING * record->speed_max);
    if (record->n_phases == 0 || i < fmin(first, last) || i > last || record->speed < quick)
        return;
    begin(record, s);
    s->n = (int64_t)(last - i) + 1;
    s->is_done = record->has_ended = true;
}

static void step_one(struct et_world_record *record, struct et__spoiled *s)
{
    switch ((unsigned)s->fault.name) {
    case ET_FAULT_CLOCK_JUMP:
    case ET_FAULT_CLOCK_RESET:
        step_clock(record, s);
        break;
    case ET_FAULT_FROZEN_CAMERA:
    case ET_FAULT_BLACK_CAMERA:
    case ET_FAULT_BLURRED_CAMERA:
    case ET_FAULT_FROZEN_ENCODER:
    case ET_FAULT_SATURATION:
        step_window(record, s);
        break;
    case ET_FAULT_TRUNCATED:
        step_truncated(record, s);
        break;
    case ET_FAULT_IDLE:
        break;
    default: // from the first moment on
        s->t_last_ns = s->kind->is_trainers ? s->t_last_ns : record->t_ns;
        break;
    }
}

void et__spoil_step(struct et_world_record *record)
{
    const struct et_world_state *state = et_world_observe(record->world);
    const double *v = state->velocity + (ET_WORLD_TICKS - 1) * record->n_joints;
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < record->n_joints; i++)
        if (is_arm(&record->joints[i])) {
            sum += v[i] * v[i];
            n++;
        }
    record->speed = n ? sqrt(sum / (double)n) : 0;
    record->speed_max = fmax(record->speed_max, record->speed);
    for (size_t i = 0; i < record->n_spoiled; i++)
        step_one(record, &record->spoiled[i]);
}

/* In the middle phase, once. */
void et__spoil_phase(struct et_world_record *record, size_t i_phase)
{
    struct et__spoiled *idle = et__spoiled(record, ET_FAULT_IDLE);
    if (idle && !idle->is_begun && i_phase >= record->skill->n_phases / 2) {
        begin(record, idle);
        idle->t_last_ns += ns(idle->fault.magnitude);
    }
}

void et__spoil_close(struct et_world_record *record)
{
    for (size_t i = 0; i < record->n_spoiled; i++) {
        struct et__spoiled *s = &record->spoiled[i];
        enum et_mishap what;
        if (!et__fault_mishap(s->fault.name, &what))
            continue;
        s->mishap = et_trainer_mishap_state(record->options.doer, what);
        s->is_begun = s->mishap.was_tried;
        s->t_first_ns = ns(s->mishap.from_s);
        s->t_last_ns = ns(s->mishap.to_s);
    }
}

int64_t et_world_record_idle(struct et_world_record *record)
{
    struct et__spoiled *idle = et__spoiled(record, ET_FAULT_IDLE);
    if (!idle || !idle->is_begun || idle->is_done)
        return 0;
    idle->is_done = true;
    idle->n = llround(idle->fault.magnitude * 1e9 / (double)ET_WORLD_STEP_NS);
    return idle->n;
}

// ---- values, messages, pictures ----

void et__spoil_joints(struct et_world_record *record, int64_t t_ns, const struct et__joints *joints)
{
    for (size_t k = 0; k < record->n_spoiled; k++) {
        struct et__spoiled *s = &record->spoiled[k];
        const bool is_now = s->is_begun && !s->is_done && t_ns >= s->t_first_ns;
        if (s->fault.name == ET_FAULT_WRONG_SIGN) {
            s->n = 0;
            for (size_t i = 0; i < record->n_joints; i++)
                if (is_reversed(record, s, i)) {
                    joints->position[i] = -joints->position[i];
                    joints->velocity[i] = -joints->velocity[i];
                    s->n++;
                }
        } else if (is_now && s->fault.name == ET_FAULT_FROZEN_ENCODER) {
            joints->position[s->i_joint] = s->held;
            joints->velocity[s->i_joint] = 0;
            s->n++;
        } else if (is_now && s->fault.name == ET_FAULT_SATURATION) {
            joints->command[s->i_joint] = s->held;
            s->n++;
        }
    }
}

bool et__spoil_loses(struct et_world_record *record, const struct et__topic *topic)
{
    struct et__spoiled *s = et__spoiled(record, ET_FAULT_DROPPED);
    if (!s || topic != &record->joint_states)
        return false;
    // Losses of 1 to 2 LOSS_SAMPLES − 1 samples, so often that the share comes out: between them
    // go LOSS_SAMPLES (1 − share) / share that are not lost, and each of those may be the last.
    const double share = s->fault.magnitude;
    const double u = et__chance_next(&s->chance);
    if (s->n_run == 0 && u < share / (share + LOSS_SAMPLES * (1 - share)))
        s->n_run = 1 + (int)((2 * LOSS_SAMPLES - 1) * et__chance_next(&s->chance));
    if (s->n_run == 0)
        return false;
    s->n_run--;
    s->n++;
    return true;
}

bool et__spoil_repeats(struct et_world_record *record, const struct et__topic *topic)
{
    struct et__spoiled *s = et__spoiled(record, ET_FAULT_REPEATED);
    if (!s || topic != &record->joint_states || et__chance_next(&s->chance) >= s->fault.magnitude)
        return false;
    s->n++;
    return true;
}

/* Means over 2 radius + 1 pixels of a line of n that lie `step` bytes apart. */
static void blur_line(const uint8_t *from, uint8_t *to, int n, size_t step, int radius)
{
    int sum = 0;
    for (int i = -radius; i <= radius; i++)
        sum += from[(size_t)(i < 0 ? 0 : i >= n ? n - 1 : i) * step];
    for (int i = 0; i < n; i++) {
        const int last = i - radius < 0 ? 0 : i - radius;
        const int next = i + radius + 1 >= n ? n - 1 : i + radius + 1;
        to[(size_t)i * step] = (uint8_t)(sum / (2 * radius + 1));
        sum += from[(size_t)next * step] - from[(size_t)last * step];
    }
}

/* Along rows and columns, twice: nearly a Gaussian. */
static void blur(struct et_world_record *record, int radius)
{
    const int w = record->width_px, h = record->height_px;
    const size_t row = 3 * (size_t)w;
    for (int pass = 0; pass < 2; pass++) {
        for (int y = 0; y < h; y++)
            for (size_t c = 0; c < 3; c++)
                blur_line(record->rgb + (size_t)y * row + c, record->scratch + (size_t)y * row + c,
                          w, 3, radius);
        for (size_t x = 0; x < row; x++)
            blur_line(record->scratch + x, record->rgb + x, h, row, radius);
    }
}

void et__spoil_picture(struct et_world_record *record, struct et__camera *camera)
{
    const size_t n_bytes = 3 * (size_t)record->width_px * (size_t)record->height_px;
    if (camera != et__head_camera(record))
        return;
    for (size_t i = 0; i < record->n_spoiled; i++) {
        struct et__spoiled *s = &record->spoiled[i];
        if (!s->kind->needs_cameras || !s->is_begun || s->is_done)
            continue;
        s->topic = camera->name;
        if (s->fault.name == ET_FAULT_BLACK_CAMERA)
            memset(record->rgb, 0, n_bytes);
        else if (s->fault.name == ET_FAULT_BLURRED_CAMERA)
            blur(record, (int)ceil(s->fault.magnitude));
        else if (s->n == 0)
            memcpy(camera->held, record->rgb, n_bytes);
        else
            memcpy(record->rgb, camera->held, n_bytes);
        s->n++;
    }
}
