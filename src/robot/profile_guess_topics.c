/* A first profile for a recording: which topic's field seems to be which stream. */
#include "robot/robot__guess.h"
#include "robot/robot__profile.h"
#include "robot/robot__units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#define ARENA_BYTES ((size_t)256 << 20)
// What et_profile_load takes: joints of a part, values that a rule lists.
#define JOINTS_MAX 256
#define VALUES_MAX 4096
#define TEXT_BYTES (2 * ET_NAME_BYTES_MAX + 8)

/* A field of joints' values. */
struct joint_field {
    const struct et_guess_field *field;
    bool is_command;
    bool has_names; // all there, valid, and each once
    struct et__value_guess *values;
};

/* A camera, or a sensor that is no joint. */
struct place_guess {
    const struct et_guess_field *field;
    char stream[ET__GUESS_NAME_BYTES + 32];
    char place[ET__GUESS_NAME_BYTES]; // cameras
    const char *word;                 // what the place rests on; NULL: nothing
    bool is_taken;                    // an earlier one has the stream
};

struct drafter {
    struct et_arena *arena;
    struct et_buf *yaml;
    struct et_err *err;

    struct joint_field *joints;
    size_t n_joints;
    const struct joint_field *references[ET_N_PARTS]; // what a part's joints are made from
    const char *part_units[ET_N_PARTS];               // SI
    struct place_guess *cameras, *sensors;
    size_t n_cameras, n_sensors;
    const char **streams; // of joints, that rules were drafted for
    size_t n_streams;
    size_t n_rules;
};

static enum et_status out_of_memory(const struct drafter *d)
{
    return et_arena_fail(d->arena, "the draft of a profile", d->err);
}

static bool is_good_name(const char *name)
{
    return name && et_name_check(et_str(name), "a name", NULL) == ET_OK;
}

/* A topic with a '*' in it cannot be named by a rule. */
static bool is_good_field(const struct et_guess_field *f)
{
    return is_good_name(f->topic) && !strchr(f->topic, '*') &&
           (!f->field || is_good_name(f->field)) && f->n_values <= VALUES_MAX;
}

/* ---- what topics say ---- */

/* All of a topic in our alphabet: "/left_arm/JointStates" becomes "left_arm_joint_states". */
static void spell_topic(const struct et_guess_field *f, char text[TEXT_BYTES])
{
    char part[ET__GUESS_NAME_BYTES], raw[TEXT_BYTES];
    size_t n = 0;
    (void)snprintf(raw, sizeof raw, "%s/%s", f->topic, f->field ? f->field : "");
    text[0] = 0;
    for (char *at = raw, *end; *at; at = end) {
        at += strspn(at, "/.[],: ");
        end = at + strcspn(at, "/.[],: ");
        const char before = *end;
        *end = 0;
        if (*at) {
            et__guess_name(at, part);
            const int m = snprintf(text + n, TEXT_BYTES - n, "%s%s", n ? "_" : "", part);
            n += m > 0 && (size_t)m < TEXT_BYTES - n ? (size_t)m : 0;
        }
        *end = before;
    }
}

static bool has_word(const char *text, const char *word, bool is_whole)
{
    const size_t n = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        const bool is_begin = at == text || at[-1] == '_';
        if (!is_whole || (is_begin && (at[n] == 0 || at[n] == '_')))
            return true;
    }
    return false;
}

/* "lowcmd" is a command, "interaction" no action. */
static bool is_command_text(const char *text)
{
    static const char *const PARTS[] = {"cmd", "command"};
    static const char *const WORDS[] = {"action", "actions", "target", "goal", "desired", "traj"};
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++)
        if (has_word(text, PARTS[i], false))
            return true;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (has_word(text, WORDS[i], true))
            return true;
    return false;
}

static bool is_taken(const struct drafter *d, const char *stream)
{
    for (size_t i = 0; i < d->n_streams; i++)
        if (strcmp(d->streams[i], stream) == 0)
            return true;
    return false;
}

