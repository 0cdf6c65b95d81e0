/* Rows of a dataset into what is seen and what shall be given, and those into batches. */
#include "learn/learn__lessons_rows.h"

#include "etude/hash.h"
#include "etude/loader.h"
#include "etude/random.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_LEAST ((size_t)5) // episodes, of which one is looked at
#define STATE "observation.state"
#define ACTION "action"
#define SCENE "observation.environment_state"
#define TOUCH "observation.touch."
#define SEGMENT "etude.segment"
#define ROBOT "etude.robot"
#define HAS "etude.valid."
#define IMAGES "observation.images."
#define READ_ROWS ((size_t)4096)
#define COLUMNS_MAX (9 + ET__RECIPE_TOUCHES_MAX)
#define STILL 1e-5F   // what is asked for changes by less: nothing is
#define MOVED 1e-3F   // of where things are, m and parts of turns: they move
#define CONSTANT 1e-6 // a deviation below this: the value says nothing
#define VALUES_MAX ((size_t)1 << 33)
#define SIDE_MAX 8192 // of a picture, px

/* Of all rows that were read. What is not there is NAN. */
struct raw {
    float *columns[COLUMNS_MAX]; // n_rows × n_values; NULL: the dataset has none
    size_t n_values[COLUMNS_MAX];
    int64_t *episodes, *tasks;
    size_t n_rows;
};

enum {
    COL_STATE,
    COL_ACTION,
    COL_SCENE,
    COL_SEGMENT,
    COL_ROBOT,
    COL_HAS_STATE,
    COL_HAS_ACTION,
    COL_HAS_SCENE,
    COL_WEIGHT,
    COL_TOUCH
};

/* ---- normalising ---- */

enum et_status et__normal_make(struct et__normal *normal, size_t n_in, size_t n_out,
                               struct et_arena *arena, struct et_err *err)
{
    normal->in_mean = et_arena_array(arena, n_in, sizeof(float));
    normal->in_scale = et_arena_array(arena, n_in, sizeof(float));
    normal->out_mean = et_arena_array(arena, n_out, sizeof(float));
    normal->out_deviation = et_arena_array(arena, n_out, sizeof(float));
    if (!normal->in_mean || !normal->in_scale || !normal->out_mean || !normal->out_deviation)
        return et_arena_fail(arena, "a policy's normalisation", err);
    normal->most = ET__SEEN_MAX;
    return ET_OK;
}

enum et_status et__normals_make(struct et__normal *normals, const struct et__recipe *recipe,
                                struct et_arena *arena, struct et_err *err)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; st == ET_OK && (i == 0 || i < recipe->n_robots); i++)
        st = et__normal_make(&normals[i], recipe->n_in, recipe->n_out, arena, err);
    return st;
}

void et__normal_see(const struct et__normal *normal, float *seen, size_t n_in)
{
    const float most = normal->most > 0 ? normal->most : INFINITY;
    for (size_t i = 0; i < n_in; i++) {
        const float x = (seen[i] - normal->in_mean[i]) * normal->in_scale[i];
        seen[i] = isnan(x) ? 0 : x > most ? most : x < -most ? -most : x;
    }
}

struct column {
    double mean, deviation;
};

/* Of column i of n rows, where it is there; of each `every` rows those of which one is `i_robot`'s
 * count. */
struct rows {
    const float *values;
    size_t n, width, every;
    const uint8_t *robots; // of every `every` rows
    size_t i_robot;
};
static struct column measure(const struct rows *rows, size_t i)
{
    double sum = 0, squares = 0, count = 0;
    for (size_t k = 0; k < rows->n; k++) {
        const double x = (double)rows->values[k * rows->width + i];
        if (rows->robots[k / rows->every] == rows->i_robot && !isnan(x)) {
            sum += x;
            count++;
        }
    }
    const double mean = count > 0 ? sum / count : 0;
    for (size_t k = 0; k < rows->n; k++) {
        const double d = (double)rows->values[k * rows->width + i] - mean;
        if (rows->robots[k / rows->every] == rows->i_robot && !isnan(d))
            squares += d * d;
    }
    return (struct column){mean, count > 0 ? sqrt(squares / count) : 0};
}

static void normalise_seen(struct et__lessons *l)
{
    const struct et__recipe *r = &l->recipe;
    for (size_t robot = 0; robot < r->n_robots; robot++) {
        const struct rows rows = {l->seen, l->n_used, r->n_in, 1, l->robot_of, robot};
        const struct et__normal *to = &l->normal[robot];
        for (size_t i = 0; i < r->n_in; i++) {
            const double least = et__recipe_floor_in(r, i);
            const struct column c = measure(&rows, i);
            to->in_mean[i] = least > 0 ? (float)c.mean : 0;
            to->in_scale[i] = least <= 0               ? 1
                              : c.deviation < CONSTANT ? 0
                                                       : (float)(1 / fmax(c.deviation, least));
        }
    }
    for (size_t k = 0; k < l->n_used; k++)
        et__normal_see(&l->normal[l->robot_of[k]], l->seen + k * r->n_in, r->n_in);
}

