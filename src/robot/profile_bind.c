#include "robot/robot__profile.h"
#include "robot/robot__units.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

#define NONE SIZE_MAX

/* A binding that is being made. */
struct binder {
    const struct et_profile *profile;
    const struct et_feature_view *features;
    size_t n_features;
    bool is_topics; // the rules that lead from topics count, else those from a dataset
    struct et_arena *arena;
    struct et_err *err;

    struct et_bound_stream *streams;
    size_t n_streams, cap_streams;
    const char **remarks;
    size_t n_remarks, cap_remarks;
    bool **is_used; // a flag a value of each feature (one for a picture)
};

static enum et_status out_of_memory(const struct binder *b)
{
    return et_arena_fail(b->arena, "the binding of a profile", b->err);
}

/* A rule and a feature that contradict each other. */
static enum et_status contradiction(const struct binder *b, const struct et_rule *rule,
                                    const char *fmt, ...) ET_PRINTF(3, 4);
static enum et_status contradiction(const struct binder *b, const struct et_rule *rule,
                                    const char *fmt, ...)
{
    struct et_buf reason = et_buf(ET_ERR_TEXT_BYTES);
    va_list args;
    va_start(args, fmt);
    et_buf_vprintf(&reason, fmt, args);
    va_end(args);
    reason.status = ET_OK; // a reason that is too long is cut
    (void)et_fail(b->err, ET_ECORRUPT, rule->line, "%.128s:%d: %.64s: %s", b->profile->path,
                  rule->line, rule->stream, et_buf_text(&reason));
    et_buf_free(&reason);
    return ET_ECORRUPT;
}

static enum et_status remark(struct binder *b, const char *text)
{
    if (!text)
        return out_of_memory(b);
    assert(b->n_remarks < b->cap_remarks);
    b->remarks[b->n_remarks++] = text;
    return ET_OK;
}

/* Where a rule leads from; NULL when it is of the other kind. */
static const char *path_of(const struct binder *b, const struct et_rule *rule)
{
    return b->is_topics ? rule->topic : rule->dataset;
}

static bool is_field_of(const struct et_rule *rule, const struct et_feature_view *feature)
{
    return !feature->field || strcmp(feature->field, rule->field ? rule->field : "") == 0;
}

/* A list that is empty (the efforts of a JointState that measures none) is not there. */
static bool is_empty(const struct et_feature_view *feature)
{
    return feature->n_values == 0 && !feature->is_video && !feature->is_text;
}

static size_t find_feature(const struct binder *b, const struct et_rule *rule)
{
    for (size_t i = 0; i < b->n_features; i++)
        if (strcmp(b->features[i].path, path_of(b, rule)) == 0 &&
            is_field_of(rule, &b->features[i]) && !is_empty(&b->features[i]))
            return i;
    return NONE;
}

static bool is_bound(const struct binder *b, const char *stream)
{
    for (size_t i = 0; i < b->n_streams; i++)
        if (strcmp(b->streams[i].stream.name, stream) == 0)
            return true;
    return false;
}

static size_t find_name(const struct et_feature_view *feature, const char *name, size_t from)
{
    for (size_t i = from; i < feature->n_values; i++)
        if (feature->names[i] && strcmp(feature->names[i], name) == 0)
            return i;
    return NONE;
}

/* True when the rule goes by names and the feature has none of them: it is not the feature that the
 * rule speaks of. One name that is missing among others that are there is a contradiction. */
static bool has_no_name_of(const struct et_feature_view *feature, const struct et_rule *rule)
{
    assert(rule && feature);
    if (!rule->names || !feature->names)
        return false;
    for (size_t i = 0; i < rule->n_names; i++)
        if (find_name(feature, rule->names[i], 0) != NONE)
            return false;
    return true;
}