/* ---- joints ---- */

static bool has_usable_names(const struct et_guess_field *f)
{
    if (!f->names)
        return false;
    for (size_t i = 0; i < f->n_values; i++) {
        if (!is_good_name(f->names[i]))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(f->names[k], f->names[i]) == 0)
                return false;
    }
    return true;
}

/* "left_joint_3": of a side, and numbered. That is how arms are counted. */
static bool is_side_joint(const char *name, struct et__guess *guess)
{
    const bool is_left = strncmp(name, "left_joint_", 11) == 0;
    const char *digits = name + (is_left ? 11 : 12);
    if (!is_left && strncmp(name, "right_joint_", 12) != 0)
        return false;
    if (!digits[0] || digits[strspn(digits, "0123456789")])
        return false;
    *guess = (struct et__guess){.part = is_left ? ET_PART_LEFT_ARM : ET_PART_RIGHT_ARM,
                                .is_right = !is_left,
                                .word = "joint and a side: an arm is assumed"};
    return true;
}

/* A value's own name says part and joint; where it says no part, the topic may. */
static enum et_status guess_value(const struct drafter *d, const struct joint_field *f, size_t i,
                                  const struct et__guess *topic, struct et__value_guess *value)
{
    char own[ET__GUESS_NAME_BYTES] = "";
    struct et__guess guess = {.part = ET_PART_BODY};
    if (f->has_names)
        et__guess_name(f->field->names[i], own);
    const bool says_part =
        f->has_names && (et__guess_part(own, &guess) || is_side_joint(own, &guess));
    value->is_by_topic = !says_part && topic;
    if (value->is_by_topic)
        guess = *topic;
    value->part = guess.part;
    value->is_right = guess.is_right;
    value->word = guess.word;
    const char *part = et_part_text(value->part);
    if (says_part)
        value->name = et_arena_copy(d->arena, own, strlen(own));
    else if (f->has_names && !value->is_by_topic)
        value->name = et_arena_printf(d->arena, "%s", own);
    else if (f->has_names)
        value->name = et_arena_printf(d->arena, "%s_%s", part, own);
    else
        value->name = et_arena_printf(d->arena, "%s_%zu", value->is_by_topic ? part : "value", i);
    return value->name ? ET_OK : out_of_memory(d);
}

static enum et_status add_joints(struct drafter *d, const struct et_guess_field *field)
{
    struct joint_field *f = &d->joints[d->n_joints];
    struct et__guess topic = {.part = ET_PART_BODY};
    char text[TEXT_BYTES];
    spell_topic(field, text);
    *f = (struct joint_field){
        .field = field,
        .is_command = is_command_text(text),
        .has_names = has_usable_names(field),
        .values = et_arena_array(d->arena, field->n_values, sizeof *f->values),
    };
    if (!f->values)
        return out_of_memory(d);
    const bool topic_says = et__guess_part(text, &topic);
    for (size_t i = 0; i < field->n_values; i++) {
        const enum et_status st = guess_value(d, f, i, topic_says ? &topic : NULL, &f->values[i]);
        if (st != ET_OK)
            return st;
    }
    d->n_joints++;
    return ET_OK;
}

static size_t count_members(const struct joint_field *f, enum et_part part)
{
    size_t n = 0;
    for (size_t i = 0; i < f->field->n_values; i++)
        n += f->values[i].part == part;
    return n;
}

/* How well a field tells which joints a part has: measured positions do it best, then names. */
static int rank_of(const struct joint_field *f)
{
    return 4 * (f->field->quantity == ET_QUANTITY_POSITION) + 2 * !f->is_command + f->has_names;
}