/* What is given, by rows: the goals themselves, or changes to those of each chunk's first, middle
 * and last step. ET_ENOMEM. */
static enum et_status normalise_given(struct et__lessons *l, struct et_err *err)
{
    const struct et__recipe *r = &l->recipe;
    const size_t chunk = (size_t)l->settings.chunk, steps[] = {0, chunk / 2, chunk - 1};
    const size_t n_steps = sizeof steps / sizeof *steps;
    float *changes =
        l->here ? malloc((l->n_used * n_steps * r->n_out + 1) * sizeof *changes) : NULL;
    if (l->here && !changes)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %zu rows", l->n_used);
    for (size_t k = 0; changes && k < l->n_used * n_steps; k++)
        et__lessons_goal(l, k / n_steps, steps[k % n_steps], changes + k * r->n_out);
    for (size_t robot = 0; robot < r->n_robots; robot++) {
        const struct rows rows =
            changes
                ? (struct rows){changes, l->n_used * n_steps, r->n_out, n_steps, l->robot_of, robot}
                : (struct rows){l->given, l->n_used, r->n_out, 1, l->robot_of, robot};
        for (size_t i = 0; i < r->n_out; i++) {
            const double least = et__recipe_floor_out(r, l->bodies, r->n_robots, i);
            const struct column c = measure(&rows, i);
            l->normal[robot].out_mean[i] = least > 0 ? (float)c.mean : 0;
            l->normal[robot].out_deviation[i] = least > 0 ? (float)fmax(c.deviation, least) : 1;
        }
    }
    free(changes);
    for (size_t i = 0; i < l->n_used * r->n_out; i++)
        l->has_gaps = l->has_gaps || isnan(l->given[i]);
    return ET_OK;
}

/* ---- what the dataset has ---- */

static void remark(struct et__lessons *l, const char *text)
{
    if (l->facts.n_remarks < ET__REMARKS_MAX)
        l->remarks[l->facts.n_remarks++] = text;
}

static const char *const *copy_names(const struct et__lessons *l, const struct et_feature *feature)
{
    const char **names = et_arena_array(l->arena, feature->n_values, sizeof *names);
    for (size_t i = 0; names && i < feature->n_values; i++) {
        const char *name = feature->names ? feature->names[i] : NULL;
        names[i] = name ? et_arena_copy(l->arena, name, strlen(name))
                        : et_arena_printf(l->arena, "%s.%zu", feature->name, i);
        if (!names[i])
            return NULL;
    }
    return names;
}

static const struct et_feature *find(const struct et_dataset *dataset, const char *name)
{
    const int i = et_dataset_find(dataset, name);
    return i < 0 ? NULL : &et_dataset_info(dataset)->features[i];
}

static enum et_status check_features(const struct et__lessons *l, const struct et_dataset *dataset,
                                     struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    const struct et_feature *state = find(dataset, STATE), *action = find(dataset, ACTION);
    if (info->layout == ET_LAYOUT_EPISODES)
        return et_fail(
            err, ET_EUNSUPPORTED, -1,
            "%.150s holds curated episodes: build a dataset of them first (etude dataset "
            "build)",
            info->path);
    if (!state || !action)
        return et_fail(err, ET_EUNSUPPORTED, -1,
                       "%.150s has no feature %s: nothing can be learned of it", info->path,
                       state ? ACTION : STATE);
    if (state->n_values != action->n_values)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%.150s: " STATE " has %zu values, " ACTION " %zu",
                       info->path, state->n_values, action->n_values);
    for (size_t i = 0; state->names && action->names && i < state->n_values; i++)
        if (state->names[i] && action->names[i] && strcmp(state->names[i], action->names[i]) != 0)
            return et_fail(err, ET_EUNSUPPORTED, -1,
                           "%.150s: value %zu is %.60s in " STATE ", and %.60s in " ACTION,
                           info->path, i, state->names[i], action->names[i]);
    const double stride = info->fps / l->settings.rate_hz;
    if (!(stride >= 1) || fabs(stride - round(stride)) > 1e-6)
        return et_fail(err, ET_EARG, -1,
                       "%.150s has %g rows a second, which %g actions a second do not divide: set "
                       "rate_hz to %g, or %g (--config)",
                       info->path, info->fps, l->settings.rate_hz, info->fps, info->fps / 2);
    return ET_OK;
}

static enum et_status take_touches(struct et__lessons *l, const struct et_dataset *dataset,
                                   struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    struct et__recipe *r = &l->recipe;
    for (size_t i = 0; l->settings.sees_touch && i < info->n_features; i++) {
        const struct et_feature *f = &info->features[i];
        if (strncmp(f->name, TOUCH, strlen(TOUCH)) != 0 || r->n_touches == ET__RECIPE_TOUCHES_MAX)
            continue;
        const char *name = et_arena_copy(l->arena, f->name, strlen(f->name));
        if (!name)
            return et_arena_fail(l->arena, "a policy's inputs", err);
        r->touches[r->n_touches++] = (struct et__recipe_touch){name, f->n_values};
    }
    return ET_OK;
}

