/* What a recording's topics hold, for the draft of a profile. */
#include "recording/recording__open.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)512 << 20)
#define SAMPLE_BYTES_MAX ((size_t)64 << 20)
#define FIELDS_MAX 4096
#define RANGE_MESSAGES 20000 // that ranges are taken from, of all topics together

/* One field that seems to be of a stream. */
struct found {
    struct et_guess_field guess;
    struct et__field field;
    double *min, *max;
};

/* A topic that is looked at. */
struct topic {
    struct et_str sample; // first message; owned
    bool is_done;         // has a sample, or needs none
    struct et_message_def def;
    struct et_message_program *program;
    size_t i_first, n;   // its fields
    const char *problem; // why it has none; NULL: it was looked at
};

struct guessing {
    struct et_recording *r;
    struct et_arena *arena;
    struct topic *topics; // one a channel
    size_t n_topics;
    struct found *found;
    size_t n_found;
    struct et_err *err;
};

static enum et_status full(const struct guessing *g)
{
    return et_arena_fail(g->arena, "the draft of a profile", g->err);
}

/* ---- the first message of each topic ---- */

static enum et_status take_samples(struct guessing *g)
{
    struct et__source *source = g->r->source;
    bool *is_wanted = et_arena_array(g->arena, g->n_topics, sizeof *is_wanted);
    size_t n_missing = 0;
    if (!is_wanted)
        return full(g);
    for (size_t i = 0; i < g->n_topics; i++) {
        const struct et_channel *channel = &source->info.channels[i];
        is_wanted[i] = channel->n_messages != 0 && !channel->is_row;
        n_missing += is_wanted[i];
    }
    const struct et__range range = {.is_wanted = is_wanted, .in_file_order = true};
    struct et__raw raw;
    enum et_status st = n_missing > 0 ? source->ops->query(source, &range, g->err) : ET_END;
    while (st == ET_OK && n_missing > 0 &&
           (st = source->ops->next(source, &raw, g->err)) == ET_OK) {
        struct topic *topic = raw.i_channel < g->n_topics ? &g->topics[raw.i_channel] : NULL;
        if (!topic || topic->is_done || raw.bytes.n > SAMPLE_BYTES_MAX)
            continue;
        char *copy = malloc(raw.bytes.n + 1);
        if (!copy)
            return et_fail(g->err, ET_ENOMEM, -1, "no memory for a first message");
        if (raw.bytes.n > 0)
            memcpy(copy, raw.bytes.p, raw.bytes.n);
        topic->sample = (struct et_str){copy, raw.bytes.n};
        topic->is_done = true;
        n_missing--;
    }
    return st == ET_END ? ET_OK : st;
}

/* ---- what names say ---- */

/* The last word of a path, without what chooses elements: "motor_state[].q" gives "q". */
static struct et_str last_word(const char *path)
{
    size_t n = strlen(path);
    while (n > 0 && path[n - 1] == ']')
        while (n > 0 && path[--n] != '[') {
        }
    size_t first = n;
    while (first > 0 && path[first - 1] != '.' && path[first - 1] != '/')
        first--;
    return (struct et_str){path + first, n - first};
}