static void choose_references(struct drafter *d)
{
    for (size_t p = 0; p < ET_N_PARTS; p++) {
        for (size_t i = 0; i < d->n_joints; i++) {
            const struct joint_field *f = &d->joints[i], *best = d->references[p];
            const size_t n = count_members(f, (enum et_part)p);
            if (n == 0 || n > JOINTS_MAX)
                continue;
            if (!best || rank_of(f) > rank_of(best) ||
                (rank_of(f) == rank_of(best) && n > count_members(best, (enum et_part)p)))
                d->references[p] = f;
        }
    }
}

/* Joint names are one robot's: a second joint of the same name gets a number behind it. */
static enum et_status make_unique(struct drafter *d)
{
    const char **seen = NULL;
    size_t n_seen = 0, n_max = 0;
    for (size_t p = 0; p < ET_N_PARTS; p++)
        n_max += d->references[p] ? count_members(d->references[p], (enum et_part)p) : 0;
    seen = et_arena_array(d->arena, n_max, sizeof *seen);
    if (!seen)
        return out_of_memory(d);
    for (size_t p = 0; p < ET_N_PARTS; p++) {
        const struct joint_field *f = d->references[p];
        for (size_t i = 0; f && i < f->field->n_values; i++) {
            struct et__value_guess *value = &f->values[i];
            if (value->part != (enum et_part)p)
                continue;
            const char *plain = value->name;
            for (size_t k = 0, n = 2; k < n_seen; k++) {
                if (strcmp(seen[k], value->name) != 0)
                    continue;
                value->name = et_arena_printf(d->arena, "%.90s_%zu", plain, n++);
                if (!value->name)
                    return out_of_memory(d);
                k = SIZE_MAX; // from the first on again
            }
            seen[n_seen++] = value->name;
        }
    }
    return ET_OK;
}

static enum et_status find_members(const struct drafter *d, const struct joint_field *f,
                                   enum et_part part, struct et__guess_members *members)
{
    return et__guess_members(f->values, f->field->n_values, part, d->arena, members)
               ? ET_OK
               : out_of_memory(d);
}

static bool find_range(const struct joint_field *f, const struct et__guess_members *members,
                       double *min, double *max)
{
    return et__guess_members_range(members, f->field->min, f->field->max, min, max);
}

static void put_joint(const struct drafter *d, const struct joint_field *f, size_t i)
{
    const struct et__value_guess *value = &f->values[i];
    et_buf_puts(d->yaml, "      - {name: ");
    et__guess_scalar(d->yaml, value->name);
    if (f->has_names && strcmp(f->field->names[i], value->name) != 0) {
        et_buf_puts(d->yaml, ", maker: ");
        et__guess_scalar(d->yaml, f->field->names[i]);
    }
    et_buf_printf(d->yaml, "} # value %zu: ", i);
    if (value->word)
        et_buf_printf(d->yaml, "%s has the word %s\n",
                      value->is_by_topic ? "the topic" : "its name", value->word);
    else
        et_buf_puts(d->yaml, "nothing says which part this is of\n");
}

static enum et_status put_part(struct drafter *d, enum et_part part)
{
    const struct joint_field *f = d->references[part];
    struct et__guess_members members;
    double min, max;
    if (!f)
        return ET_OK;
    const enum et_status st = find_members(d, f, part, &members);
    if (st != ET_OK)
        return st;
    const bool is_known =
        find_range(f, &members, &min, &max) && f->field->quantity == ET_QUANTITY_POSITION;
    const char *unit = is_known ? et__guess_unit(part, ET_QUANTITY_POSITION, min, max) : "rad";
    d->part_units[part] = et__unit_find(unit)->si;
    et_buf_printf(d->yaml, "  %s: # by ", et_part_text(part));
    et__guess_scalar(d->yaml, f->field->topic);
    et_buf_puts(d->yaml, "\n    unit: ");
    et__guess_scalar(d->yaml, d->part_units[part]);
    et__guess_range(d->yaml, is_known, min, max);
    et_buf_puts(d->yaml, "\n    joints: # add lower, upper, speed and effort, with their source\n");
    for (size_t i = 0; i < members.n; i++)
        put_joint(d, f, members.indices[i]);
    return ET_OK;
}

