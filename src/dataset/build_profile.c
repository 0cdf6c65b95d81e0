/* The profile that a built dataset is read by: its own, because its features have canonical names,
 * order and units, whatever the makers' profiles say of their data. It is written like any other
 * profile, so that reading needs no case of its own. */
#include "dataset/dataset__build.h"

#include "etude/file.h"

#include <math.h>
#include <string.h>

#define PROFILE_BYTES_MAX ((size_t)1 << 22)

// The stream of a pick that a value of the plan is read from; NULL when the pick lacks it.
static const struct et_stream *stream_of(const struct et__build *build, size_t i_pick,
                                         const char *name)
{
    const struct et_binding *binding = et_dataset_binding(build->run.picks[i_pick].dataset);
    for (size_t i = 0; i < binding->n_streams; i++)
        if (strcmp(binding->streams[i].stream.name, name) == 0)
            return &binding->streams[i].stream;
    return NULL;
}

// The widest limit that any pick's robot has; not a number where one of them publishes none.
static double widest(const struct et__build *build, const struct et__build_value *value, int which)
{
    double limit = (double)NAN;
    bool is_first = true;
    for (size_t i = 0; i < build->run.n_picks; i++) {
        const struct et_stream *stream = stream_of(build, i, value->stream);
        if (!stream || value->column[i] < 0)
            continue;
        const double *all = which == 0 ? stream->lower : which == 1 ? stream->upper : stream->speed;
        const double x = all ? all[value->column[i]] : (double)NAN;
        if (is_first)
            limit = x;
        else if (isnan(x) || isnan(limit))
            limit = (double)NAN;
        else
            limit = which == 0 ? fmin(limit, x) : fmax(limit, x);
        is_first = false;
    }
    return limit;
}

static void put_limit(struct et_buf *yaml, const char *key, double value)
{
    char text[32];
    if (isfinite(value))
        et_buf_printf(yaml, ", %s: %.*s", key, (int)et_double_text(value, text), text);
}

// Text in double quotes: JSON's strings are YAML's.
static void put_quoted(struct et_buf *yaml, const char *text)
{
    struct et_json_writer w = {.buf = yaml};
    et_json_text(&w, text);
}

static bool is_of_part(const struct et__build_value *value, enum et_part part,
                       enum et_quantity *quantity, bool *is_command)
{
    enum et_part its;
    return et_stream_parse(value->stream, &its, quantity, is_command) && its == part;
}

// The feature that holds a part's measured positions; −1 when none does.
static int feature_of_part(const struct et__build *build, enum et_part part)
{
    enum et_quantity quantity;
    bool is_command;
    for (size_t f = 0; f < build->n_features; f++)
        for (size_t i = 0; i < build->features[f].n; i++)
            if (is_of_part(&build->features[f].values[i], part, &quantity, &is_command) &&
                quantity == ET_QUANTITY_POSITION && !is_command)
                return (int)f;
    return -1;
}

static void put_part(const struct et__build *build, enum et_part part, struct et_buf *yaml)
{
    const int f = feature_of_part(build, part);
    bool is_begun = false;
    for (size_t i = 0; f >= 0 && i < build->features[f].n; i++) {
        const struct et__build_value *value = &build->features[f].values[i];
        enum et_quantity quantity;
        bool is_command;
        if (!is_of_part(value, part, &quantity, &is_command) || quantity != ET_QUANTITY_POSITION)
            continue;
        if (!is_begun) {
            et_buf_printf(yaml, "  %s:\n    unit: \"%s\"\n    source: profiles/ beside this file\n",
                          et_part_text(part), value->unit);
            // Where nobody named the parts, the values are named as the data names them.
            et_buf_puts(yaml, part == ET_PART_BODY ? "    joints: any\n" : "    joints:\n");
        }
        is_begun = true;
        if (part == ET_PART_BODY)
            return;
        et_buf_puts(yaml, "      - {name: ");
        put_quoted(yaml, value->name);
        put_limit(yaml, "lower", widest(build, value, 0));
        put_limit(yaml, "upper", widest(build, value, 1));
        put_limit(yaml, "speed", widest(build, value, 2));
        et_buf_puts(yaml, "}\n");
    }
}

