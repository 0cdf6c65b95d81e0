#include "robot/robot__guess.h"
#include "robot/robot__profile.h"
#include "robot/robot__units.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>

#define ARENA_BYTES ((size_t)64 << 20)
// What et_profile_load takes: joints of a part, values that a rule lists.
#define JOINTS_MAX 256
#define VALUES_MAX 4096
#define CAMERAS_MAX 1024
#define TWO_PI 6.283185307179586

/* One value of a feature: which joint it seems to be. */
/* A feature that holds joints' values. */
struct joint_feature {
    const struct et_guess_feature *feature;
    enum et_quantity quantity;
    bool is_command;
    bool has_names; // all there, valid, and each once
    struct et__value_guess *values;
};

/* A draft that is being made. */
struct drafter {
    const struct et_guess_slice *slices;
    size_t n_slices;
    struct et_arena *arena;
    struct et_buf *yaml;
    struct et_err *err;

    struct joint_feature *joint_features; // the first is what the parts are made from
    size_t n_joint_features;
    const char *part_units[ET_N_PARTS]; // SI; NULL: the robot has no such part
};

static enum et_status out_of_memory(const struct drafter *d)
{
    return et_arena_fail(d->arena, "the draft of a profile", d->err);
}

static bool is_good_name(const char *name)
{
    return name && et_name_check(et_str(name), "a name", NULL) == ET_OK;
}

/* A path with a '*' in it cannot be named by a rule. */
static bool is_good_path(const char *path)
{
    return is_good_name(path) && !strchr(path, '*');
}

/* ---- what features hold ---- */

/* "qpos" of "observation.qpos"; the whole path when it has no dot. */
static const char *last_word(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

static bool guess_quantity(const char *path, enum et_quantity *quantity, bool *is_command)
{
    // clang-format off
    static const struct {
        const char *word;
        enum et_quantity quantity;
    } WORDS[] = {
        {"state",          ET_QUANTITY_POSITION}, {"action",   ET_QUANTITY_POSITION},
        {"qpos",           ET_QUANTITY_POSITION}, {"position", ET_QUANTITY_POSITION},
        {"joint_position", ET_QUANTITY_POSITION}, {"joints",   ET_QUANTITY_POSITION},
        {"qvel",           ET_QUANTITY_VELOCITY}, {"velocity", ET_QUANTITY_VELOCITY},
        {"effort",         ET_QUANTITY_EFFORT},   {"torque",   ET_QUANTITY_EFFORT},
    };
    // clang-format on
    *is_command = et_str_starts(et_str(path), "action");
    if (!*is_command && !et_str_starts(et_str(path), "observation."))
        return false;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        if (strcmp(last_word(path), WORDS[i].word) == 0) {
            *quantity = WORDS[i].quantity;
            return true;
        }
    }
    return false;
}

static bool has_usable_names(const struct et_feature_view *view)
{
    if (!view->names)
        return false;
    for (size_t i = 0; i < view->n_values; i++) {
        if (!is_good_name(view->names[i]))
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(view->names[k], view->names[i]) == 0)
                return false;
    }
    return true;
}

static const struct et_guess_slice *find_slice(const struct drafter *d, const char *feature,
                                               size_t i_value)
{
    for (size_t i = 0; i < d->n_slices; i++) {
        const struct et_guess_slice *slice = &d->slices[i];
        if (strcmp(slice->feature, feature) == 0 && i_value >= slice->first &&
            i_value < slice->last && is_good_name(slice->name))
            return slice;
    }
    return NULL;
}

/* A slice says the part, a value's own name says part and joint. */
static enum et_status guess_value(const struct drafter *d, const struct joint_feature *f, size_t i,
                                  struct et__value_guess *value)
{
    const struct et_feature_view *view = &f->feature->view;
    const struct et_guess_slice *slice = find_slice(d, view->path, i);
    char own[ET__GUESS_NAME_BYTES] = "", of_slice[ET__GUESS_NAME_BYTES] = "";
    struct et__guess guess = {.part = ET_PART_BODY}, slice_guess = {.part = ET_PART_BODY};