static bool quantity_of_word(struct et_str word, enum et_quantity *quantity)
{
    // clang-format off
    static const struct {
        const char *word;
        enum et_quantity quantity;
    } WORDS[] = {
        {"q",              ET_QUANTITY_POSITION}, {"qpos",            ET_QUANTITY_POSITION},
        {"joint_q",        ET_QUANTITY_POSITION}, {"position",        ET_QUANTITY_POSITION},
        {"positions",      ET_QUANTITY_POSITION}, {"joint_position",  ET_QUANTITY_POSITION},
        {"joint_positions", ET_QUANTITY_POSITION}, {"joint_pos",      ET_QUANTITY_POSITION},
        {"joint_angles",   ET_QUANTITY_POSITION}, {"angles",          ET_QUANTITY_POSITION},
        {"gripper",        ET_QUANTITY_POSITION}, {"action",          ET_QUANTITY_POSITION},
        {"actions",        ET_QUANTITY_POSITION}, {"robot0_joint_pos", ET_QUANTITY_POSITION},
        {"robot0_gripper_qpos", ET_QUANTITY_POSITION},
        {"dq",             ET_QUANTITY_VELOCITY}, {"qvel",            ET_QUANTITY_VELOCITY},
        {"joint_v",        ET_QUANTITY_VELOCITY}, {"velocity",        ET_QUANTITY_VELOCITY},
        {"velocities",     ET_QUANTITY_VELOCITY}, {"joint_velocity",  ET_QUANTITY_VELOCITY},
        {"joint_vel",      ET_QUANTITY_VELOCITY}, {"robot0_joint_vel", ET_QUANTITY_VELOCITY},
        {"robot0_gripper_qvel", ET_QUANTITY_VELOCITY},
        {"tau",            ET_QUANTITY_EFFORT},   {"tau_est",         ET_QUANTITY_EFFORT},
        {"torque",         ET_QUANTITY_EFFORT},   {"torques",         ET_QUANTITY_EFFORT},
        {"joint_torque",   ET_QUANTITY_EFFORT},   {"effort",          ET_QUANTITY_EFFORT},
        {"efforts",        ET_QUANTITY_EFFORT},   {"joint_effort",    ET_QUANTITY_EFFORT},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (!et_str_is(word, WORDS[i].word))
            continue;
        *quantity = WORDS[i].quantity;
        return true;
    }
    return false;
}

/* Topics of plain words and numbers are marks only where their name says so. */
static bool is_event_topic(const char *topic)
{
    static const char *const WORDS[] = {"event",   "episode", "mark",  "label",
                                        "trigger", "record",  "pedal", "button"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strstr(topic, WORDS[i]))
            return true;
    return false;
}

static bool is_depth_topic(const char *topic)
{
    return strstr(topic, "depth") || strstr(topic, "Depth");
}

/* ---- fields of a message's type ---- */

struct looking {
    struct guessing *g;
    size_t i_channel;
    const struct et_channel *channel;
    struct topic *topic;
    struct et__wants wants;
    const struct et_message_path *paths;
    size_t n_paths;
};

/* A field that cannot be compiled is none. */
static enum et_status add_field(struct looking *l, const char *text, bool is_known,
                                enum et_quantity quantity, const char *why)
{
    struct guessing *g = l->g;
    struct et__wants before = l->wants;
    if (g->n_found == FIELDS_MAX)
        return ET_OK;
    struct found *found = &g->found[g->n_found];
    *found = (struct found){
        .guess = {.topic = l->channel->topic,
                  .field = is_known ? NULL : text,
                  .quantity = quantity,
                  .has_stamp = !l->topic->def.def || et__known_stamp(l->paths, l->n_paths) != NULL,
                  .why = why}};
    const enum et_status st = et__field_compile(&l->topic->def, l->channel, text, quantity,
                                                &l->wants, &found->field, NULL);
    if (st == ET_ENOMEM || st == ET_ELIMIT)
        return full(g);
    if (st != ET_OK) {
        l->wants = before;
        return ET_OK;
    }
    g->n_found++;
    l->topic->n++;
    return ET_OK;
}

static const char *type_text(const struct looking *l)
{
    const struct et_str type = l->channel->schema.name;
    bool is_plain = type.n > 0 && type.n < 128;
    for (size_t i = 0; i < type.n; i++)
        is_plain = is_plain && type.p[i] > ' ' && type.p[i] < 127;
    return is_plain ? et_arena_printf(l->g->arena, "of type %.*s", (int)type.n, type.p)
                    : "of a type that is known";
}