static enum et_status put_parts(struct drafter *d)
{
    bool has_any = false;
    for (size_t i = 0; i < ET_N_PARTS; i++)
        has_any = has_any || d->references[i];
    et_buf_puts(d->yaml, has_any ? "parts:\n" : "parts: {} # no topic holds joints\n");
    for (size_t i = 0; i < ET_N_PARTS; i++) {
        const enum et_status st = put_part(d, (enum et_part)i);
        if (st != ET_OK)
            return st;
    }
    et_buf_putc(d->yaml, '\n');
    return ET_OK;
}

/* ---- rules ---- */

static void put_source(struct et_buf *yaml, const struct et_guess_field *f)
{
    et_buf_puts(yaml, ", topic: ");
    et__guess_scalar(yaml, f->topic);
    if (!f->field)
        return;
    et_buf_puts(yaml, ", field: ");
    et__guess_scalar(yaml, f->field);
}

static void put_why(struct et_buf *yaml, const struct et_guess_field *f)
{
    if (f->why)
        et_buf_printf(yaml, " # %s", f->why);
    if (!f->has_stamp)
        et_buf_printf(yaml, "%s no header.stamp: add stamp and stamp_unit if another field is one",
                      f->why ? ";" : " #");
}

/* Where both name their values, members follow the joints by name. */
static void follow_names(const struct joint_field *f, struct et__guess_members *members,
                         const struct joint_field *reference,
                         const struct et__guess_members *joints)
{
    if (f == reference || !f->has_names || !reference->has_names)
        return;
    for (size_t i = 0; i < joints->n; i++) {
        size_t k = i;
        while (k < members->n && strcmp(f->field->names[members->indices[k]],
                                        reference->field->names[joints->indices[i]]) != 0)
            k++;
        if (k >= members->n)
            continue;
        const size_t index = members->indices[k];
        members->indices[k] = members->indices[i];
        members->indices[i] = index;
    }
}

static bool has_makers_names(const struct joint_field *f, const struct et__guess_members *members,
                             const struct joint_field *reference,
                             const struct et__guess_members *joints)
{
    if (!f->has_names)
        return false;
    for (size_t i = 0; i < members->n; i++) {
        const size_t k = joints->indices[i];
        const char *name =
            reference->has_names ? reference->field->names[k] : reference->values[k].name;
        if (strcmp(f->field->names[members->indices[i]], name) != 0)
            return false;
    }
    return true;
}

static void put_choice(struct et_buf *yaml, const struct joint_field *f,
                       const struct et__guess_members *members, bool is_makers)
{
    bool is_range = !f->has_names;
    for (size_t i = 1; i < members->n; i++)
        is_range = is_range && members->indices[i] == members->indices[0] + i;
    if (is_makers) {
        et_buf_puts(yaml, ", names: maker");
        return;
    }
    if (is_range) {
        et_buf_printf(yaml, ", range: [%zu, %zu]", members->indices[0],
                      members->indices[0] + members->n);
        return;
    }
    et_buf_puts(yaml, f->has_names ? ", names: [" : ", indices: [");
    for (size_t i = 0; i < members->n; i++) {
        et_buf_puts(yaml, i ? ", " : "");
        if (f->has_names)
            et__guess_scalar(yaml, f->field->names[members->indices[i]]);
        else
            et_buf_printf(yaml, "%zu", members->indices[i]);
    }
    et_buf_putc(yaml, ']');
}

static const char *unit_of_rule(const struct drafter *d, const struct joint_field *f,
                                enum et_part part, bool is_known, double min, double max)
{
    const struct et_profile_part of_part = {.part = part, .unit = d->part_units[part]};
    const struct et_profile profile = {.parts = &of_part, .n_parts = 1};
    const struct et__stream_name name = {part, f->field->quantity, f->is_command};
    const char *si = et__profile_unit(&profile, name);
    const char *unit = is_known ? et__guess_unit(part, f->field->quantity, min, max) : si;
    return strcmp(et__unit_find(unit)->si, si) == 0 ? unit : si;
}