    if (f->has_names)
        et__guess_name(view->names[i], own);
    const bool says_part = f->has_names && et__guess_part(own, &guess);
    if (slice)
        et__guess_name(slice->name, of_slice);
    const bool slice_says = slice && et__guess_part(of_slice, &slice_guess);
    if (slice_says) {
        if (!says_part || guess.part != slice_guess.part)
            (void)snprintf(own, sizeof own, "%.64s_%zu", of_slice, i - slice->first);
        guess = slice_guess;
    } else if (!f->has_names) {
        (void)snprintf(own, sizeof own, "value_%zu", i);
    }
    value->part = guess.part;
    value->is_right = guess.is_right;
    value->word = guess.word;
    value->slice = slice_says ? slice->name : NULL;
    value->name = et_arena_copy(d->arena, own, strlen(own));
    return value->name ? ET_OK : out_of_memory(d);
}

static bool is_earlier_name(const struct et__value_guess *values, size_t i)
{
    for (size_t k = 0; k < i; k++)
        if (strcmp(values[k].name, values[i].name) == 0)
            return true;
    return false;
}

/* A second joint of the same name gets its number behind it. */
static enum et_status make_unique(const struct drafter *d, struct joint_feature *f)
{
    for (size_t i = 0; i < f->feature->view.n_values; i++) {
        while (is_earlier_name(f->values, i)) {
            f->values[i].name = et_arena_printf(d->arena, "%s_at_%zu", f->values[i].name, i);
            if (!f->values[i].name)
                return out_of_memory(d);
        }
    }
    return ET_OK;
}

static enum et_status add_feature(struct drafter *d, const struct et_guess_feature *feature,
                                  enum et_quantity quantity, bool is_command)
{
    const size_t n = feature->view.n_values;
    struct joint_feature *f = &d->joint_features[d->n_joint_features];
    *f = (struct joint_feature){
        .feature = feature,
        .quantity = quantity,
        .is_command = is_command,
        .has_names = has_usable_names(&feature->view),
        .values = et_arena_array(d->arena, n, sizeof *f->values),
    };
    if (!f->values)
        return out_of_memory(d);
    for (size_t i = 0; i < n; i++) {
        const enum et_status st = guess_value(d, f, i, &f->values[i]);
        if (st != ET_OK)
            return st;
    }
    d->n_joint_features++;
    return make_unique(d, f);
}

/* How well a feature tells which joints there are: measured positions do it best. */
static int rank_of(const struct joint_feature *f)
{
    return 2 * (f->quantity == ET_QUANTITY_POSITION) + !f->is_command;
}

/* The best comes first: the parts are made from it. */
static void put_reference_first(struct drafter *d)
{
    size_t best = 0;
    for (size_t i = 1; i < d->n_joint_features; i++)
        if (rank_of(&d->joint_features[i]) > rank_of(&d->joint_features[best]))
            best = i;
    if (d->n_joint_features == 0)
        return;
    const struct joint_feature first = d->joint_features[0];
    d->joint_features[0] = d->joint_features[best];
    d->joint_features[best] = first;
}

static enum et_status find_joint_features(struct drafter *d,
                                          const struct et_guess_feature *features, size_t n)
{
    d->joint_features = et_arena_array(d->arena, n, sizeof *d->joint_features);
    if (!d->joint_features)
        return out_of_memory(d);
    for (size_t i = 0; i < n; i++) {
        const struct et_feature_view *view = &features[i].view;
        enum et_quantity quantity;
        bool is_command;
        if (view->is_video || view->n_values == 0 || view->n_values > VALUES_MAX ||
            !is_good_path(view->path) || !guess_quantity(view->path, &quantity, &is_command))
            continue;
        const enum et_status st = add_feature(d, &features[i], quantity, is_command);
        if (st != ET_OK)
            return st;
    }
    put_reference_first(d);
    return ET_OK;
}

/* ---- the values of a part ---- */