/* What the message's type is known for. */
static enum et_status add_known(struct looking *l)
{
    const struct et_str type = l->channel->schema.name;
    const char *why = type_text(l);
    enum et_status st = why ? ET_OK : full(l->g);
    for (int q = 0; q < ET_N_QUANTITIES && st == ET_OK; q++) {
        const enum et_quantity quantity = (enum et_quantity)q;
        const bool is_picture = quantity == ET_QUANTITY_IMAGE || quantity == ET_QUANTITY_DEPTH;
        const char *field = is_picture ? NULL : et__known_field(type, quantity);
        if (!field || quantity == ET_QUANTITY_TEXT || quantity == ET_QUANTITY_PRESSURE)
            continue;
        if (quantity == ET_QUANTITY_EVENT &&
            !et_msgdef_same_name(type, et_str("etude_msgs/Event")) &&
            !is_event_topic(l->channel->topic))
            continue;
        st = add_field(l, field, !et_quantity_is_of_joints(quantity), quantity, why);
    }
    return st;
}

static bool names(struct et_str type, const char *word)
{
    const size_t n = strlen(word);
    for (size_t at = 0; at + n <= type.n; at++)
        if (memcmp(type.p + at, word, n) == 0)
            return true;
    return false;
}

/* Types that have a picture in "data". JSON does not say what it has; its compressed pictures are
 * Foxglove's. */
static enum et_status add_picture(struct looking *l)
{
    const struct et_str type = l->channel->schema.name;
    const bool is_picture = names(type, "Image") || names(type, "Video") || names(type, "FFMPEG");
    bool has_data = !l->topic->def.def && names(type, "foxglove.Compressed");
    for (size_t i = 0; i < l->n_paths; i++)
        has_data = has_data ||
                   (strcmp(l->paths[i].path, "data") == 0 && l->paths[i].form == ET_MESSAGE_VIEWS);
    const char *why = is_picture && has_data ? type_text(l) : "";
    if (!why)
        return full(l->g);
    if (!is_picture || !has_data)
        return ET_OK;
    return add_field(l, "data", true,
                     is_depth_topic(l->channel->topic) ? ET_QUANTITY_DEPTH : ET_QUANTITY_IMAGE,
                     why);
}

/* Lists of numbers by their names. */
static enum et_status add_lists(struct looking *l)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < l->n_paths && st == ET_OK; i++) {
        const struct et_message_path *path = &l->paths[i];
        enum et_quantity quantity;
        if ((path->form != ET_MESSAGE_NUMBERS && path->form != ET_MESSAGE_INTEGERS) ||
            path->n_values == 1 || !quantity_of_word(last_word(path->path), &quantity))
            continue;
        st = add_field(l, path->path, false, quantity, "by the field's name");
    }
    return st;
}

/* How many numbers stand at or below a path; is_list: as one list. */
static size_t count_below(const struct looking *l, const char *head, size_t n_head,
                          const char *word, bool *is_list)
{
    char path[ET_MESSAGE_PATH_BYTES_MAX];
    size_t count = 0;
    const int n = snprintf(path, sizeof path, "%.*s%s", (int)n_head, head, word);
    if (n < 0 || (size_t)n >= sizeof path)
        return 0;
    for (size_t i = 0; i < l->n_paths; i++) {
        const struct et_message_path *p = &l->paths[i];
        if (p->form != ET_MESSAGE_NUMBERS || p->n_values < 0 ||
            strncmp(p->path, path, (size_t)n) != 0)
            continue;
        if (p->path[n] == 0 || p->path[n] == '.' || p->path[n] == '[') {
            count += (size_t)p->n_values;
            *is_list = p->path[n] != '.';
        }
    }
    return count;
}

