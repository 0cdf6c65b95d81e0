/* A policy behind a URL: observations out, rows of actions in. */
#include "learn/learn__policy_remote.h"

#include "etude/clock.h"
#include "etude/openpi.h"

#include <math.h>
#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 26)
#define ANSWER_NS (60 * ET_NS_PER_S)
#define RATE_HZ 25.0
#define KEYS "observation/state=observation.state"
#define STATE "observation.state"
#define INPUTS_MAX 32
#define OWN_ARRAYS 3 // reset, seed, steps
#define ROWS_MAX 100000
#define SIDE_MAX 8192
#define SEED_MASK ((UINT64_C(1) << 53) - 1) // a number of openpi's messages is read as a double
#define BLANKS " \t"

struct et__remote {
    struct et_arena *arena;
    struct et_openpi_client_options how;
    struct et_openpi_client *client; // NULL: the connection has ended
    struct et_policy_info info;
    struct et_policy_remote options;
    size_t n_follow; // rows of a reply that are done; 0: all
    bool is_ours;
    bool is_new;                  // the attempt's first question
    struct et_tensor *arrays;     // of a request: by input, then its own
    const int64_t (*shapes)[3];   // by input
    const char *maps[INPUTS_MAX]; // "images"
    size_t n_maps;
    int64_t seed, steps;
    size_t i_task, phase;
    float *rows; // n_rows × n_joints
    size_t n_rows, cap_rows, i_row;
    double *last; // n_joints: the action that was given last
    bool has_last;
};

bool et__remote_is(const char *path)
{
    return strncmp(path, "ws://", 5) == 0 || strncmp(path, "wss://", 6) == 0;
}

static enum et_status full(const struct et__remote *r, struct et_err *err)
{
    return et_arena_fail(r->arena, "a policy behind a URL", err);
}

/* ---- what it sees ---- */

static bool take_size(const char *text, int *width, int *height)
{
    char *end;
    const long w = strtol(text, &end, 10);
    const long h = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
    *width = (int)w;
    *height = (int)h;
    return !*end && w >= 1 && h >= 1 && w <= SIDE_MAX && h <= SIDE_MAX;
}

/* "KEY=FEATURE" or "KEY=FEATURE:WxH", which is written to. */
static enum et_status take_key(struct et__remote *r, char *item, struct et_policy_input *input,
                               const char **key, struct et_err *err)
{
    char *feature = strchr(item, '='), *size;
    *key = item;
    if (!feature || feature == item || !feature[1])
        return et_fail(err, ET_EARG, -1, "\"%.60s\" is no KEY=FEATURE", item);
    *feature++ = 0;
    size = strchr(feature, ':');
    *input = (struct et_policy_input){.feature = feature};
    if (!size && strcmp(feature, STATE) != 0)
        return et_fail(err, ET_EARG, -1,
                       "%.60s: of a server that does not say what its policy is, only " STATE
                       " and pictures (FEATURE:WxH) can be asked with",
                       feature);
    if (!size) {
        input->names = r->info.joints;
        input->n_values = r->info.n_joints;
        return ET_OK;
    }
    *size++ = 0;
    if (!take_size(size, &input->width_px, &input->height_px))
        return et_fail(err, ET_EARG, -1, "\"%.40s\" is no size of pictures: WIDTHxHEIGHT", size);
    input->n_values = 3 * (size_t)input->width_px * (size_t)input->height_px;
    return ET_OK;
}

/* What stands before the first '/' is a map, as ALOHA's images are, but "observation". */
static enum et_status add_map(struct et__remote *r, const char *key, struct et_err *err)
{
    const char *slash = strchr(key, '/');
    if (!slash || strncmp(key, "observation/", 12) == 0)
        return ET_OK;
    const char *map = et_arena_copy(r->arena, key, (size_t)(slash - key));
    if (!map)
        return full(r, err);
    for (size_t i = 0; i < r->n_maps; i++)
        if (strcmp(r->maps[i], map) == 0)
            return ET_OK;
    r->maps[r->n_maps++] = map;
    return ET_OK;
}