static enum et_status columns_by_name(const struct binder *b, const struct et_rule *rule,
                                      const struct et_feature_view *feature, size_t *columns)
{
    if (!feature->names)
        return contradiction(b, rule, "%.96s does not name its values, the rule goes by names",
                             feature->path);
    for (size_t i = 0; i < rule->n_names; i++) {
        columns[i] = find_name(feature, rule->names[i], 0);
        if (columns[i] == NONE)
            return contradiction(b, rule, "%.96s has no value \"%.96s\"", feature->path,
                                 rule->names[i]);
        if (find_name(feature, rule->names[i], columns[i] + 1) != NONE)
            return contradiction(b, rule, "%.96s has two values \"%.96s\"", feature->path,
                                 rule->names[i]);
    }
    return ET_OK;
}

static enum et_status columns_by_index(const struct binder *b, const struct et_rule *rule,
                                       const struct et_feature_view *feature, size_t n,
                                       size_t *columns)
{
    for (size_t i = 0; i < n; i++) {
        columns[i] = i;
        if (rule->indices)
            columns[i] = rule->indices[i];
        else if (rule->first >= 0)
            columns[i] = (size_t)rule->first + i;
        if (columns[i] >= feature->n_values)
            return contradiction(b, rule, "%.96s has %zu values, the rule takes value %zu (from 0)",
                                 feature->path, feature->n_values, columns[i]);
    }
    return ET_OK;
}

static size_t n_columns(const struct et_rule *rule, const struct et_feature_view *feature)
{
    if (rule->names)
        return rule->n_names;
    if (rule->indices)
        return rule->n_indices;
    return rule->first >= 0 ? (size_t)(rule->last - rule->first) : feature->n_values;
}

static enum et_status make_scale(const struct binder *b, const struct et_rule *rule,
                                 struct et_bound_stream *bound)
{
    const size_t n = bound->stream.n_values;
    double *scale = et_arena_array(b->arena, n, sizeof *scale);
    double *offset = et_arena_array(b->arena, n, sizeof *offset);
    if (!scale || !offset)
        return out_of_memory(b);
    const struct et__unit *unit = et__unit_find(rule->unit);
    assert(unit); // et_profile_load has checked it
    for (size_t i = 0; i < n; i++) {
        scale[i] = rule->signs ? rule->signs[i] * unit->scale : unit->scale;
        if (rule->is_inverted) {
            scale[i] = -scale[i];
            offset[i] = 1.0;
        }
    }
    bound->scale = scale;
    bound->offset = offset;
    return ET_OK;
}

static bool is_any_known(const double *values, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isnan(values[i]))
            return true;
    return false;
}

/* Names and limits of a part's joints, as far as the quantity has any. */
static enum et_status describe_joints(const struct binder *b, const struct et_profile_part *part,
                                      struct et_stream *stream)
{
    const size_t n = part->n_joints;
    const char **names = et_arena_array(b->arena, n, sizeof *names);
    double *lower = et_arena_array(b->arena, n, sizeof *lower);
    double *upper = et_arena_array(b->arena, n, sizeof *upper);
    double *speed = et_arena_array(b->arena, n, sizeof *speed);
    if (!names || !lower || !upper || !speed)
        return out_of_memory(b);
    for (size_t i = 0; i < n; i++) {
        const struct et_joint *joint = &part->joints[i];
        names[i] = joint->name;
        speed[i] = (double)NAN;
        if (stream->quantity == ET_QUANTITY_POSITION) {
            lower[i] = joint->lower;
            upper[i] = joint->upper;
            speed[i] = joint->speed_max;
        } else {
            upper[i] =
                stream->quantity == ET_QUANTITY_VELOCITY ? joint->speed_max : joint->effort_max;
            lower[i] = -upper[i];
        }
    }
    stream->names = names;
    stream->lower = is_any_known(lower, n) || is_any_known(upper, n) ? lower : NULL;
    stream->upper = stream->lower ? upper : NULL;
    stream->speed = is_any_known(speed, n) ? speed : NULL;
    return ET_OK;
}

/* Names of what is not the same everywhere, as a part whose joints are what the data has: the
 * data's own, or "body_0", "body_1" … */