/* An IMU within another message: angular velocity, acceleration and quaternion side by side. */
static enum et_status add_imu(struct looking *l)
{
    static const char *const GYRO[] = {"gyro", "gyroscope", "angular_velocity"};
    static const char *const ACC[] = {"acc", "accelerometer", "linear_acceleration"};
    static const char *const QUAT[] = {"quat", "quaternion", "orientation"};
    for (size_t i = 0; i < l->n_paths; i++) {
        const char *path = l->paths[i].path;
        for (size_t k = 0; k < sizeof GYRO / sizeof *GYRO; k++) {
            const char *at = strstr(path, GYRO[k]);
            if (!at || (at > path && at[-1] != '.'))
                continue;
            const size_t n_head = (size_t)(at - path);
            for (size_t m = 0; m < 9; m++) {
                const char *acc = ACC[m / 3], *quat = QUAT[m % 3];
                bool is_list = false;
                if (count_below(l, path, n_head, GYRO[k], &is_list) != 3 ||
                    count_below(l, path, n_head, acc, &is_list) != 3 ||
                    count_below(l, path, n_head, quat, &is_list) != 4)
                    continue;
                const char *text =
                    et_arena_printf(l->g->arena, "%.*s%s, %.*s%s, %.*s%s", (int)n_head, path,
                                    GYRO[k], (int)n_head, path, acc, (int)n_head, path, quat);
                if (!text)
                    return full(l->g);
                const size_t n_before = l->g->n_found;
                const enum et_status st =
                    add_field(l, text, false, ET_QUANTITY_IMU, "by the fields' names");
                if (l->g->n_found > n_before)
                    l->g->found[n_before].guess.is_w_first = is_list;
                return st;
            }
        }
    }
    return ET_OK;
}

/* ---- values of the first message ---- */

static enum et_status take_names(struct guessing *g, struct found *found,
                                 const struct et_message_values *names)
{
    if (names->n != found->guess.n_values || names->n == 0)
        return ET_OK;
    const char **texts = et_arena_array(g->arena, names->n, sizeof *texts);
    if (!texts)
        return full(g);
    for (size_t i = 0; i < names->n; i++) {
        const bool is_fit = et_name_check(names->views[i], "a value's name", NULL) == ET_OK;
        texts[i] = is_fit ? et_arena_copy(g->arena, names->views[i].p, names->views[i].n) : "";
        if (!texts[i])
            return full(g);
    }
    found->guess.names = texts;
    return ET_OK;
}

static enum et_status make_range(struct guessing *g, struct found *found)
{
    const size_t n = found->guess.n_values;
    found->min = et_arena_array(g->arena, n, sizeof *found->min);
    found->max = et_arena_array(g->arena, n, sizeof *found->max);
    if (!found->min || !found->max)
        return full(g);
    for (size_t i = 0; i < n; i++) {
        found->min[i] = (double)INFINITY;
        found->max[i] = -(double)INFINITY;
    }
    found->guess.min = found->min;
    found->guess.max = found->max;
    return ET_OK;
}

static void widen(struct found *found, size_t i, double value)
{
    if (i >= found->guess.n_values || !isfinite(value))
        return;
    found->min[i] = value < found->min[i] ? value : found->min[i];
    found->max[i] = value > found->max[i] ? value : found->max[i];
}

static void widen_all(struct found *found, const struct et_message_program *program)
{
    size_t at = 0;
    for (size_t k = 0; k < found->field.n_paths; k++) {
        const struct et_message_values *values = et_message_values(program, found->field.paths[k]);
        for (size_t i = 0; i < values->n; i++)
            widen(found, at++, values->numbers[i]);
    }
}

static enum et_status measure(struct guessing *g, struct topic *topic, struct found *found)
{
    if (found->guess.quantity == ET_QUANTITY_IMAGE || found->guess.quantity == ET_QUANTITY_DEPTH ||
        found->guess.quantity == ET_QUANTITY_EVENT)
        return ET_OK;
    for (size_t k = 0; k < found->field.n_paths; k++)
        found->guess.n_values += et_message_values(topic->program, found->field.paths[k])->n;
    enum et_status st = make_range(g, found);
    if (st == ET_OK && found->field.i_names != SIZE_MAX)
        st = take_names(g, found, et_message_values(topic->program, found->field.i_names));
    return st;
}