static enum et_status find_members(const struct drafter *d, const struct joint_feature *f,
                                   enum et_part part, struct et__guess_members *members)
{
    return et__guess_members(f->values, f->feature->view.n_values, part, d->arena, members)
               ? ET_OK
               : out_of_memory(d);
}

static bool find_range(const struct joint_feature *f, const struct et__guess_members *members,
                       double *min, double *max)
{
    return et__guess_members_range(members, f->feature->min, f->feature->max, min, max);
}

static const char *unit_of_hand(double min, double max)
{
    if (min >= -0.05 && max <= 1.05 && max - min > 0.05)
        return "fraction";
    if (max <= TWO_PI || min < -5)
        return NULL;
    if (max <= 100.5)
        return "percent";
    if (max <= 255.5)
        return "byte";
    return max <= 1000.5 ? "permille" : NULL;
}

/* The unit that a range fits best. */
const char *et__guess_unit(enum et_part part, enum et_quantity quantity, double min, double max)
{
    const bool is_hand = part == ET_PART_LEFT_HAND || part == ET_PART_RIGHT_HAND;
    const double most = fmax(fabs(min), fabs(max));
    if (quantity == ET_QUANTITY_EFFORT)
        return "N m";
    if (quantity == ET_QUANTITY_VELOCITY)
        return most > 50 ? "deg/s" : "rad/s";
    const char *of_hand = is_hand ? unit_of_hand(min, max) : NULL;
    if (of_hand)
        return of_hand;
    if (most <= TWO_PI)
        return "rad";
    return most <= 360.5 ? "deg" : "1";
}

/* ---- text ---- */

/* Characters that YAML takes as they are; see its specification, c-printable. */
static bool is_printable(uint32_t c)
{
    return (c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xFFFD && c != 0xFEFF) || c >= 0x10000;
}