static enum et_status describe_open(const struct binder *b, const struct et_bound_stream *bound,
                                    struct et_stream *stream)
{
    const struct et_feature_view *feature = &b->features[bound->i_feature];
    const char **names = et_arena_array(b->arena, stream->n_values, sizeof *names);
    if (!names)
        return out_of_memory(b);
    for (size_t i = 0; i < stream->n_values; i++) {
        names[i] = feature->names ? feature->names[bound->columns[i]] : NULL;
        if (!names[i])
            names[i] = et_arena_printf(b->arena, "%s_%zu", et_part_text(stream->part), i);
        if (!names[i])
            return out_of_memory(b);
    }
    stream->names = names;
    return ET_OK;
}

static enum et_status describe(const struct binder *b, struct et_bound_stream *bound)
{
    struct et_stream *stream = &bound->stream;
    const struct et_profile_part *part = et__profile_part(b->profile, stream->part);
    if (stream->quantity == ET_QUANTITY_STATE)
        return describe_open(b, bound, stream);
    if (!et_quantity_is_of_joints(stream->quantity) || !part)
        return ET_OK;
    return part->is_open ? describe_open(b, bound, stream) : describe_joints(b, part, stream);
}

static enum et_status bind_values(struct binder *b, const struct et_rule *rule,
                                  struct et__stream_name name, struct et_bound_stream *bound)
{
    const struct et_feature_view *feature = &b->features[bound->i_feature];
    const size_t n = n_columns(rule, feature);
    const size_t n_wanted = et__profile_values(b->profile, name);
    if (n_wanted != 0 && n != n_wanted)
        return contradiction(b, rule, "the stream has %zu values, %.96s has %zu", n_wanted,
                             feature->path, n);
    if (rule->signs && rule->n_signs != n)
        return contradiction(b, rule, "the rule has %zu signs, %.96s has %zu values", rule->n_signs,
                             feature->path, n);
    size_t *columns = et_arena_array(b->arena, n, sizeof *columns);
    if (!columns)
        return out_of_memory(b);
    const enum et_status st = rule->names ? columns_by_name(b, rule, feature, columns)
                                          : columns_by_index(b, rule, feature, n, columns);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < n; i++)
        b->is_used[bound->i_feature][columns[i]] = true;
    bound->columns = columns;
    bound->stream.n_values = n;
    return make_scale(b, rule, bound);
}

/* Adds the stream `name`, made of one feature by one rule. */
static enum et_status bind_one(struct binder *b, const struct et_rule *rule, const char *stream,
                               size_t i_feature)
{
    const struct et_feature_view *feature = &b->features[i_feature];
    struct et_bound_stream bound = {.i_feature = i_feature};
    struct et__stream_name name = {0};
    const bool is_name = et_stream_parse(stream, &name.part, &name.quantity, &name.is_command);
    assert(is_name);
    (void)is_name;
    const bool is_picture = et__is_picture(name.quantity);
    const bool is_text = name.quantity == ET_QUANTITY_EVENT || name.quantity == ET_QUANTITY_TEXT;

    if (is_picture != feature->is_video || is_text != feature->is_text)
        return contradiction(b, rule, "%.96s holds %s", feature->path,
                             feature->is_video  ? "pictures"
                             : feature->is_text ? "text"
                                                : "numbers");
    bound.rule = rule;
    bound.stream.name = stream;
    bound.stream.part = name.part;
    bound.stream.quantity = name.quantity;
    bound.stream.is_command = name.is_command;
    bound.stream.unit = et__profile_unit(b->profile, name);
    enum et_status st = is_picture || is_text ? ET_OK : bind_values(b, rule, name, &bound);
    if (st == ET_OK)
        st = describe(b, &bound);
    if (st != ET_OK)
        return st;
    if (is_picture || is_text)
        b->is_used[i_feature][0] = true;
    assert(b->n_streams < b->cap_streams);
    b->streams[b->n_streams++] = bound;
    return ET_OK;
}

static bool is_star(const struct et_rule *rule)
{
    return rule->stream[0] == '*';
}

