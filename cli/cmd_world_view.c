/* etude world view: what a skill looks like, as a sheet of its phases or as a film. */
#include "film.h"

#include "etude/file.h"

#include <stdlib.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define MOMENTS_MAX 64 // phases as they were played, retries too
#define LARGER 2       // pictures of a sheet are drawn so much larger: smooth edges
#define GAP_PX 8       // between tiles
#define LINE_PX 24     // for a text
#define COLUMNS_MAX 5  // of a sheet

struct moment {
    const char *phase;
    double t_s;
    int n_retries;
    uint8_t *scene, *head; // RGB; NULL where there is no such camera
};

struct view {
    const struct cli_args *args;
    struct et_arena *arena;
    struct cli_world_options options;
    struct cli_world_stage stage; // without a trainer where scenarios are drawn
    bool is_film;
    struct cli_film film;
    struct cli_eye eye; // of a sheet
    struct cli_progress progress;
    size_t i_phase; // that the last step was of
    double t_s;     // after it
    struct moment moments[MOMENTS_MAX];
    size_t n_moments;
    bool is_done, has_given_up;
    const char *missing; // of the skill's success
};

/* ---- one picture ---- */

static enum et_status keep_picture(struct view *v, size_t camera, uint8_t **rgb, struct et_err *err)
{
    *rgb = NULL;
    if (camera == CLI_NO_CAMERA)
        return ET_OK;
    *rgb = et_arena_array(v->arena, v->eye.width * v->eye.height, 3);
    return *rgb ? cli_eye_take(&v->eye, camera, *rgb, err)
                : et_arena_fail(v->arena, "pictures", err);
}

/* ---- playing ---- */

static double seconds(const struct view *v)
{
    return 1e-9 * (double)et_world_time_ns(v->stage.world);
}

static const char *phase_name(const struct view *v)
{
    return et_world_skill(v->stage.world)->phases[v->i_phase].name;
}

/* What came of the phase under way. */
static enum et_status note_moment(struct view *v, struct et_err *err)
{
    if (v->n_moments == MOMENTS_MAX)
        return ET_OK;
    struct moment *moment = &v->moments[v->n_moments++];
    *moment = (struct moment){.phase = phase_name(v),
                              .t_s = v->t_s,
                              .n_retries = et_trainer_state(v->stage.trainer).n_retries};
    if (v->is_film)
        return ET_OK;
    const enum et_status st = keep_picture(v, v->eye.scene, &moment->scene, err);
    return st == ET_OK ? keep_picture(v, v->eye.head, &moment->head, err) : st;
}

static enum et_status begin(void *ctx, struct et_err *err)
{
    struct view *v = ctx;
    (void)err;
    v->i_phase = et_trainer_state(v->stage.trainer).i_phase;
    return ET_OK;
}

/* A moment is kept when the trainer has left its phase: what came of it is seen then. */
static enum et_status watch(void *ctx, struct et_err *err)
{
    struct view *v = ctx;
    const size_t i_phase = et_trainer_state(v->stage.trainer).i_phase;
    enum et_status st = i_phase != v->i_phase ? note_moment(v, err) : ET_OK;
    v->i_phase = i_phase;
    v->t_s = seconds(v);
    if (st == ET_OK && v->is_film)
        st = cli_film_show(&v->film, phase_name(v), err);
    (void)cli_progress_show(&v->progress, (int64_t)v->t_s,
                            (int64_t)et_world_skill(v->stage.world)->limit_s, 0);
    return st;
}

static enum et_status play(struct view *v, struct et_err *err)
{
    const struct cli_world_watch watcher = {.begin = begin, .after_step = watch, .ctx = v};
    struct cli_world_result result;
    cli_progress_open(&v->progress, v->args, v->args->words[0], "s",
                      (int64_t)et_world_skill(v->stage.world)->limit_s);
    const enum et_status st =
        cli_world_play(&v->stage, v->options.seed, v->options.tier, &watcher, &result, err);
    cli_progress_close(&v->progress);
    if (st != ET_OK)
        return st;
    if (result.is_lost)
        return et_fail(err, ET_ECORRUPT, -1, "%s", result.problem);
    v->is_done = result.is_success;
    v->missing = result.missing;
    v->has_given_up = et_trainer_state(v->stage.trainer).has_given_up;
    return note_moment(v, err);
}

/* ---- the sheet ---- */

static size_t columns_of(size_t n)
{
    const size_t n_rows = (n + COLUMNS_MAX - 1) / COLUMNS_MAX;
    return n_rows ? (n + n_rows - 1) / n_rows : 1; // rows of nearly the same length
}