/* Inputs and their keys as the options say; pictures behind numbers. */
static enum et_status take_keys(struct et__remote *r, const char **keys, struct et_err *err)
{
    const char *said = r->options.keys ? r->options.keys : KEYS;
    char *text = et_arena_copy(r->arena, said, strlen(said)), *rest = NULL;
    struct et_policy_input *inputs = et_arena_array(r->arena, INPUTS_MAX, sizeof *inputs);
    struct et_policy_input pictures[INPUTS_MAX];
    const char *picture_keys[INPUTS_MAX];
    size_t n = 0, n_pictures = 0;
    if (!text || !inputs)
        return full(r, err);
    for (char *item = strtok_r(text, "," BLANKS, &rest); item;
         item = strtok_r(NULL, "," BLANKS, &rest)) {
        struct et_policy_input input;
        const char *key;
        if (n + n_pictures == INPUTS_MAX)
            return et_fail(err, ET_ELIMIT, -1, "more than %d keys", INPUTS_MAX);
        enum et_status st = take_key(r, item, &input, &key, err);
        if (st == ET_OK)
            st = add_map(r, key, err);
        if (st != ET_OK)
            return st;
        if (input.width_px > 0) {
            picture_keys[n_pictures] = key;
            pictures[n_pictures++] = input;
        } else {
            keys[n] = key;
            inputs[n++] = input;
        }
    }
    r->info.i_first_picture = n;
    for (size_t i = 0; i < n_pictures; i++, n++) {
        keys[n] = picture_keys[i];
        inputs[n] = pictures[i];
    }
    r->info.inputs = inputs;
    r->info.n_inputs = n;
    return n ? ET_OK : et_fail(err, ET_EARG, -1, "no keys: KEY=FEATURE, …");
}

/* Of a server that says nothing: what the options say. */
static enum et_status take_options(struct et__remote *r, const char **keys, struct et_err *err)
{
    const struct et_policy_remote *o = &r->options;
    if (!o->joints || o->n_joints == 0)
        return et_fail(err, ET_EARG, -1,
                       "the server does not say what its policy is: name the skill, and what it "
                       "wants to be asked with (policy run --skill, --keys)");
    const char **joints = et_arena_array(r->arena, o->n_joints, sizeof *joints);
    const char **task = et_arena_array(r->arena, 1, sizeof *task);
    if (!joints || !task)
        return full(r, err);
    for (size_t i = 0; i < o->n_joints; i++)
        if (!(joints[i] = et_arena_copy(r->arena, o->joints[i], strlen(o->joints[i]))))
            return full(r, err);
    if (o->prompt && !(*task = et_arena_copy(r->arena, o->prompt, strlen(o->prompt))))
        return full(r, err);
    r->info.joints = joints;
    r->info.n_joints = o->n_joints;
    r->info.tasks = task;
    r->info.n_tasks = o->prompt ? 1 : 0;
    r->info.rate_hz = o->rate_hz > 0 ? o->rate_hz : RATE_HZ;
    return take_keys(r, keys, err);
}

static enum et_status make_request(struct et__remote *r, const char *const *keys,
                                   struct et_err *err)
{
    const size_t n = r->info.n_inputs;
    int64_t(*shapes)[3] = et_arena_array(r->arena, n, sizeof *shapes);
    r->arrays = et_arena_array(r->arena, n + OWN_ARRAYS, sizeof *r->arrays);
    r->last = et_arena_array(r->arena, r->info.n_joints, sizeof *r->last);
    if (!shapes || !r->arrays || !r->last)
        return full(r, err);
    for (size_t i = 0; i < n; i++) {
        const struct et_policy_input *input = &r->info.inputs[i];
        const bool is_picture = input->width_px > 0;
        shapes[i][0] = is_picture ? input->height_px : (int64_t)input->n_values;
        shapes[i][1] = input->width_px;
        shapes[i][2] = 3;
        r->arrays[i] = (struct et_tensor){.name = r->is_ours ? input->feature : keys[i],
                                          .type = is_picture ? ET_TENSOR_U8 : ET_TENSOR_F32,
                                          .shape = shapes[i],
                                          .n_dims = is_picture ? 3 : 1,
                                          .n_values = (int64_t)input->n_values};
    }
    r->shapes = (const int64_t(*)[3])shapes;
    return ET_OK;
}

/* ---- opening ---- */

static enum et_status connect_it(struct et__remote *r, struct et_err *err)
{
    r->is_new = true;
    r->n_rows = r->i_row = 0;
    return r->client ? ET_OK : et_openpi_client_open(&r->client, &r->how, err);
}