/* Cameras whose pictures are of one size: that of the first. */
static enum et_status take_cameras(struct et__lessons *l, const struct et_dataset *dataset,
                                   struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    struct et__recipe_pictures *p = &l->recipe.pictures;
    for (size_t i = 0; l->settings.sees_pictures && i < info->n_features; i++) {
        const struct et_feature *f = &info->features[i];
        const bool is_picture = f->dtype == ET_DTYPE_VIDEO || f->dtype == ET_DTYPE_IMAGE;
        if (!is_picture || strncmp(f->name, IMAGES, strlen(IMAGES)) != 0 || f->n_dims != 3)
            continue;
        const bool is_planes = f->shape[0] == 3 && f->shape[2] != 3;
        const int64_t n_rows = f->shape[is_planes ? 1 : 0], n_columns = f->shape[is_planes ? 2 : 1];
        if (n_columns < 1 || n_rows < 1 || n_columns > SIDE_MAX || n_rows > SIDE_MAX)
            return et_fail(err, ET_ECORRUPT, -1,
                           "%.150s: pictures of %.60s are %" PRId64 " × %" PRId64 " px", info->path,
                           f->name, n_columns, n_rows);
        const int width = (int)n_columns, height = (int)n_rows;
        if (p->n_cameras == 0) {
            p->width_px = width;
            p->height_px = height;
        }
        if (p->n_cameras == ET__RECIPE_CAMERAS_MAX || width != p->width_px ||
            height != p->height_px) {
            const char *text =
                et_arena_printf(l->arena, "%s is of another size: it is not seen", f->name);
            remark(l, text ? text : "a camera is not seen");
            continue;
        }
        p->features[p->n_cameras] = et_arena_copy(l->arena, f->name, strlen(f->name));
        if (!p->features[p->n_cameras++])
            return et_arena_fail(l->arena, "a policy's cameras", err);
    }
    if (p->n_cameras > 0)
        et__recipe_size(p, l->settings.picture_px, l->settings.shift_px);
    et__recipe_imagenet(p);
    return ET_OK;
}

static enum et_status take_tasks(struct et__lessons *l, const struct et_dataset_info *info,
                                 struct et_err *err)
{
    const char **tasks = et_arena_array(l->arena, info->n_tasks, sizeof *tasks);
    if (!tasks)
        return et_arena_fail(l->arena, "a policy's tasks", err);
    for (size_t i = 0; i < info->n_tasks; i++) {
        const char *text = info->tasks[i] ? info->tasks[i] : "";
        tasks[i] = et_arena_copy(l->arena, text, strlen(text));
        if (!tasks[i])
            return et_arena_fail(l->arena, "a policy's tasks", err);
    }
    l->recipe.tasks = l->facts.tasks = tasks;
    l->recipe.n_tasks = l->facts.n_tasks = info->n_tasks;
    return ET_OK;
}

/* One, or those that the rows name. */
static enum et_status take_robots(struct et__lessons *l, const struct et_dataset *dataset,
                                  struct et_err *err)
{
    const struct et_feature *feature = find(dataset, ROBOT);
    const char *type = et_dataset_info(dataset)->robot_type;
    const size_t n = feature ? feature->n_values : 1;
    if (n > ET__RECIPE_ROBOTS_MAX)
        return et_fail(err, ET_EUNSUPPORTED, -1, "%.150s: %zu robots, more than %d",
                       et_dataset_info(dataset)->path, n, ET__RECIPE_ROBOTS_MAX);
    struct et__recipe_robot *robots = et_arena_array(l->arena, n, sizeof *robots);
    if (!robots)
        return et_arena_fail(l->arena, "a policy's robots", err);
    for (size_t i = 0; i < n; i++) {
        const char *id = !feature ? type : feature->names ? feature->names[i] : NULL;
        if (feature && !id)
            return et_fail(err, ET_EUNSUPPORTED, -1, "%.150s: " ROBOT " does not say which robots",
                           et_dataset_info(dataset)->path);
        if (id && !(robots[i].id = et_arena_copy(l->arena, id, strlen(id))))
            return et_arena_fail(l->arena, "a policy's robots", err);
    }
    l->robots = robots;
    l->recipe.robots = robots;
    l->recipe.n_robots = n;
    return ET_OK;
}