// Tiles of `n_high` pictures, one below the other, and a text.
static enum et_status write_sheet(struct view *v, size_t n_high, const char *path,
                                  struct et_err *err)
{
    const size_t n = v->n_moments, n_columns = columns_of(n);
    const size_t n_rows = (n + n_columns - 1) / n_columns;
    const size_t width = v->eye.width, height = v->eye.height;
    const size_t wide = width + GAP_PX, high = n_high * (height + GAP_PX / 2) + LINE_PX;
    struct cli_sheet sheet;
    const enum et_status st =
        cli_sheet_make(&sheet, n_columns * wide + GAP_PX, n_rows * high + GAP_PX, v->arena, err);
    if (st != ET_OK)
        return st;
    for (size_t i = 0; i < n; i++) {
        const struct moment *m = &v->moments[i];
        const size_t x = GAP_PX + i % n_columns * wide, y = GAP_PX + i / n_columns * high;
        const uint8_t *pictures[2] = {m->scene, m->head};
        for (size_t k = 0; k < n_high; k++)
            if (pictures[k])
                cli_sheet_put(&sheet, x, y + k * (height + GAP_PX / 2), pictures[k], width, height);
        cli_sheet_text(&sheet, x, y + high - LINE_PX, m->phase);
    }
    return cli_sheet_write(&sheet, path, err);
}

/* ---- one skill ---- */

static enum et_status view_skill(struct view *v, const char *path, bool is_film, struct et_err *err)
{
    v->options.world.skill = v->args->words[0];
    enum et_status st = cli_world_open(&v->stage, &v->options.world, v->options.style, err);
    v->is_film = is_film;
    if (st == ET_OK)
        st = is_film ? cli_film_open(&v->film, v->stage.world, path, v->eye.width, v->eye.height,
                                     v->arena, err)
                     : cli_eye_open(&v->eye, v->stage.world, v->arena, err);
    if (st == ET_OK)
        st = play(v, err);
    if (st != ET_OK)
        return st;
    return is_film ? cli_film_finish(&v->film, err)
                   : write_sheet(v, v->eye.head == CLI_NO_CAMERA ? 1 : 2, path, err);
}

/* ---- all scenarios ---- */

static bool is_seen(const struct view *v, const char *scenario)
{
    for (size_t i = 0; i < v->n_moments; i++)
        if (strcmp(v->moments[i].phase, scenario) == 0)
            return true;
    return false;
}

static enum et_status view_scenario(struct view *v, const struct et_skill *skill,
                                    struct et_err *err)
{
    cli_eye_close(&v->eye);
    cli_world_close(&v->stage);
    v->options.world.skill = skill->id;
    enum et_status st = et_world_open(&v->stage.world, &v->options.world, err);
    if (st == ET_OK)
        st = et_world_reset(v->stage.world, 1, ET_TIER_CONTROLLED, err);
    if (st == ET_OK)
        st = cli_eye_open(&v->eye, v->stage.world, v->arena, err);
    if (st != ET_OK)
        return st;
    struct moment *moment = &v->moments[v->n_moments++];
    *moment = (struct moment){.phase = skill->scenario};
    return keep_picture(v, v->eye.scene, &moment->scene, err);
}

static int by_name(const void *a, const void *b)
{
    const struct moment *one = a, *other = b;
    return strcmp(one->phase, other->phase);
}

// Each by the first of its skills.
static enum et_status view_scenarios(struct view *v, const char *path, struct et_err *err)
{
    const struct et_share_file *files;
    size_t n_files;
    enum et_status st = et_skill_list(v->arena, &files, &n_files, err);
    for (size_t i = 0; st == ET_OK && i < n_files && v->n_moments < MOMENTS_MAX; i++) {
        const struct et_skill *skill;
        if (cli_is_interrupted())
            return et_fail(err, ET_ECANCELLED, -1, "interrupted");
        st = et_skill_load(files[i].id, v->arena, &skill, err);
        if (st == ET_OK && !is_seen(v, skill->scenario))
            st = view_scenario(v, skill, err);
    }
    qsort(v->moments, v->n_moments, sizeof v->moments[0], by_name);
    return st == ET_OK ? write_sheet(v, 1, path, err) : st;
}

/* ---- what it says ---- */

static int print_moments(const struct view *v, const char *path)
{
    struct cli_table table;
    if (v->stage.trainer) {
        cli_table_open(&table, v->arena, "phase|>until|>retries");
        for (size_t i = 0; i < v->n_moments; i++) {
            cli_cell(&table, "%s", v->moments[i].phase);
            cli_cell(&table, "%.2f s", v->moments[i].t_s);
            cli_cell(&table, "%d", v->moments[i].n_retries);
        }
        cli_table_print(&table);
        if (v->is_done)
            printf("done\n");
        else
            printf("not done%s: %s\n", v->has_given_up ? ", given up" : "",
                   v->missing ? v->missing : "");
    }
    printf("%s\n", path);
    return CLI_DONE;
}