/* What is not drafted is told, with the reason. */
static void put_left_out(struct et_buf *yaml, const struct et_guess_field *f, const char *stream,
                         const char *why)
{
    et_buf_puts(yaml, "  # ");
    et__guess_scalar(yaml, f->topic);
    if (f->field) {
        et_buf_puts(yaml, " ");
        et__guess_scalar(yaml, f->field);
    }
    et_buf_printf(yaml, ": not %s, %s\n", stream, why);
}

static enum et_status put_joint_rule(struct drafter *d, const struct joint_field *f,
                                     enum et_part part)
{
    const struct joint_field *reference = d->references[part];
    struct et__guess_members members, joints;
    double min, max;
    const char *stream = et_arena_printf(d->arena, "%s%s.%s", f->is_command ? "command." : "",
                                         et_part_text(part), et_quantity_text(f->field->quantity));
    if (!stream)
        return out_of_memory(d);
    if (count_members(f, part) == 0)
        return ET_OK;
    if (!reference || is_taken(d, stream)) {
        put_left_out(d->yaml, f->field, stream,
                     reference ? "an earlier rule makes it" : "it has too many values");
        return ET_OK;
    }
    enum et_status st = find_members(d, f, part, &members);
    if (st == ET_OK)
        st = find_members(d, reference, part, &joints);
    if (st != ET_OK)
        return st;
    if (members.n != joints.n) {
        char why[96];
        (void)snprintf(why, sizeof why, "it has %zu values, the part %zu joints", members.n,
                       joints.n);
        put_left_out(d->yaml, f->field, stream, why);
        return ET_OK;
    }
    follow_names(f, &members, reference, &joints);
    et_buf_printf(d->yaml, "  - {stream: %s", stream);
    put_source(d->yaml, f->field);
    put_choice(d->yaml, f, &members, has_makers_names(f, &members, reference, &joints));
    const bool is_known = find_range(f, &members, &min, &max);
    et_buf_puts(d->yaml, ", unit: ");
    et__guess_scalar(d->yaml, unit_of_rule(d, f, part, is_known, min, max));
    et_buf_putc(d->yaml, '}');
    et__guess_range(d->yaml, is_known, min, max);
    et_buf_puts(d->yaml, f->field->why ? "; " : "");
    et_buf_puts(d->yaml, f->field->why ? f->field->why : "");
    et_buf_puts(d->yaml, f->is_command ? "; its name says command\n" : "\n");
    d->streams[d->n_streams++] = stream;
    d->n_rules++;
    return ET_OK;
}

static enum et_status put_joint_rules(struct drafter *d)
{
    // Fields that parts are made from come first: theirs are the streams.
    for (int is_other = 0; is_other <= 1; is_other++) {
        for (size_t i = 0; i < d->n_joints; i++) {
            for (size_t p = 0; p < ET_N_PARTS; p++) {
                const bool is_reference = d->references[p] == &d->joints[i];
                const enum et_status st = is_reference == (is_other == 0)
                                              ? put_joint_rule(d, &d->joints[i], (enum et_part)p)
                                              : ET_OK;
                if (st != ET_OK)
                    return st;
            }
        }
    }
    return ET_OK;
}

/* ---- cameras ---- */

/* The last word of a topic that names a camera and no coding: "/cam_h/color/image_raw/compressed"
 * gives "cam_h". */