/* What the settings want and the dataset has. */
static enum et_status plan(struct et__lessons *l, const struct et_dataset *dataset,
                           struct et_err *err)
{
    const struct et_dataset_info *info = et_dataset_info(dataset);
    const struct et_feature *state = find(dataset, STATE), *scene = find(dataset, SCENE);
    const struct et_feature *segment = find(dataset, SEGMENT);
    struct et__recipe *r = &l->recipe;
    *r = (struct et__recipe){.sees_command = l->settings.sees_command,
                             .gives_changes = l->settings.gives_changes,
                             .n_history = (size_t)l->settings.history,
                             .n_joints = state->n_values,
                             .joints = copy_names(l, state)};
    if (scene && l->settings.sees_scene) {
        r->scene = copy_names(l, scene);
        r->n_scene = scene->n_values;
    }
    if (segment && l->settings.knows_phase) {
        r->phases = copy_names(l, segment);
        r->n_phases = segment->n_values;
        r->knows_phase = true;
    } else if (l->settings.knows_phase)
        remark(l, "no " SEGMENT ": the policy knows no phases");
    if (!r->joints || (r->n_scene && !r->scene) || (r->n_phases && !r->phases))
        return et_arena_fail(l->arena, "a policy's names", err);
    enum et_status st = take_robots(l, dataset, err);
    if (st == ET_OK)
        st = take_touches(l, dataset, err);
    if (st == ET_OK)
        st = take_cameras(l, dataset, err);
    return st == ET_OK ? take_tasks(l, info, err) : st;
}

/* ---- reading ---- */

static void free_raw(struct raw *raw)
{
    for (size_t i = 0; i < COLUMNS_MAX; i++)
        free(raw->columns[i]);
    free(raw->episodes);
    free(raw->tasks);
}

static enum et_status no_memory(size_t n_rows, struct et_err *err)
{
    return et_fail(err, ET_ENOMEM, -1, "no memory for %zu rows", n_rows);
}

static enum et_status make_raw(struct raw *raw, const struct et_loader *loader, size_t n_columns,
                               const size_t *places, struct et_err *err)
{
    raw->n_rows = (size_t)et_loader_n_samples(loader);
    raw->episodes = calloc(raw->n_rows + 1, sizeof *raw->episodes);
    raw->tasks = calloc(raw->n_rows + 1, sizeof *raw->tasks);
    bool has_all = raw->episodes && raw->tasks;
    for (size_t i = 0; i < n_columns; i++) {
        const size_t n = et_loader_shape(loader, i).n_values;
        if (raw->n_rows > VALUES_MAX / (n + 1))
            return et_fail(err, ET_ELIMIT, -1, "%zu rows of %zu values are too many", raw->n_rows,
                           n);
        raw->n_values[places[i]] = n;
        raw->columns[places[i]] = malloc((raw->n_rows * n + 1) * sizeof(float));
        has_all = has_all && raw->columns[places[i]];
    }
    return has_all ? ET_OK : no_memory(raw->n_rows, err);
}

static enum et_status read_batches(struct raw *raw, struct et_loader *loader, size_t n_columns,
                                   const size_t *places, struct et_err *err)
{
    struct et_batch batch;
    enum et_status st;
    size_t at = 0;
    while ((st = et_loader_next(loader, &batch, err)) == ET_OK) {
        for (size_t i = 0; i < n_columns; i++) {
            const size_t n = raw->n_values[places[i]];
            memcpy(raw->columns[places[i]] + at * n, batch.columns[i], batch.n * n * sizeof(float));
        }
        memcpy(raw->episodes + at, batch.episodes, batch.n * sizeof *raw->episodes);
        memcpy(raw->tasks + at, batch.tasks, batch.n * sizeof *raw->tasks);
        at += batch.n;
    }
    return st == ET_END ? ET_OK : st;
}

/* Which values of a column are there. */
static const struct gap {
    const char *feature;
    size_t column, of;
} GAPS[] = {{HAS STATE, COL_HAS_STATE, COL_STATE},
            {HAS ACTION, COL_HAS_ACTION, COL_ACTION},
            {HAS SCENE, COL_HAS_SCENE, COL_SCENE}};
#define N_GAPS (sizeof GAPS / sizeof *GAPS)

static void mark_gaps(struct et__lessons *l, struct raw *raw)
{
    for (size_t i = 0; i < N_GAPS; i++) {
        const float *has = raw->columns[GAPS[i].column];
        float *of = raw->columns[GAPS[i].of];
        const size_t n = raw->n_rows * raw->n_values[GAPS[i].of];
        if (!has || raw->n_values[GAPS[i].column] != raw->n_values[GAPS[i].of])
            continue;
        for (size_t k = 0; k < n; k++)
            of[k] = has[k] > 0 ? of[k] : NAN;
        for (size_t k = 0; GAPS[i].of == COL_SCENE && k < n && !l->recipe.has_gaps; k++)
            l->recipe.has_gaps = isnan(of[k]);
    }
}