static enum et_status copy_text(struct et__remote *r, const char **text, struct et_err *err)
{
    if (*text)
        *text = et_arena_copy(r->arena, *text, strlen(*text));
    return *text ? ET_OK : full(r, err);
}

static enum et_status open_all(struct et__remote *r, const char *url, struct et_err *err)
{
    const char *keys[INPUTS_MAX] = {NULL};
    enum et_status st = et_arena_open(&r->arena, ARENA_BYTES, err);
    r->how = (struct et_openpi_client_options){
        .url = url, .api_key = r->options.api_key, .tls = r->options.tls};
    if (st == ET_OK)
        st = copy_text(r, &r->how.url, err);
    if (st == ET_OK && r->how.api_key)
        st = copy_text(r, &r->how.api_key, err);
    if (st == ET_OK)
        st = connect_it(r, err);
    if (st != ET_OK)
        return st;
    st = et__metadata_read(et_openpi_client_metadata(r->client), r->arena, &r->is_ours, &r->info,
                           err);
    r->info.path = r->how.url;
    if (st == ET_OK && !r->is_ours)
        st = take_options(r, keys, err);
    if (st == ET_OK)
        st = make_request(r, keys, err);
    return st == ET_OK || !err ? st : et_err_context(err, "%.100s", url);
}

enum et_status et__remote_open(struct et__remote **remote, const char *url,
                               const struct et_policy_options *options, struct et_policy_info *info,
                               struct et_err *err)
{
    struct et__remote *r = calloc(1, sizeof *r);
    *remote = NULL;
    if (!r)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a policy behind a URL");
    if (options->remote)
        r->options = *options->remote;
    r->options.answer_ns = r->options.answer_ns > 0 ? r->options.answer_ns : ANSWER_NS;
    r->n_follow = options->n_open_loop;
    r->phase = SIZE_MAX;
    const enum et_status st = open_all(r, url, err);
    // Not read again, nor theirs any more.
    r->options.joints = NULL;
    r->options.prompt = r->options.keys = r->options.api_key = NULL;
    if (st != ET_OK) {
        et__remote_close(r);
        return st;
    }
    *remote = r;
    *info = r->info;
    return ET_OK;
}

void et__remote_close(struct et__remote *r)
{
    if (!r)
        return;
    et_openpi_client_close(r->client);
    et_arena_close(r->arena);
    free(r->rows);
    free(r);
}

/* ---- asking ---- */

void et__remote_begin(struct et__remote *r, uint64_t seed, size_t i_task)
{
    r->is_new = true;
    r->has_last = false;
    r->n_rows = r->i_row = 0;
    r->seed = (int64_t)(seed & SEED_MASK);
    r->i_task = i_task;
    r->phase = SIZE_MAX;
}

void et__remote_follow(struct et__remote *r, size_t n)
{
    r->n_follow = n;
}

size_t et__remote_phase(const struct et__remote *r)
{
    return r->phase;
}

static enum et_status nonsense(struct et_err *err, const struct et_tensor *actions, size_t n_joints)
{
    if (!actions)
        return et_fail(err, ET_ECORRUPT, -1, "the server's answer has no actions");
    const long long first = actions->n_dims > 0 ? (long long)actions->shape[0] : 0;
    const long long last = actions->n_dims > 0 ? (long long)actions->shape[actions->n_dims - 1] : 0;
    return et_fail(err, ET_ECORRUPT, -1,
                   "the server's actions have %zu sizes (%lld … %lld), wanted steps × %zu joints",
                   actions->n_dims, first, last, n_joints);
}