static void camera_name(const char *topic, char name[ET__GUESS_NAME_BYTES])
{
    static const char *const CODINGS[] = {"compressed",
                                          "compressedDepth",
                                          "image_raw",
                                          "image_rect",
                                          "image_rect_raw",
                                          "image_rect_color",
                                          "image_color",
                                          "color",
                                          "depth",
                                          "rgb",
                                          "image",
                                          "images",
                                          "raw",
                                          "aligned_depth_to_color",
                                          "h264",
                                          "data",
                                          "video",
                                          "ffmpeg"};
    char text[ET_NAME_BYTES_MAX + 1];
    (void)snprintf(text, sizeof text, "%s", topic);
    for (char *c = text; *c; c++) // rows of JSON have dots in their paths
        *c = *c == '.' ? '/' : *c;
    const char *word = text;
    for (;;) {
        char *slash = strrchr(text, '/');
        word = slash ? slash + 1 : text;
        bool is_coding = !word[0];
        for (size_t i = 0; i < sizeof CODINGS / sizeof *CODINGS; i++)
            is_coding = is_coding || strcmp(word, CODINGS[i]) == 0;
        if (!is_coding)
            break;
        word = "scene";
        if (!slash)
            break;
        *slash = 0;
    }
    // A side alone is one eye of what stands before it.
    char *slash = strrchr(text, '/');
    const bool is_side = strcmp(word, "left") == 0 || strcmp(word, "right") == 0;
    if (is_side && slash && slash > text) {
        *slash = '_';
        const char *before = strrchr(text, '/');
        word = before ? before + 1 : text;
    }
    if (strcmp(word, "camera") == 0 || strcmp(word, "cam") == 0)
        word = "scene";
    (void)snprintf(name, ET__GUESS_NAME_BYTES, "%.90s", word);
}

static bool is_place_taken(const struct drafter *d, const char *place, enum et_quantity quantity)
{
    for (size_t i = 0; i < d->n_cameras; i++)
        if (strcmp(d->cameras[i].place, place) == 0 && d->cameras[i].field->quantity == quantity)
            return true;
    return false;
}

static void add_camera(struct drafter *d, const struct et_guess_field *field)
{
    struct place_guess *camera = &d->cameras[d->n_cameras];
    char name[ET__GUESS_NAME_BYTES], dotted[ET__GUESS_NAME_BYTES + 2];
    camera_name(field->topic, name);
    (void)snprintf(dotted, sizeof dotted, ".%s", name);
    *camera = (struct place_guess){.field = field};
    et__guess_camera(dotted, camera->place, &camera->word);
    if (is_place_taken(d, camera->place, field->quantity)) {
        et__guess_name(name, camera->place);
        camera->word = NULL;
    }
    // "command." begins the name of a command, so that no camera can be called so.
    if (strcmp(camera->place, "command") == 0 || is_place_taken(d, camera->place, field->quantity))
        (void)snprintf(camera->place, sizeof camera->place, "camera_%zu", d->n_cameras);
    if (is_place_taken(d, camera->place, field->quantity))
        return;
    (void)snprintf(camera->stream, sizeof camera->stream, "%s.%s", camera->place,
                   et_quantity_text(field->quantity));
    d->n_cameras++;
}

static void put_cameras(const struct drafter *d)
{
    if (d->n_cameras == 0)
        return;
    et_buf_puts(d->yaml, "cameras:\n");
    for (size_t i = 0; i < d->n_cameras; i++) {
        const struct place_guess *camera = &d->cameras[i];
        bool is_listed = false; // colour and depth of one place are one camera
        for (size_t k = 0; k < i; k++)
            is_listed = is_listed || strcmp(d->cameras[k].place, camera->place) == 0;
        if (is_listed)
            continue;
        et_buf_puts(d->yaml, "  ");
        et__guess_scalar(d->yaml, camera->place);
        et_buf_puts(d->yaml, ": ");
        et__guess_scalar(d->yaml, camera->field->topic);
        if (camera->word)
            et_buf_printf(d->yaml, " # its name has the word %s\n", camera->word);
        else
            et_buf_puts(d->yaml, " # its name as it is\n");
    }
    et_buf_putc(d->yaml, '\n');
}

/* ---- sensors ---- */