static enum et_status read_rows(struct et__lessons *l, const struct et_dataset *dataset,
                                struct raw *raw, struct et_err *err)
{
    struct et_loader_column columns[COLUMNS_MAX] = {{.feature = STATE}, {.feature = ACTION}};
    size_t places[COLUMNS_MAX] = {COL_STATE, COL_ACTION}, n = 2;
    const struct et__recipe *r = &l->recipe;
    if (r->n_scene) {
        columns[n].feature = SCENE;
        places[n++] = COL_SCENE;
    }
    if (r->knows_phase) {
        columns[n].feature = SEGMENT;
        places[n++] = COL_SEGMENT;
    }
    if (r->n_robots > 1) {
        columns[n].feature = ROBOT;
        places[n++] = COL_ROBOT;
    }
    for (size_t i = 0; i < N_GAPS; i++)
        if (find(dataset, GAPS[i].feature) && (GAPS[i].of != COL_SCENE || r->n_scene)) {
            columns[n].feature = GAPS[i].feature;
            places[n++] = GAPS[i].column;
        }
    if (l->options->weight) {
        columns[n].feature = l->options->weight;
        places[n++] = COL_WEIGHT;
    }
    for (size_t i = 0; i < r->n_touches; i++) {
        columns[n].feature = r->touches[i].feature;
        places[n++] = COL_TOUCH + i;
    }
    struct et_loader *loader = NULL;
    const struct et_loader_options options = {.columns = columns,
                                              .n_columns = n,
                                              .episodes = l->options->episodes,
                                              .n_episodes = l->options->n_episodes,
                                              .batch = READ_ROWS,
                                              .is_in_order = true};
    enum et_status st = et_loader_open(&loader, dataset, &options, err);
    if (st == ET_OK)
        st = make_raw(raw, loader, n, places, err);
    if (st == ET_OK)
        st = read_batches(raw, loader, n, places, err);
    if (st == ET_OK)
        mark_gaps(l, raw);
    et_loader_close(loader);
    return st;
}

/* ---- robots ---- */

static size_t robot_of(const struct et__lessons *l, const struct raw *raw, size_t row)
{
    const size_t n = l->recipe.n_robots;
    for (size_t i = 0; n > 1 && i < n; i++)
        if (raw->columns[COL_ROBOT][row * n + i] > 0)
            return i;
    return 0;
}

/* Which joints each robot has: those that are there in one of its rows. */
static enum et_status find_joints(struct et__lessons *l, const struct raw *raw, struct et_err *err)
{
    const size_t n_joints = l->recipe.n_joints, n_robots = l->recipe.n_robots;
    bool *has = calloc(n_joints * n_robots + 1, sizeof *has);
    if (!has)
        return no_memory(raw->n_rows, err);
    for (size_t row = 0; row < raw->n_rows; row++) {
        const float *joints = raw->columns[COL_STATE] + row * n_joints;
        const float *command = raw->columns[COL_ACTION] + row * n_joints;
        bool *to = has + robot_of(l, raw, row) * n_joints;
        for (size_t i = 0; i < n_joints; i++)
            to[i] = to[i] || (!isnan(joints[i]) && !isnan(command[i]));
    }
    enum et_status st = ET_OK;
    for (size_t k = 0; st == ET_OK && k < n_robots; k++) {
        size_t *places = et_arena_array(l->arena, n_joints, sizeof *places);
        if (!places)
            st = et_arena_fail(l->arena, "a policy's robots", err);
        for (size_t i = 0; places && i < n_joints; i++)
            if (has[k * n_joints + i])
                places[l->robots[k].n_joints++] = i;
        l->robots[k].places = places;
    }
    free(has);
    return st;
}

static void close_bodies(struct et__lessons *l)
{
    for (size_t i = 0; i < ET__RECIPE_ROBOTS_MAX; i++)
        et__body_close(&l->bodies[i]);
}

/* Arms where all robots are ones that are known; without them a policy knows joints only. */
static enum et_status open_bodies(struct et__lessons *l, struct et_err *err)
{
    struct et__recipe *r = &l->recipe;
    struct et_err why = {0};
    enum et_status st = ET_OK;
    for (size_t i = 0; i < r->n_robots; i++)
        l->bodies[i].i_robot = i;
    r->knows_hands = l->settings.knows_hands && r->robots[0].id;
    for (size_t i = 0; st == ET_OK && r->knows_hands && i < r->n_robots; i++)
        if (r->robots[i].n_joints > 0) // else no row is its
            st = et__body_open(&l->bodies[i], r, i, &why);
    if (st == ET_ENOMEM || st == ET_EIO)
        return et_fail(err, st, -1, "%s", why.text);
    if (st != ET_OK) {
        const char *text = et_arena_printf(l->arena, "hands are not known: %s", why.text);
        remark(l, text ? text : "hands are not known");
        close_bodies(l);
        r->knows_hands = false;
    }
    if (!r->knows_hands && r->n_robots == 1)
        l->robots[0].id = NULL; // it may move any that has these joints
    return ET_OK;
}