static void cannot(const struct looking *l, const char *what, const struct et_err *err)
{
    l->topic->problem = et_arena_printf(l->g->arena, "%s: %s", what, err->text);
}

/* A topic whose messages cannot be decoded has no fields. */
static enum et_status run_sample(struct looking *l)
{
    struct guessing *g = l->g;
    struct topic *topic = l->topic;
    struct et_err err = {0};
    if (topic->n == 0)
        return ET_OK;
    enum et_status st = et_message_program_open(&topic->program, &topic->def, l->wants.items,
                                                l->wants.n, NULL, &err);
    if (st == ET_OK)
        st = et_message_run(topic->program, topic->sample, &err);
    if (st == ET_ENOMEM)
        return et_fail(g->err, ET_ENOMEM, -1, "no memory for a message's fields");
    if (st != ET_OK) {
        g->n_found = topic->i_first;
        topic->n = 0;
        cannot(l, "its first message cannot be read", &err);
        return ET_OK;
    }
    for (size_t i = 0; i < topic->n && st == ET_OK; i++)
        st = measure(g, topic, &g->found[topic->i_first + i]);
    return st;
}

static enum et_status look_at_messages(struct guessing *g, size_t i_channel)
{
    const struct et_channel *channel = &g->r->source->info.channels[i_channel];
    struct topic *topic = &g->topics[i_channel];
    struct looking l = {.g = g,
                        .i_channel = i_channel,
                        .channel = channel,
                        .topic = topic,
                        .wants = {.arena = g->arena}};
    struct et_err err = {0};
    if (!topic->is_done)
        return ET_OK;
    if (et_message_define(&channel->schema, topic->sample, g->arena, &topic->def, &err) != ET_OK ||
        (topic->def.def &&
         et_message_paths(&topic->def, g->arena, &l.paths, &l.n_paths, &err) != ET_OK)) {
        cannot(&l, "its definition cannot be read", &err);
        return ET_OK;
    }
    enum et_status st = add_known(&l);
    if (st == ET_OK)
        st = add_picture(&l);
    if (st == ET_OK && topic->n == 0)
        st = add_lists(&l);
    if (st == ET_OK && (topic->n == 0 || g->found[topic->i_first].guess.field))
        st = add_imu(&l);
    return st == ET_OK ? run_sample(&l) : st;
}

/* ---- rows ---- */

static enum et_status look_at_row(struct guessing *g, size_t i_channel)
{
    const struct et_channel *channel = &g->r->source->info.channels[i_channel];
    enum et_quantity quantity;
    const char *why = "by its path";
    if (channel->is_picture)
        quantity = is_depth_topic(channel->topic) ? ET_QUANTITY_DEPTH : ET_QUANTITY_IMAGE;
    else if (!quantity_of_word(last_word(channel->topic), &quantity))
        return ET_OK;
    if (g->n_found == FIELDS_MAX || channel->n_messages == 0)
        return ET_OK;
    struct found *found = &g->found[g->n_found++];
    *found = (struct found){.guess = {.topic = channel->topic,
                                      .quantity = quantity,
                                      .n_values = channel->n_values,
                                      .names = channel->names,
                                      .has_stamp = true,
                                      .why = why}};
    g->topics[i_channel].n = 1;
    return channel->is_picture ? ET_OK : make_range(g, found);
}

/* ---- ranges ---- */

static void widen_by(struct guessing *g, const struct et__raw *raw)
{
    struct topic *topic = &g->topics[raw->i_channel];
    const bool is_row = g->r->source->info.channels[raw->i_channel].is_row;
    if (!is_row && et_message_run(topic->program, raw->bytes, NULL) != ET_OK)
        return;
    for (size_t k = 0; k < topic->n; k++) {
        struct found *found = &g->found[topic->i_first + k];
        if (!found->min)
            continue;
        if (!is_row)
            widen_all(found, topic->program);
        for (size_t i = 0; is_row && raw->values && i < found->guess.n_values; i++)
            widen(found, i, raw->values[i]);
    }
}