/* Where a sensor is that is no joint. */
static enum et_part place_of(const char *text, enum et_quantity quantity, const char **word)
{
    static const struct {
        const char *word;
        enum et_part left, right, middle;
    } PLACES[] = {
        {"wrist", ET_PART_LEFT_WRIST, ET_PART_RIGHT_WRIST, ET_PART_SCENE},
        {"hand", ET_PART_LEFT_WRIST, ET_PART_RIGHT_WRIST, ET_PART_SCENE},
        {"gripper", ET_PART_LEFT_WRIST, ET_PART_RIGHT_WRIST, ET_PART_SCENE},
        {"arm", ET_PART_LEFT_WRIST, ET_PART_RIGHT_WRIST, ET_PART_SCENE},
        {"foot", ET_PART_LEGS, ET_PART_LEGS, ET_PART_LEGS},
        {"head", ET_PART_HEAD, ET_PART_HEAD, ET_PART_HEAD},
        {"waist", ET_PART_WAIST, ET_PART_WAIST, ET_PART_WAIST},
        {"torso", ET_PART_WAIST, ET_PART_WAIST, ET_PART_WAIST},
        {"base", ET_PART_BASE, ET_PART_BASE, ET_PART_BASE},
        {"pelvis", ET_PART_BASE, ET_PART_BASE, ET_PART_BASE},
    };
    const bool is_left = has_word(text, "left", false) || has_word(text, "l", true);
    const bool is_right = has_word(text, "right", false) || has_word(text, "r", true);
    const bool is_touch = quantity == ET_QUANTITY_TOUCH || quantity == ET_QUANTITY_PRESSURE;
    *word = NULL;
    if (is_touch && is_left != is_right) {
        *word = is_left ? "left" : "right";
        return is_left ? ET_PART_LEFT_FINGERS : ET_PART_RIGHT_FINGERS;
    }
    for (size_t i = 0; i < sizeof PLACES / sizeof *PLACES; i++) {
        if (!has_word(text, PLACES[i].word, false))
            continue;
        const enum et_part part = is_left == is_right ? PLACES[i].middle
                                  : is_left           ? PLACES[i].left
                                                      : PLACES[i].right;
        *word = part == ET_PART_SCENE ? NULL : PLACES[i].word;
        return part;
    }
    return quantity == ET_QUANTITY_IMU ? ET_PART_BASE : ET_PART_SCENE;
}

static void add_sensor(struct drafter *d, const struct et_guess_field *field)
{
    struct place_guess *sensor = &d->sensors[d->n_sensors++];
    char text[TEXT_BYTES];
    *sensor = (struct place_guess){.field = field};
    spell_topic(field, text);
    const bool is_event =
        field->quantity == ET_QUANTITY_EVENT || field->quantity == ET_QUANTITY_TEXT;
    const enum et_part part =
        is_event ? ET_PART_SCENE : place_of(text, field->quantity, &sensor->word);
    (void)snprintf(sensor->stream, sizeof sensor->stream, "%s%s.%s",
                   !is_event && is_command_text(text) ? "command." : "", et_part_text(part),
                   et_quantity_text(field->quantity));
    for (size_t i = 0; i + 1 < d->n_sensors; i++)
        sensor->is_taken = sensor->is_taken || (!d->sensors[i].is_taken &&
                                                strcmp(d->sensors[i].stream, sensor->stream) == 0);
}

static void put_sensor_rule(struct drafter *d, const struct place_guess *sensor)
{
    const struct et_guess_field *f = sensor->field;
    const size_t n = et_quantity_values(f->quantity);
    if (sensor->is_taken || (n && f->n_values != n)) {
        put_left_out(d->yaml, f, sensor->stream,
                     sensor->is_taken ? "an earlier rule makes it"
                                      : "it has another number of values");
        return;
    }
    d->n_rules++;
    et_buf_printf(d->yaml, "  - {stream: %s", sensor->stream);
    put_source(d->yaml, f);
    if (f->is_w_first)
        et_buf_puts(d->yaml, ", indices: [0, 1, 2, 3, 4, 5, 7, 8, 9, 6]");
    et_buf_putc(d->yaml, '}');
    put_why(d->yaml, f);
    if (f->is_w_first)
        et_buf_puts(d->yaml, "; its quaternion is taken for w x y z");
    if (sensor->word)
        et_buf_printf(d->yaml, "; the name has the word %s", sensor->word);
    else if (n)
        et_buf_puts(d->yaml, "; nothing says where it is");
    et_buf_putc(d->yaml, '\n');
}