static enum et_status open_pictures(struct et__lessons *l, const struct et_dataset *dataset,
                                    struct et_err *err)
{
    const struct et__recipe_pictures *p = &l->recipe.pictures;
    struct et_loader_column columns[ET__RECIPE_CAMERAS_MAX];
    for (size_t i = 0; i < p->n_cameras; i++) {
        columns[i] = (struct et_loader_column){.feature = p->features[i],
                                               .width_px = p->scaled_width_px,
                                               .height_px = p->scaled_height_px,
                                               .crop_width_px = p->seen_width_px,
                                               .crop_height_px = p->seen_height_px,
                                               .is_crop_random = true,
                                               .layout = ET_PICTURE_FLOATS};
        memcpy(columns[i].mean, p->mean[i], sizeof columns[i].mean);
        memcpy(columns[i].deviation, p->deviation[i], sizeof columns[i].deviation);
    }
    l->n_samples = (size_t)l->settings.batch;
    l->samples = malloc(l->n_samples * sizeof *l->samples);
    if (!l->samples)
        return no_memory(l->n_samples, err);
    const struct et_loader_options options = {
        .columns = columns,
        .n_columns = p->n_cameras,
        .episodes = l->options->episodes,
        .n_episodes = l->options->n_episodes,
        .batch = l->n_samples,
        .is_in_order = true,
        .seed = (uint64_t)l->settings.seed,
        .n_threads = l->options->pool ? et_pool_threads(l->options->pool) : 1,
        .n_ahead = 1,
        .pictures_bytes_max = (size_t)l->settings.picture_cache_mb << 20};
    struct et_err why = {0};
    const enum et_status st = et_loader_open(&l->pictures, dataset, &options, &why);
    if (st == ET_ENOTFOUND)
        return et_fail(err, st, -1, "%.300s (sees_pictures: false learns without)", why.text);
    if (err)
        *err = why;
    return st;
}

/* ---- rows ---- */

static bool is_moved(const struct raw *raw, size_t column, size_t row, size_t before, float least)
{
    const size_t n = raw->n_values[column];
    const float *now = raw->columns[column] + row * n, *then = raw->columns[column] + before * n;
    for (size_t i = 0; i < n; i++)
        if (fabsf(now[i] - then[i]) > least)
            return true;
    return false;
}

/* Rows that ask for what the one before did teach to stand still, and a policy that sees no time
 * would for ever; but while things move it is them that is waited for. */
static bool is_idle(const struct raw *raw, size_t row, size_t last_used)
{
    return !is_moved(raw, COL_ACTION, row, row - 1, STILL) &&
           !(raw->columns[COL_SCENE] && is_moved(raw, COL_SCENE, row, last_used, MOVED));
}

/* The rows that are used; the first and the last of an episode always are. */
static size_t *choose_rows(struct et__lessons *l, const struct raw *raw, struct et_err *err)
{
    size_t *used = malloc((raw->n_rows + 1) * sizeof *used);
    if (!used)
        (void)no_memory(raw->n_rows, err);
    for (size_t i = 0; used && i < raw->n_rows; i++) {
        const bool is_first = i == 0 || raw->episodes[i] != raw->episodes[i - 1];
        const bool is_last = i + 1 == raw->n_rows || raw->episodes[i] != raw->episodes[i + 1];
        if (is_first || is_last || !l->settings.skips_idle || !is_idle(raw, i, used[l->n_used - 1]))
            used[l->n_used++] = i;
    }
    return used;
}

static size_t phase_of(const struct et__lessons *l, const struct raw *raw, size_t row,
                       size_t otherwise)
{
    const size_t n = l->recipe.n_phases;
    for (size_t i = 0; l->recipe.knows_phase && i < n; i++)
        if (raw->columns[COL_SEGMENT][row * n + i] > 0)
            return i;
    return otherwise;
}

/* Where most episodes begin. */
static enum et_status find_first_phase(struct et__lessons *l, const struct raw *raw,
                                       struct et_err *err)
{
    size_t *counts = calloc(l->recipe.n_phases + 1, sizeof *counts);
    if (!counts)
        return no_memory(raw->n_rows, err);
    for (size_t i = 0; i < raw->n_rows; i++)
        if (i == 0 || raw->episodes[i] != raw->episodes[i - 1])
            counts[phase_of(l, raw, i, 0)]++;
    for (size_t i = 1; i < l->recipe.n_phases; i++)
        if (counts[i] > counts[l->recipe.first_phase])
            l->recipe.first_phase = i;
    free(counts);
    return ET_OK;
}

struct working {
    struct et__lessons *l;
    const struct raw *raw;
    const size_t *used;
    float *touch, *past;
};

/* Where joints were before; before the episode they were as at its beginning. */
static void put_past(const struct working *w, size_t row)
{
    const size_t n = w->l->recipe.n_joints, stride = w->l->stride;
    const float *joints = w->raw->columns[COL_STATE];
    for (size_t k = 0; k < w->l->recipe.n_history; k++) {
        for (size_t i = 0; i < stride && row > 0; i++)
            row -= w->raw->episodes[row] == w->raw->episodes[row - 1];
        memcpy(w->past + k * n, joints + row * n, n * sizeof *w->past);
    }
}