// Values of one stream stand side by side in a feature; `first` is the first of them.
static size_t put_rule(const struct et__build *build, const struct et__build_feature *feature,
                       size_t first, struct et_buf *yaml)
{
    size_t last = first;
    enum et_part part;
    enum et_quantity quantity;
    bool is_command;
    while (last < feature->n &&
           strcmp(feature->values[last].stream, feature->values[first].stream) == 0)
        last++;
    if (!et_stream_parse(feature->values[first].stream, &part, &quantity, &is_command))
        return last;
    // A stream of joints has all of its part's, or the part's list does not describe it.
    const int f = feature_of_part(build, part);
    size_t n_joints = 0;
    for (size_t i = 0; f >= 0 && i < build->features[f].n; i++) {
        enum et_quantity other;
        bool is_other_command;
        if (is_of_part(&build->features[f].values[i], part, &other, &is_other_command) &&
            other == ET_QUANTITY_POSITION)
            n_joints++;
    }
    if (et_quantity_is_of_joints(quantity) && n_joints != last - first)
        return last;
    et_buf_printf(yaml, "  - {stream: %s, dataset: %s, range: [%zu, %zu]}\n",
                  feature->values[first].stream, feature->name, first, last);
    return last;
}

static void put_head(const struct et__build *build, struct et_buf *yaml)
{
    const struct et_profile *first = et_dataset_binding(build->run.picks[0].dataset)->profile;
    bool is_one = true;
    for (size_t i = 1; i < build->run.n_picks; i++) {
        const struct et_profile *p = et_dataset_binding(build->run.picks[i].dataset)->profile;
        is_one = is_one && strcmp(p->id, first->id) == 0;
    }
    et_buf_puts(yaml, "# How this dataset is read: its features have canonical names, order and "
                      "units.\nprofile: 1\nmaker: ");
    put_quoted(yaml, is_one ? first->maker : "several");
    et_buf_puts(yaml, "\nmodel: ");
    put_quoted(yaml, is_one ? first->model : "several");
    if (is_one && first->variant) {
        et_buf_puts(yaml, "\nvariant: ");
        put_quoted(yaml, first->variant);
    }
    et_buf_puts(yaml, "\nsource: made by a build from the profiles in profiles/\n");
    if (build->spec.robot_type) {
        et_buf_puts(yaml, "robot_types: [");
        put_quoted(yaml, build->spec.robot_type);
        et_buf_puts(yaml, "]\n");
    }
}

// Colour and depth of one place are one camera.
static bool is_second(const struct et__build *build, size_t i, struct et_str place)
{
    for (size_t k = 0; k < build->n_cameras; k++) {
        struct et_str rest = et_str(build->cameras[k].stream), other;
        const bool is_before = build->cameras[k].is_depth == build->cameras[i].is_depth
                                   ? k < i
                                   : build->cameras[i].is_depth;
        if (is_before && et_str_cut(&rest, '.', &other) && et_str_eq(other, place))
            return true;
    }
    return false;
}

static void put_cameras(const struct et__build *build, struct et_buf *yaml)
{
    if (build->n_cameras)
        et_buf_puts(yaml, "\ncameras:\n");
    for (size_t i = 0; i < build->n_cameras; i++) {
        struct et_str rest = et_str(build->cameras[i].stream), place;
        if (et_str_cut(&rest, '.', &place) && !is_second(build, i, place))
            et_buf_printf(yaml, "  %.*s: %s\n", ET_STR_ARG(place), build->cameras[i].feature);
    }
}

enum et_status et__build_write_profile(const struct et__build *build, const char *path,
                                       struct et_err *err)
{
    struct et_buf yaml = et_buf(PROFILE_BYTES_MAX);
    char to[ET_PATH_BYTES_MAX];
    put_head(build, &yaml);
    et_buf_puts(&yaml, "\nparts:\n");
    for (int part = 0; part < ET_N_PARTS; part++)
        put_part(build, (enum et_part)part, &yaml);
    put_cameras(build, &yaml);
    et_buf_puts(&yaml, "\nrules:\n");
    for (size_t f = 0; f < build->n_features; f++)
        for (size_t i = 0; i < build->features[f].n;)
            i = put_rule(build, &build->features[f], i, &yaml);
    for (size_t i = 0; i < build->n_cameras; i++)
        et_buf_printf(&yaml, "  - {stream: %s, dataset: %s, optional: true}\n",
                      build->cameras[i].stream, build->cameras[i].feature);

    enum et_status st = et_buf_check(&yaml, "the dataset's profile", err);
    if (st == ET_OK)
        st = et__meta_path(path, ET__OWN_PROFILE, to, err);
    if (st == ET_OK)
        st = et_file_replace(to, yaml.p, yaml.n, err);
    et_buf_free(&yaml);
    return st;
}