/* Rules that name their feature; the first whose feature is there makes the stream. */
static enum et_status bind_named(struct binder *b)
{
    for (size_t i = 0; i < b->profile->n_rules; i++) {
        const struct et_rule *rule = &b->profile->rules[i];
        if (!path_of(b, rule) || is_star(rule) || is_bound(b, rule->stream))
            continue;
        const size_t i_feature = find_feature(b, rule);
        if (i_feature == NONE || has_no_name_of(&b->features[i_feature], rule))
            continue;
        const enum et_status st = bind_one(b, rule, rule->stream, i_feature);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* What a pattern's '*' stands for in a path; false when the path is none of the pattern's. */
static bool match_star(const char *pattern, const char *path, struct et_str *star)
{
    const size_t n_head = strcspn(pattern, "*");
    const struct et_str p = et_str(path);
    const char *tail = pattern + n_head + 1;
    const size_t n_tail = strlen(tail);
    if (p.n <= n_head + n_tail || memcmp(path, pattern, n_head) != 0 || !et_str_ends(p, tail))
        return false;
    *star = (struct et_str){path + n_head, p.n - n_head - n_tail};
    return true;
}

/* A camera's place in our alphabet: "Cam High" becomes "cam_high". */
static char *place_text(struct et_str star, const char *behind, struct et_arena *arena)
{
    char *text = et_arena_printf(arena, "%.*s%s", ET_STR_ARG(star), behind);
    for (size_t i = 0; text && i < star.n; i++) {
        const char c = text[i];
        const bool is_upper = c >= 'A' && c <= 'Z';
        const bool is_own = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        if (is_upper)
            text[i] = (char)(c - 'A' + 'a');
        else if (!is_own)
            text[i] = '_';
    }
    return text;
}

static enum et_status bind_star(struct binder *b, const struct et_rule *rule)
{
    for (size_t i = 0; i < b->n_features; i++) {
        const struct et_feature_view *feature = &b->features[i];
        struct et_str star;
        if (!feature->is_video || b->is_used[i][0] || !is_field_of(rule, feature) ||
            !match_star(path_of(b, rule), feature->path, &star))
            continue;
        const char *stream = place_text(star, rule->stream + 1, b->arena);
        if (!stream)
            return out_of_memory(b);
        enum et_part part;
        enum et_quantity quantity;
        bool is_command;
        enum et_status st;
        if (is_bound(b, stream) || !et_stream_parse(stream, &part, &quantity, &is_command)) {
            b->is_used[i][0] = true; // spoken of once is enough
            st = remark(b, et_arena_printf(b->arena, "%s would be %s, which is taken or no name",
                                           feature->path, stream));
        } else {
            st = bind_one(b, rule, stream, i);
        }
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* Rules with a '*' take what no rule has named. */
static enum et_status bind_stars(struct binder *b)
{
    for (size_t i = 0; i < b->profile->n_rules; i++) {
        const struct et_rule *rule = &b->profile->rules[i];
        if (!path_of(b, rule) || !is_star(rule))
            continue;
        const enum et_status st = bind_star(b, rule);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* True when the rule is the first of its kind to its stream: so that a stream without a feature is
 * spoken of once. */
static bool is_first_to_stream(const struct binder *b, size_t i_rule)
{
    const struct et_rule *rules = b->profile->rules;
    for (size_t i = 0; i < i_rule; i++)
        if (path_of(b, &rules[i]) && strcmp(rules[i].stream, rules[i_rule].stream) == 0)
            return false;
    return true;
}

static enum et_status remark_absent(struct binder *b)
{
    for (size_t i = 0; i < b->profile->n_rules; i++) {
        const struct et_rule *rule = &b->profile->rules[i];
        if (!path_of(b, rule) || rule->is_optional || is_star(rule) || is_bound(b, rule->stream) ||
            !is_first_to_stream(b, i))
            continue;
        const char *why = find_feature(b, rule) != NONE
                              ? "has none of the values that the rule names"
                          : b->is_topics ? "is not in the recording"
                                         : "is not among the features";
        const enum et_status st = remark(b, et_arena_printf(b->arena, "%s is not there: %s %s",
                                                            rule->stream, path_of(b, rule), why));
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

/* LeRobot makes these a policy's inputs and outputs: what a profile leaves out of them is told. */
static bool is_of_policy(const char *path)
{
    return et_str_starts(et_str(path), "observation.") || et_str_starts(et_str(path), "action");
}

/* "observation.state: 3 of 9 values are mapped by no rule, the first is "waist_yaw" (6)". */
static enum et_status remark_unmapped(struct binder *b)
{
    for (size_t i = 0; i < b->n_features; i++) {
        const struct et_feature_view *feature = &b->features[i];
        const size_t n = feature->is_video || feature->is_text ? 1 : feature->n_values;
        size_t n_unmapped = 0, first = 0;
        for (size_t k = n; k-- > 0;) {
            if (!b->is_used[i][k]) {
                n_unmapped++;
                first = k;
            }
        }
        if (n_unmapped == 0 || !is_of_policy(feature->path))
            continue;
        const char *text;
        if (n_unmapped == n)
            text = et_arena_printf(b->arena, "%s is mapped by no rule", feature->path);
        else
            text = et_arena_printf(
                b->arena, "%s: %zu of %zu values are mapped by no rule, the first is value %zu%s%s",
                feature->path, n_unmapped, n, first, feature->names ? ", " : "",
                feature->names && feature->names[first] ? feature->names[first] : "");
        const enum et_status st = remark(b, text);
        if (st != ET_OK)
            return st;
    }
    return ET_OK;
}

static enum et_status make_room(struct binder *b)
{
    b->cap_streams = b->profile->n_rules + b->n_features;
    b->cap_remarks = b->profile->n_rules + 2 * b->n_features;
    b->streams = et_arena_array(b->arena, b->cap_streams, sizeof *b->streams);
    b->remarks = et_arena_array(b->arena, b->cap_remarks, sizeof *b->remarks);
    b->is_used = et_arena_array(b->arena, b->n_features, sizeof *b->is_used);
    if (!b->streams || !b->remarks || !b->is_used)
        return out_of_memory(b);
    for (size_t i = 0; i < b->n_features; i++) {
        const bool is_whole = b->features[i].is_video || b->features[i].is_text;
        const size_t n = is_whole ? 1 : b->features[i].n_values;
        b->is_used[i] = et_arena_array(b->arena, n, sizeof **b->is_used);
        if (!b->is_used[i])
            return out_of_memory(b);
    }
    return ET_OK;
}

static enum et_status bind_all(struct binder *b, struct et_binding *binding)
{
    enum et_status st;
    if ((st = make_room(b)) != ET_OK || (st = bind_named(b)) != ET_OK ||
        (st = bind_stars(b)) != ET_OK || (st = remark_absent(b)) != ET_OK ||
        (st = remark_unmapped(b)) != ET_OK)
        return st;

    // The stream stands first in a bound stream, so that the order of streams orders them.
    static_assert(offsetof(struct et_bound_stream, stream) == 0, "et_stream_compare needs it");
    if (b->n_streams > 1)
        qsort(b->streams, b->n_streams, sizeof *b->streams, et_stream_compare);
    *binding = (struct et_binding){
        .profile = b->profile,
        .streams = b->streams,
        .n_streams = b->n_streams,
        .remarks = b->remarks,
        .n_remarks = b->n_remarks,
    };
    return ET_OK;
}

enum et_status et_profile_bind(const struct et_profile *profile,
                               const struct et_feature_view *features, size_t n_features,
                               struct et_arena *arena, struct et_binding *binding,
                               struct et_err *err)
{
    assert(profile && (features || n_features == 0) && arena && binding);
    struct binder b = {.profile = profile,
                       .features = features,
                       .n_features = n_features,
                       .arena = arena,
                       .err = err};
    return bind_all(&b, binding);
}

enum et_status et_profile_bind_topics(const struct et_profile *profile,
                                      const struct et_feature_view *fields, size_t n_fields,
                                      struct et_arena *arena, struct et_binding *binding,
                                      struct et_err *err)
{
    assert(profile && (fields || n_fields == 0) && arena && binding);
    struct binder b = {.profile = profile,
                       .features = fields,
                       .n_features = n_fields,
                       .is_topics = true,
                       .arena = arena,
                       .err = err};
    return bind_all(&b, binding);
}