/* The rows of an answer: steps × joints, or one step. */
static enum et_status take_rows(struct et__remote *r, const struct et_openpi_message *reply,
                                struct et_err *err)
{
    const struct et_tensor *actions = et_openpi_find(reply, "actions");
    const size_t n_joints = r->info.n_joints;
    if (!actions || actions->n_dims < 1 || actions->n_dims > 2 || actions->n_values < 1 ||
        actions->shape[actions->n_dims - 1] != (int64_t)n_joints)
        return nonsense(err, actions, n_joints);
    const size_t n = (size_t)actions->n_values / n_joints;
    if (n > ROWS_MAX)
        return et_fail(err, ET_ECORRUPT, -1, "the server gives %zu steps at once", n);
    if (n > r->cap_rows) {
        free(r->rows);
        r->rows = calloc(n * n_joints, sizeof *r->rows);
        r->cap_rows = r->rows ? n : 0;
    }
    if (!r->rows)
        return et_fail(err, ET_ENOMEM, -1, "no memory for %zu actions", n);
    const enum et_status st = et_tensor_floats(actions, r->rows, err);
    for (size_t i = 0; st == ET_OK && i < n * n_joints; i++)
        if (!isfinite(r->rows[i]))
            return et_fail(err, ET_ECORRUPT, -1, "the server's action is no number");
    r->n_rows = st == ET_OK ? n : 0;
    r->i_row = 0;
    return st;
}

static void take_phase(struct et__remote *r, const struct et_openpi_message *reply)
{
    const char *phase = et_openpi_text(reply, "phase");
    r->phase = SIZE_MAX;
    for (size_t i = 0; phase && i < r->info.n_phases; i++)
        if (strcmp(r->info.phases[i], phase) == 0)
            r->phase = i;
}

/* What a server of ours is told beside: that an attempt begins, and how much of the answer is done.
 */
static size_t add_own(struct et__remote *r, struct et_tensor *to)
{
    static const int64_t YES = 1;
    size_t n = 0;
    if (!r->is_ours)
        return 0;
    r->steps = (int64_t)r->n_follow;
    if (r->is_new) {
        to[n++] = (struct et_tensor){
            .name = "reset", .type = ET_TENSOR_I64, .n_values = 1, .bytes = &YES};
        to[n++] = (struct et_tensor){
            .name = "seed", .type = ET_TENSOR_I64, .n_values = 1, .bytes = &r->seed};
    }
    if (r->n_follow > 0)
        to[n++] = (struct et_tensor){
            .name = "steps", .type = ET_TENSOR_I64, .n_values = 1, .bytes = &r->steps};
    return n;
}

static enum et_status ask(struct et__remote *r, const struct et_policy_view *views,
                          struct et_err *err)
{
    struct et_openpi_message reply;
    const struct et_openpi_text prompt = {
        "prompt", r->i_task < r->info.n_tasks ? r->info.tasks[r->i_task] : NULL};
    for (size_t i = 0; i < r->info.n_inputs; i++)
        r->arrays[i].bytes = r->info.inputs[i].width_px > 0 ? (const void *)views[i].picture
                                                            : (const void *)views[i].values;
    const struct et_openpi_message request = {.arrays = r->arrays,
                                              .n_arrays = r->info.n_inputs +
                                                          add_own(r, r->arrays + r->info.n_inputs),
                                              .texts = &prompt,
                                              .n_texts = prompt.text ? 1 : 0,
                                              .maps = r->maps,
                                              .n_maps = r->n_maps};
    enum et_status st = et_openpi_ask(r->client, &request, r->options.answer_ns, &reply, err);
    if (st == ET_OK)
        st = take_rows(r, &reply, err);
    if (st != ET_OK)
        return st;
    take_phase(r, &reply);
    r->is_new = false;
    return ET_OK;
}

enum et_status et__remote_act(struct et__remote *r, const struct et_policy_view *views,
                              double *action, struct et_err *err)
{
    const size_t n_joints = r->info.n_joints;
    const size_t n = r->n_follow > 0 && r->n_follow < r->n_rows ? r->n_follow : r->n_rows;
    enum et_status st = ET_OK;
    if (!r->client)
        st = connect_it(r, err);
    if (st == ET_OK && r->i_row >= n) {
        st = ask(r, views, err);
        if (st != ET_OK) {
            // What the connection had is over; the next attempt begins with one of its own.
            et_openpi_client_close(r->client);
            r->client = NULL;
            st = ET_ECORRUPT;
            if (err) {
                (void)et_err_context(err, "%.100s", r->info.path);
                err->status = ET_ECORRUPT;
            }
        }
    }
    for (size_t i = 0; i < n_joints; i++) {
        if (st == ET_OK)
            r->last[i] = (double)r->rows[r->i_row * n_joints + i];
        action[i] = st == ET_OK || r->has_last ? r->last[i] : (double)NAN;
    }
    r->has_last = r->has_last || st == ET_OK;
    r->i_row += st == ET_OK;
    return st;
}