static int json_moments(const struct view *v, const char *path)
{
    struct cli_json json;
    cli_json_open(&json, "world-view");
    et_json_put_text(&json.w, "path", path);
    if (v->stage.trainer)
        et_json_put_bool(&json.w, "is_done", v->is_done);
    et_json_key(&json.w, v->stage.trainer ? "phases" : "scenarios");
    et_json_open_list(&json.w);
    for (size_t i = 0; i < v->n_moments; i++) {
        et_json_open_map(&json.w);
        et_json_put_text(&json.w, "name", v->moments[i].phase);
        if (v->stage.trainer) {
            et_json_put_real(&json.w, "until_s", v->moments[i].t_s);
            et_json_put_int(&json.w, "retries", v->moments[i].n_retries);
        }
        et_json_close_map(&json.w);
    }
    et_json_close_list(&json.w);
    return cli_json_print(&json, v->args);
}

/* ---- the command ---- */

static int take_size(struct view *v, bool is_film)
{
    int width = is_film ? 640 : 320, height = is_film ? 480 : 240;
    const int code = cli_world_size(v->args, &width, &height);
    const int most = ET_WORLD_CAMERA_SIDE_MAX / LARGER;
    v->eye.larger = is_film || width > most || height > most ? 1 : LARGER;
    v->eye.width = (size_t)width;
    v->eye.height = (size_t)height;
    return code;
}

/* The one file that is asked for, by the name of what it will be; NULL after a message. */
static const char *take_path(const struct cli_args *args)
{
    const char *png = cli_get(args, "png"), *mp4 = cli_get(args, "mp4");
    const bool is_of_scenarios = cli_has(args, "scenarios");
    if (is_of_scenarios ? args->n_words || !png || mp4 : args->n_words != 1 || (!png && !mp4)) {
        cli_problem(args, "name a skill and --png FILE or --mp4 FILE, or --scenarios --png FILE");
        return NULL;
    }
    if (png && mp4) {
        cli_problem(args, "--png draws a sheet, --mp4 a film: take one at a time");
        return NULL;
    }
    return png ? png : mp4;
}

/* Draws into `part`, which goes when that fails. */
static int draw(struct view *v, const char *path, const char *part)
{
    struct et_err err = {0};
    const struct cli_args *args = v->args;
    enum et_status st = et_path_remove(part, &err); // of a run that was killed
    if (st == ET_OK)
        st = cli_has(args, "scenarios") ? view_scenarios(v, part, &err)
                                        : view_skill(v, part, cli_has(args, "mp4"), &err);
    if (st == ET_OK)
        st = et_file_rename(part, path, &err);
    if (st == ET_OK)
        return CLI_DONE;
    cli_film_close(&v->film);
    const enum et_status gone = et_path_remove(part, NULL);
    (void)gone; // what failed first is told
    cli_name_as_asked(&err, part);
    if (st != ET_ECANCELLED)
        return cli_fail(args, &err);
    cli_problem(args, "interrupted at %.1f s: %s is not written", v->t_s, path);
    return CLI_INTERRUPTED;
}

static int run(struct view *v)
{
    const struct cli_args *args = v->args;
    struct cli_output output;
    const char *path = take_path(args);
    const char *suffix = cli_has(args, "png") ? ".png" : ".mp4";
    int code = path ? cli_check_place(args, path, suffix, v->arena) : CLI_USAGE;
    if (code == CLI_DONE)
        code = take_size(v, cli_has(args, "mp4"));
    if (code == CLI_DONE)
        code = cli_world_options(args, 0, v->arena, &v->options);
    if (code == CLI_DONE)
        code = cli_output_open(args, path, v->arena, &output);
    if (code != CLI_DONE)
        return code;
    const char *part = et_arena_printf(v->arena, "%s" ET_FILE_PART_SUFFIX, path);
    if (!part)
        return cli_fail(args, &(struct et_err){.status = ET_ENOMEM});
    cli_catch();
    code = draw(v, path, part);
    if (code != CLI_DONE)
        return code;
    return args->is_json ? json_moments(v, path) : print_moments(v, path);
}

int cmd_world_view(const struct cli_args *args)
{
    struct et_err err = {0};
    struct view view = {.args = args};
    if (et_arena_open(&view.arena, ARENA_BYTES, &err) != ET_OK)
        return cli_fail(args, &err);
    const int code = run(&view);
    cli_film_close(&view.film);
    cli_eye_close(&view.eye);
    cli_world_close(&view.stage);
    et_arena_close(view.arena);
    return code;
}