static void put_row(const struct working *w, size_t k, size_t phase, double phase_s)
{
    const struct et__recipe *r = &w->l->recipe;
    const struct raw *raw = w->raw;
    const size_t row = w->used[k];
    float *touch = w->touch;
    for (size_t i = 0; i < r->n_touches; i++) {
        memcpy(touch, raw->columns[COL_TOUCH + i] + row * r->touches[i].n,
               r->touches[i].n * sizeof *touch);
        touch += r->touches[i].n;
    }
    put_past(w, row);
    const struct et__moment now = {.joints = raw->columns[COL_STATE] + row * r->n_joints,
                                   .command = raw->columns[COL_ACTION] + row * r->n_joints,
                                   .scene = r->n_scene ? raw->columns[COL_SCENE] + row * r->n_scene
                                                       : NULL,
                                   .touch = w->touch,
                                   .past = w->past,
                                   .phase = phase,
                                   .phase_s = phase_s,
                                   .task = raw->tasks[row] > 0 ? (size_t)raw->tasks[row] : 0};
    const struct et__body *body = &w->l->bodies[w->l->robot_of[k]];
    et__recipe_see(r, body, &now, w->l->seen + k * r->n_in);
    et__recipe_goal(r, body, now.command, phase, w->l->given + k * r->n_out);
    if (w->l->here)
        et__recipe_goal(r, body, now.joints, phase, w->l->here + k * r->n_out);
}

static void work_rows(const struct working *w, double row_s)
{
    struct et__lessons *l = w->l;
    size_t phase = l->recipe.first_phase, since = 0, first = 0;
    for (size_t k = 0; k < l->n_used; k++) {
        const bool is_first =
            k == 0 || w->raw->episodes[w->used[k]] != w->raw->episodes[w->used[k - 1]];
        const size_t now =
            phase_of(l, w->raw, w->used[k], is_first ? l->recipe.first_phase : phase);
        since = is_first || now != phase ? k : since;
        first = is_first ? k : first;
        phase = now;
        put_row(w, k, phase, (double)(k - since) * row_s);
        l->last[first] = k; // until a later row is
    }
    for (size_t k = 0; k < l->n_used; k = first) { // the first one's is all the others'
        for (first = k + 1; first <= l->last[k]; first++)
            l->last[first] = l->last[k];
    }
}

static enum et_status make_rows(struct et__lessons *l, const struct raw *raw, const size_t *used,
                                struct et_err *err)
{
    const struct et__recipe *r = &l->recipe;
    struct working w = {.l = l, .raw = raw, .used = used};
    l->seen = malloc((l->n_used * r->n_in + 1) * sizeof *l->seen);
    l->given = malloc((l->n_used * r->n_out + 1) * sizeof *l->given);
    l->here = r->gives_changes ? malloc((l->n_used * r->n_out + 1) * sizeof *l->here) : NULL;
    l->last = malloc((l->n_used + 1) * sizeof *l->last);
    l->rows = malloc((l->n_used + 1) * sizeof *l->rows);
    l->robot_of = calloc(l->n_used + 1, sizeof *l->robot_of);
    w.touch = calloc(r->n_touch + 1, sizeof *w.touch);
    w.past = calloc(r->n_history * r->n_joints + 1, sizeof *w.past);
    if (!l->seen || !l->given || (r->gives_changes && !l->here) || !l->last || !l->rows ||
        !l->robot_of || !w.touch || !w.past) {
        free(w.touch);
        free(w.past);
        return no_memory(l->n_used, err);
    }
    for (size_t k = 0; k < l->n_used; k++) {
        l->rows[k] = (int64_t)used[k];
        l->robot_of[k] = (uint8_t)robot_of(l, raw, used[k]);
    }
    work_rows(&w, 1 / ((double)l->stride * l->settings.rate_hz));
    free(w.touch);
    free(w.past);
    return ET_OK;
}

/* ---- what is learned from, and what is only looked at ---- */

/* Weights as shares of what is learned from: 1 in the mean. */
static enum et_status weigh(struct et__lessons *l, const struct raw *raw, const size_t *used,
                            struct et_err *err)
{
    const char *name = l->options->weight;
    double sum = 0;
    if (!name)
        return ET_OK;
    if (raw->n_values[COL_WEIGHT] != 1)
        return et_fail(err, ET_EARG, -1, "%.80s has %zu values: a weight is one number", name,
                       raw->n_values[COL_WEIGHT]);
    l->weights = malloc((l->n_used + 1) * sizeof *l->weights);
    if (!l->weights)
        return no_memory(l->n_used, err);
    for (size_t k = 0; k < l->n_used; k++) {
        l->weights[k] = raw->columns[COL_WEIGHT][used[k]];
        if (!(l->weights[k] >= 0) || isinf(l->weights[k]))
            return et_fail(err, ET_EUNSUPPORTED, (int64_t)used[k],
                           "%.80s of row %zu is %g: a weight is at least 0", name, used[k],
                           (double)l->weights[k]);
    }
    for (size_t k = 0; k < l->n_train; k++)
        sum += (double)l->weights[l->train[k]];
    if (!(sum > 0))
        return et_fail(err, ET_EUNSUPPORTED, -1, "%.80s is 0 wherever something is to be learned",
                       name);
    for (size_t k = 0; k < l->n_used; k++)
        l->weights[k] = (float)((double)l->weights[k] * (double)l->n_train / sum);
    return ET_OK;
}