/* Units show in ranges: degrees are beyond 2 pi, percents beyond 1. */
static enum et_status take_ranges(struct guessing *g)
{
    struct et__source *source = g->r->source;
    bool *is_wanted = et_arena_array(g->arena, g->n_topics, sizeof *is_wanted);
    bool has_any = false;
    if (!is_wanted)
        return full(g);
    for (size_t i = 0; i < g->n_topics; i++) {
        for (size_t k = 0; k < g->topics[i].n; k++)
            is_wanted[i] = is_wanted[i] || g->found[g->topics[i].i_first + k].min;
        has_any = has_any || is_wanted[i];
    }
    const struct et__range range = {.is_wanted = is_wanted, .in_file_order = true};
    struct et__raw raw;
    enum et_status st = has_any ? source->ops->query(source, &range, g->err) : ET_END;
    for (int n = 0; st == ET_OK && n < RANGE_MESSAGES; n++) {
        st = source->ops->next(source, &raw, g->err);
        if (st == ET_OK && raw.i_channel < g->n_topics)
            widen_by(g, &raw);
    }
    return st == ET_END ? ET_OK : st;
}

// Into a comment: on one line.
static void put_plain(struct et_buf *yaml, const char *text)
{
    for (; *text; text++)
        et_buf_putc(yaml, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
}

static void put_problems(const struct guessing *g, struct et_buf *yaml)
{
    for (size_t i = 0; i < g->n_topics; i++) {
        if (!g->topics[i].problem)
            continue;
        et_buf_puts(yaml, "  # ");
        put_plain(yaml, g->r->source->info.channels[i].topic);
        et_buf_puts(yaml, ": left out, ");
        put_plain(yaml, g->topics[i].problem);
        et_buf_puts(yaml, "\n");
    }
}

static enum et_status draft(struct guessing *g, struct et_buf *yaml)
{
    enum et_status st = take_samples(g);
    for (size_t i = 0; i < g->n_topics && st == ET_OK; i++) {
        g->topics[i].i_first = g->n_found;
        st = g->r->source->info.channels[i].is_row ? look_at_row(g, i) : look_at_messages(g, i);
    }
    if (st == ET_OK)
        st = take_ranges(g);
    struct et_guess_field *fields =
        st == ET_OK ? et_arena_array(g->arena, g->n_found, sizeof *fields) : NULL;
    if (st == ET_OK && !fields)
        st = full(g);
    for (size_t i = 0; i < g->n_found && st == ET_OK; i++)
        fields[i] = g->found[i].guess;
    if (st == ET_OK)
        st = et_profile_guess_topics(fields, g->n_found, yaml, g->err);
    if (st == ET_OK)
        put_problems(g, yaml);
    return st == ET_OK ? et_buf_check(yaml, "the draft of a profile", g->err) : st;
}

enum et_status et_recording_guess(struct et_recording *recording, struct et_buf *yaml,
                                  struct et_err *err)
{
    assert(recording && yaml);
    struct guessing g = {
        .r = recording, .n_topics = recording->source->info.n_channels, .err = err};
    enum et_status st = et_arena_open(&g.arena, ARENA_BYTES, err);
    if (st == ET_OK) {
        g.topics = et_arena_array(g.arena, g.n_topics, sizeof *g.topics);
        g.found = et_arena_array(g.arena, FIELDS_MAX, sizeof *g.found);
        st = g.topics && g.found ? draft(&g, yaml) : full(&g);
    }
    for (size_t i = 0; g.topics && i < g.n_topics; i++) {
        et_message_program_close(g.topics[i].program);
        free((char *)(uintptr_t)g.topics[i].sample.p);
    }
    et_arena_close(g.arena);
    return st;
}