static void put_other_rules(struct drafter *d)
{
    d->n_rules += d->n_cameras;
    for (size_t i = 0; i < d->n_cameras; i++) {
        et_buf_puts(d->yaml, "  - {stream: ");
        et__guess_scalar(d->yaml, d->cameras[i].stream);
        put_source(d->yaml, d->cameras[i].field);
        et_buf_putc(d->yaml, '}');
        put_why(d->yaml, d->cameras[i].field);
        et_buf_putc(d->yaml, '\n');
    }
    for (size_t i = 0; i < d->n_sensors; i++)
        put_sensor_rule(d, &d->sensors[i]);
}

/* ---- all of it ---- */

static bool is_picture(enum et_quantity quantity)
{
    return quantity == ET_QUANTITY_IMAGE || quantity == ET_QUANTITY_DEPTH;
}

static enum et_status look_at_fields(struct drafter *d, const struct et_guess_field *fields,
                                     size_t n)
{
    d->joints = et_arena_array(d->arena, n, sizeof *d->joints);
    d->cameras = et_arena_array(d->arena, n, sizeof *d->cameras);
    d->sensors = et_arena_array(d->arena, n, sizeof *d->sensors);
    d->streams = et_arena_array(d->arena, n * ET_N_PARTS, sizeof *d->streams);
    if (!d->joints || !d->cameras || !d->sensors || !d->streams)
        return out_of_memory(d);
    for (size_t i = 0; i < n; i++) {
        enum et_status st = ET_OK;
        if (!is_good_field(&fields[i]))
            continue;
        if (is_picture(fields[i].quantity))
            add_camera(d, &fields[i]);
        else if (!et_quantity_is_of_joints(fields[i].quantity))
            add_sensor(d, &fields[i]);
        else if (fields[i].n_values > 0)
            st = add_joints(d, &fields[i]);
        if (st != ET_OK)
            return st;
    }
    choose_references(d);
    return make_unique(d);
}

/* Rules are made apart: without any, the list must be written as an empty one. */
static enum et_status put_rules(struct drafter *d)
{
    struct et_buf rules = et_buf(d->yaml->limit), *yaml = d->yaml;
    d->yaml = &rules;
    enum et_status st = put_joint_rules(d);
    put_other_rules(d);
    d->yaml = yaml;
    if (st == ET_OK)
        st = et_buf_check(&rules, "the draft of a profile", d->err);
    et_buf_puts(yaml, d->n_rules > 0 ? "rules:\n" : "rules: [] # no topic holds what is known\n");
    if (rules.n > 0)
        et_buf_put(yaml, rules.p, rules.n);
    et_buf_free(&rules);
    return st;
}

enum et_status et_profile_guess_topics(const struct et_guess_field *fields, size_t n_fields,
                                       struct et_buf *yaml, struct et_err *err)
{
    assert((fields || n_fields == 0) && yaml);
    struct drafter d = {.yaml = yaml, .err = err};
    enum et_status st = et_arena_open(&d.arena, ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    st = look_at_fields(&d, fields, n_fields);
    if (st == ET_OK) {
        et__guess_head(yaml, NULL);
        st = put_parts(&d);
    }
    if (st == ET_OK) {
        put_cameras(&d);
        st = put_rules(&d);
    }
    if (st == ET_OK)
        st = et_buf_check(yaml, "the draft of a profile", err);
    et_arena_close(d.arena);
    return st;
}