static enum et_status share_out(struct et__lessons *l, const struct raw *raw, struct et_err *err)
{
    const uint64_t key = et_random_key((uint64_t)l->settings.seed, ET__FOR_VALIDATION);
    size_t n = 0, i_episode = 0;
    for (size_t k = 0; k < l->n_used; k++)
        n += k == 0 || l->last[k - 1] == k - 1;
    const size_t n_share = (size_t)floor((double)n * l->settings.validation + 0.5);
    const bool is_one = n_share == 0 && l->settings.validation > 0 && n >= LOOK_LEAST;
    const size_t n_look = is_one ? 1 : n_share;
    l->train = malloc((l->n_used + 1) * sizeof *l->train);
    l->look = malloc((l->n_used + 1) * sizeof *l->look);
    if (!l->train || !l->look)
        return no_memory(l->n_used, err);
    for (size_t k = 0; k < l->n_used; k++) {
        i_episode += k > 0 && l->last[k - 1] == k - 1;
        if (et_random_place(key, i_episode, n) < n_look)
            l->look[l->n_look++] = k;
        else
            l->train[l->n_train++] = k;
    }
    l->facts.n_episodes = (int64_t)n;
    l->facts.n_validation = (int64_t)n_look;
    l->facts.n_rows = (int64_t)raw->n_rows;
    l->facts.n_used = (int64_t)l->n_train;
    return l->n_train > 0 ? ET_OK
                          : et_fail(err, ET_EUNSUPPORTED, -1, "%.150s has no rows to learn from",
                                    l->facts.dataset);
}

/* ---- opening ---- */

static enum et_status make_all(struct et__lessons *l, const struct raw *raw, struct et_err *err)
{
    size_t *used = choose_rows(l, raw, err);
    enum et_status st = used ? ET_OK : ET_ENOMEM;
    if (st == ET_OK)
        st = find_first_phase(l, raw, err);
    if (st == ET_OK)
        st = et__recipe_make(&l->recipe, l->arena, err);
    if (st == ET_OK)
        st = et__normals_make(l->normal, &l->recipe, l->arena, err);
    if (st == ET_OK)
        st = make_rows(l, raw, used, err);
    if (st == ET_OK)
        st = share_out(l, raw, err);
    if (st == ET_OK)
        st = weigh(l, raw, used, err);
    free(used);
    if (st == ET_OK)
        st = normalise_given(l, err);
    if (st != ET_OK)
        return st;
    normalise_seen(l);
    const size_t n_seen = l->n_used * l->recipe.n_in, n_given = l->n_used * l->recipe.n_out;
    l->facts.hash = et_random_key(et_hash64(l->seen, n_seen * sizeof(float)),
                                  et_hash64(l->given, n_given * sizeof(float)));
    if (l->weights)
        l->facts.hash ^= et_hash64(l->weights, l->n_used * sizeof *l->weights);
    l->facts.memory_bytes =
        (n_seen + (l->here ? 2 : 1) * n_given) * sizeof(float) + 3 * l->n_used * sizeof(size_t);
    return ET_OK;
}

enum et_status et__lessons_open(struct et__lessons **lessons, const struct et_dataset *dataset,
                                const struct et_train_options *options, struct et_arena *arena,
                                struct et_err *err)
{
    *lessons = NULL;
    struct et__lessons *l = calloc(1, sizeof *l);
    if (!l)
        return no_memory(0, err);
    const struct et_dataset_info *info = et_dataset_info(dataset);
    struct raw raw = {0};
    l->arena = arena;
    l->options = options;
    l->settings = options->settings;
    l->stride = (size_t)lround(info->fps / l->settings.rate_hz);
    l->facts.recipe = &l->recipe;
    l->facts.normal = l->normal;
    l->facts.remarks = l->remarks;
    l->facts.dataset = et_arena_copy(arena, info->path, strlen(info->path));
    enum et_status st = l->facts.dataset ? ET_OK : et_arena_fail(arena, "a dataset's path", err);
    if (st == ET_OK)
        st = check_features(l, dataset, err);
    if (st == ET_OK)
        st = plan(l, dataset, err);
    if (st == ET_OK)
        st = read_rows(l, dataset, &raw, err);
    if (st == ET_OK)
        st = find_joints(l, &raw, err);
    if (st == ET_OK)
        st = open_bodies(l, err);
    if (st == ET_OK)
        st = make_all(l, &raw, err);
    if (st == ET_OK && l->recipe.pictures.n_cameras > 0)
        st = open_pictures(l, dataset, err);
    close_bodies(l);
    free_raw(&raw);
    l->options = NULL;
    if (st != ET_OK)
        et__lessons_close(l);
    else
        *lessons = l;
    return st;
}

void et__lessons_close(struct et__lessons *l)
{
    if (!l)
        return;
    free(l->seen);
    free(l->given);
    free(l->here);
    free(l->last);
    free(l->weights);
    free(l->rows);
    free(l->robot_of);
    free(l->samples);
    et_loader_close(l->pictures);
    free(l->train);
    free(l->look);
    free(l);
}

const struct et__lessons_facts *et__lessons_facts(const struct et__lessons *l)
{
    return &l->facts;
}