static bool is_plain(const char *text)
{
    static const char *const WORDS[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    if (!((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z')))
        return false;
    if (text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")])
        return false;
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
        if (strcasecmp(text, WORDS[i]) == 0)
            return false;
    return true;
}

/* The code point at p of a well-formed text, and its bytes. */
static uint32_t code_point(const char *text, size_t *n)
{
    const unsigned char *p = (const unsigned char *)text;
    *n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    uint32_t c = *n == 1 ? p[0] : (uint32_t)(p[0] & (0x7F >> *n));
    for (size_t i = 1; i < *n; i++)
        c = (c << 6) | (p[i] & 0x3F);
    return c;
}

/* A scalar, quoted where it must be. The text was checked by et_name_check. */
void et__guess_scalar(struct et_buf *yaml, const char *text)
{
    if (is_plain(text)) {
        et_buf_puts(yaml, text);
        return;
    }
    et_buf_putc(yaml, '"');
    for (size_t n; *text; text += n) {
        const uint32_t c = code_point(text, &n);
        if (c == '"' || c == '\\')
            et_buf_putc(yaml, '\\');
        if (is_printable(c))
            et_buf_put(yaml, text, n);
        else
            et_buf_printf(yaml, "\\u%04X", (unsigned)c);
    }
    et_buf_putc(yaml, '"');
}

void et__guess_head(struct et_buf *yaml, const char *robot_type)
{
    et_buf_puts(yaml,
                "# A draft. Behind each guess stands what it rests on: check it, then delete the "
                "remark.\nprofile: 1\nmaker: unknown # the data does not say\nmodel: ");
    et__guess_scalar(yaml, robot_type ? robot_type : "unknown");
    et_buf_puts(yaml, robot_type ? " # the data's robot type\nrobot_types: ["
                                 : " # the data does not say\nrobot_types: [");
    if (robot_type)
        et__guess_scalar(yaml, robot_type);
    et_buf_puts(yaml, "]\n\n");
}

/* " # values from -1.2 to 2.1 fit it" */
void et__guess_range(struct et_buf *yaml, bool is_known, double min, double max)
{
    if (is_known && min >= max)
        et_buf_printf(yaml, " # all values are %.4g, this is assumed", min);
    else if (is_known)
        et_buf_printf(yaml, " # values from %.4g to %.4g fit it", min, max);
    else
        et_buf_puts(yaml, " # no range is known, this is assumed");
}

static void put_joint(const struct drafter *d, const struct joint_feature *f, size_t i)
{
    const struct et__value_guess *value = &f->values[i];
    et_buf_puts(d->yaml, "      - {name: ");
    et__guess_scalar(d->yaml, value->name);
    if (f->has_names && strcmp(f->feature->view.names[i], value->name) != 0) {
        et_buf_puts(d->yaml, ", maker: ");
        et__guess_scalar(d->yaml, f->feature->view.names[i]);
    }
    et_buf_printf(d->yaml, "} # value %zu: ", i);
    if (value->slice)
        et_buf_puts(d->yaml, "a slice of modality.json says the part\n");
    else if (value->word)
        et_buf_printf(d->yaml, "its name has the word %s\n", value->word);
    else
        et_buf_puts(d->yaml, "nothing says which joint this is\n");
}

static enum et_status put_part(struct drafter *d, enum et_part part)
{
    const struct joint_feature *f = &d->joint_features[0];
    struct et__guess_members members;
    double min, max;
    const enum et_status st = find_members(d, f, part, &members);
    if (st != ET_OK || members.n == 0)
        return st;

    const bool is_known =
        find_range(f, &members, &min, &max) && f->quantity == ET_QUANTITY_POSITION;
    const char *unit = is_known ? et__guess_unit(part, ET_QUANTITY_POSITION, min, max) : "rad";
    d->part_units[part] = et__unit_find(unit)->si;
    et_buf_printf(d->yaml, "  %s:\n    unit: ", et_part_text(part));
    et__guess_scalar(d->yaml, d->part_units[part]);
    et__guess_range(d->yaml, is_known, min, max);
    if (members.n > JOINTS_MAX) {
        et_buf_printf(d->yaml, "\n    joints: any # %zu values are too many to name\n", members.n);
        return ET_OK;
    }
    et_buf_puts(d->yaml, "\n    joints: # add lower, upper, speed and effort, with their source\n");
    for (size_t i = 0; i < members.n; i++)
        put_joint(d, f, members.indices[i]);
    return ET_OK;
}

static enum et_status put_parts(struct drafter *d)
{
    const bool has_any = d->n_joint_features > 0;
    et_buf_puts(d->yaml, has_any ? "parts:\n" : "parts: {} # no feature holds joints\n");
    for (size_t i = 0; has_any && i < ET_N_PARTS; i++) {
        const enum et_status st = put_part(d, (enum et_part)i);
        if (st != ET_OK)
            return st;
    }
    et_buf_putc(d->yaml, '\n');
    return ET_OK;
}

/* ---- rules ---- */

static bool is_contiguous(const struct et__guess_members *members)
{
    for (size_t i = 1; i < members->n; i++)
        if (members->indices[i] != members->indices[0] + i)
            return false;
    return true;
}

/* True when the feature calls its values what the part's joints are called by their maker. */
static bool has_makers_names(const struct drafter *d, const struct joint_feature *f,
                             const struct et__guess_members *members,
                             const struct et__guess_members *joints)
{
    const struct joint_feature *reference = &d->joint_features[0];
    if (!f->has_names || joints->n > JOINTS_MAX)
        return false;
    for (size_t i = 0; i < members->n; i++) {
        const size_t k = joints->indices[i];
        const char *name =
            reference->has_names ? reference->feature->view.names[k] : reference->values[k].name;
        if (strcmp(f->feature->view.names[members->indices[i]], name) != 0)
            return false;
    }
    return true;
}

/* The key that chooses the values. */
static void put_choice(const struct drafter *d, const struct joint_feature *f,
                       const struct et__guess_members *members,
                       const struct et__guess_members *joints)
{
    struct et_buf *yaml = d->yaml;
    if (has_makers_names(d, f, members, joints)) {
        et_buf_puts(yaml, ", names: maker");
        return;
    }
    if (!f->has_names && is_contiguous(members)) {
        et_buf_printf(yaml, ", range: [%zu, %zu]", members->indices[0],
                      members->indices[0] + members->n);
        return;
    }
    et_buf_puts(yaml, f->has_names ? ", names: [" : ", indices: [");
    for (size_t i = 0; i < members->n; i++) {
        et_buf_puts(yaml, i ? ", " : "");
        if (f->has_names)
            et__guess_scalar(yaml, f->feature->view.names[members->indices[i]]);
        else
            et_buf_printf(yaml, "%zu", members->indices[i]);
    }
    et_buf_putc(yaml, ']');
}

static const char *unit_of_rule(const struct drafter *d, const struct joint_feature *f,
                                enum et_part part, const struct et__guess_members *members,
                                bool *is_known, double range[2])
{
    const char *position = d->part_units[part];
    const struct et_profile_part of_part = {.part = part, .unit = position};
    const struct et_profile profile = {.parts = &of_part, .n_parts = 1};
    const struct et__stream_name name = {part, f->quantity, f->is_command};
    const char *si = et__profile_unit(&profile, name);

    *is_known = find_range(f, members, &range[0], &range[1]);
    const char *unit = *is_known ? et__guess_unit(part, f->quantity, range[0], range[1]) : si;
    return strcmp(et__unit_find(unit)->si, si) == 0 ? unit : si;
}

static enum et_status put_rule(struct drafter *d, const struct joint_feature *f, enum et_part part)
{
    struct et__guess_members members, joints;
    enum et_status st = find_members(d, f, part, &members);
    if (st == ET_OK)
        st = find_members(d, &d->joint_features[0], part, &joints);
    if (st != ET_OK || members.n == 0)
        return st;

    struct et_buf *yaml = d->yaml;
    if (members.n != joints.n) {
        et_buf_printf(yaml, "  # %s: %zu values seem to be of %s, which has %zu joints\n",
                      last_word(f->feature->view.path), members.n, et_part_text(part), joints.n);
        return ET_OK;
    }
    et_buf_printf(yaml, "  - {stream: %s%s.%s, dataset: ", f->is_command ? "command." : "",
                  et_part_text(part), et_quantity_text(f->quantity));
    et__guess_scalar(yaml, f->feature->view.path);
    put_choice(d, f, &members, &joints);
    bool is_known;
    double range[2];
    et_buf_puts(yaml, ", unit: ");
    et__guess_scalar(yaml, unit_of_rule(d, f, part, &members, &is_known, range));
    et_buf_putc(yaml, '}');
    et__guess_range(yaml, is_known, range[0], range[1]);
    et_buf_putc(yaml, '\n');
    return ET_OK;
}

static enum et_status put_joint_rules(struct drafter *d)
{
    for (size_t f = 0; f < d->n_joint_features; f++) {
        for (size_t i = 0; i < ET_N_PARTS; i++) {
            // Members of one rule at a time: a feature of many values has them for each part.
            const struct et_arena_mark mark = et_arena_mark(d->arena);
            const enum et_status st = put_rule(d, &d->joint_features[f], (enum et_part)i);
            et_arena_rewind(d->arena, mark);
            if (st != ET_OK)
                return st;
        }
    }
    return ET_OK;
}

/* ---- cameras ---- */

struct camera_guess {
    const char *path;
    char place[ET__GUESS_NAME_BYTES];
    const char *word;
    bool is_depth;
};

struct cameras {
    struct camera_guess *items;
    size_t n;
};

static bool is_place_taken(const struct cameras *cameras, const char *place, bool is_depth)
{
    for (size_t i = 0; i < cameras->n; i++)
        if (strcmp(cameras->items[i].place, place) == 0 && cameras->items[i].is_depth == is_depth)
            return true;
    return false;
}

static enum et_status find_cameras(const struct drafter *d, const struct et_guess_feature *features,
                                   size_t n, struct cameras *cameras)
{
    cameras->n = 0;
    cameras->items = et_arena_array(d->arena, n, sizeof *cameras->items);
    if (!cameras->items)
        return out_of_memory(d);
    for (size_t i = 0; i < n && cameras->n < CAMERAS_MAX; i++) {
        const struct et_feature_view *view = &features[i].view;
        if (!view->is_video || !is_good_path(view->path))
            continue;
        struct camera_guess *camera = &cameras->items[cameras->n];
        camera->path = view->path;
        camera->is_depth = strstr(view->path, "depth") != NULL;
        et__guess_camera(view->path, camera->place, &camera->word);
        if (is_place_taken(cameras, camera->place, camera->is_depth)) {
            // The place is another camera's: this one keeps the name that it has.
            et__guess_name(last_word(view->path), camera->place);
            camera->word = NULL;
        }
        if (is_place_taken(cameras, camera->place, camera->is_depth))
            (void)snprintf(camera->place, sizeof camera->place, "camera_%zu", i);
        if (!is_place_taken(cameras, camera->place, camera->is_depth))
            cameras->n++;
    }
    return ET_OK;
}

static void put_cameras(struct et_buf *yaml, const struct cameras *cameras)
{
    if (cameras->n == 0)
        return;
    et_buf_puts(yaml, "cameras:\n");
    for (size_t i = 0; i < cameras->n; i++) {
        const struct camera_guess *camera = &cameras->items[i];
        const struct cameras before = {cameras->items, i};
        if (is_place_taken(&before, camera->place, !camera->is_depth))
            continue; // colour and depth of one place are one camera
        et_buf_puts(yaml, "  ");
        et__guess_scalar(yaml, camera->place);
        et_buf_puts(yaml, ": ");
        et__guess_scalar(yaml, camera->path);
        if (camera->word)
            et_buf_printf(yaml, " # its name has the word %s\n", camera->word);
        else
            et_buf_puts(yaml, " # its name as it is\n");
    }
    et_buf_putc(yaml, '\n');
}

static void put_camera_rules(struct et_buf *yaml, const struct cameras *cameras)
{
    for (size_t i = 0; i < cameras->n; i++) {
        const struct camera_guess *camera = &cameras->items[i];
        char stream[ET__GUESS_NAME_BYTES + 8];
        (void)snprintf(stream, sizeof stream, "%s.%s", camera->place,
                       camera->is_depth ? "depth" : "image");
        et_buf_puts(yaml, "  - {stream: ");
        et__guess_scalar(yaml, stream);
        et_buf_puts(yaml, ", dataset: ");
        et__guess_scalar(yaml, camera->path);
        et_buf_puts(yaml, "}\n");
    }
}

static enum et_status put_draft(struct drafter *d, const char *robot_type,
                                const struct et_guess_feature *features, size_t n)
{
    struct cameras cameras;
    enum et_status st = find_joint_features(d, features, n);
    if (st == ET_OK)
        st = find_cameras(d, features, n, &cameras);
    if (st != ET_OK)
        return st;

    et__guess_head(d->yaml, is_good_name(robot_type) ? robot_type : NULL);
    st = put_parts(d);
    if (st != ET_OK)
        return st;
    put_cameras(d->yaml, &cameras);
    const bool has_rules = d->n_joint_features > 0 || cameras.n > 0;
    et_buf_puts(d->yaml, has_rules ? "rules:\n" : "rules: []\n");
    st = put_joint_rules(d);
    if (st == ET_OK)
        put_camera_rules(d->yaml, &cameras);
    return st;
}

enum et_status et_profile_guess(const char *robot_type, const struct et_guess_feature *features,
                                size_t n_features, const struct et_guess_slice *slices,
                                size_t n_slices, struct et_buf *yaml, struct et_err *err)
{
    assert((features || n_features == 0) && (slices || n_slices == 0) && yaml);
    struct drafter d = {.slices = slices, .n_slices = n_slices, .yaml = yaml, .err = err};
    enum et_status st = et_arena_open(&d.arena, ARENA_BYTES, err);
    if (st != ET_OK)
        return st;
    st = put_draft(&d, robot_type, features, n_features);
    if (st == ET_OK)
        st = et_buf_check(yaml, "the draft of a profile", err);
    et_arena_close(d.arena);
    return st;
}
