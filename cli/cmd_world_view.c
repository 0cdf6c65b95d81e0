/* etude world view: what a skill looks like, as a sheet of its phases or as a film. */
#include "cli_world.h"

#include "etude/file.h"
#include "etude/video.h"
#include "sheet.h"

#include <stdlib.h>
#include <strings.h>

#define ARENA_BYTES ((size_t)1 << 30)
#define MOMENTS_MAX 64 // phases as they were played, retries too
#define LARGER 2       // pictures of a sheet are drawn so much larger: smooth edges
#define GAP_PX 8       // between tiles
#define LINE_PX 24     // for a text
#define COLUMNS_MAX 5  // of a sheet
#define CORNER 3       // of a film's side
#define FILM_FPS 30
#define FILM_CRF 20
#define FILM_GOP 60
#define NOT_THERE SIZE_MAX

struct moment {
    const char *phase;
    double t_s;
    int n_retries;
    uint8_t *scene, *head; // RGB; NULL where there is no such camera
};

/* What draws pictures of a size. */
struct eye {
    struct et_world_renderer *renderer;
    size_t width, height;
    size_t larger;  // times that it is drawn
    uint8_t *large; // as it is drawn
};

struct view {
    const struct cli_args *args;
    struct et_arena *arena;
    struct cli_world_options options;
    struct cli_world_stage stage; // without a trainer where scenarios are drawn
    struct et_video_writer *film; // NULL: a sheet
    struct eye eye, corner;       // corner: of a film, what the head sees
    size_t scene, head;           // cameras; NOT_THERE
    struct cli_sheet frame;       // of the film
    uint8_t *inset;               // what the head sees, in it
    int64_t n_frames;
    struct cli_progress progress;
    size_t i_phase; // that the last step was of
    double t_s;     // after it
    struct moment moments[MOMENTS_MAX];
    size_t n_moments;
    bool is_done, has_given_up;
    const char *missing; // of the skill's success
};

/* ---- one picture ---- */

static size_t find_camera(const struct et_world *world, const char *place)
{
    for (size_t i = 0; i < et_world_n_cameras(world); i++)
        if (strcmp(et_world_camera(world, i), place) == 0)
            return i;
    return NOT_THERE;
}

static enum et_status open_eye(struct view *v, struct eye *eye, struct et_err *err)
{
    const size_t width = eye->width * eye->larger, height = eye->height * eye->larger;
    const struct et_world_renderer_options options = {width, height, true};
    if (!eye->large)
        eye->large = et_arena_array(v->arena, width * height, 3);
    if (!eye->large)
        return et_arena_fail(v->arena, "a picture", err);
    v->scene = find_camera(v->stage.world, "scene");
    v->head = find_camera(v->stage.world, "head");
    return et_world_renderer_open(&eye->renderer, v->stage.world, &options, err);
}

static enum et_status take_picture(struct eye *eye, size_t camera, uint8_t *rgb, struct et_err *err)
{
    const int width = (int)eye->width, height = (int)eye->height, larger = (int)eye->larger;
    if (larger == 1)
        return et_world_render(eye->renderer, camera, rgb, err);
    const enum et_status st = et_world_render(eye->renderer, camera, eye->large, err);
    return st == ET_OK ? et_video_scale_rgb(eye->large, width * larger, height * larger, rgb, width,
                                            height, err)
                       : st;
}

static enum et_status keep_picture(struct view *v, size_t camera, uint8_t **rgb, struct et_err *err)
{
    *rgb = NULL;
    if (camera == NOT_THERE)
        return ET_OK;
    *rgb = et_arena_array(v->arena, v->eye.width * v->eye.height, 3);
    return *rgb ? take_picture(&v->eye, camera, *rgb, err)
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
    if (v->film)
        return ET_OK;
    const enum et_status st = keep_picture(v, v->scene, &moment->scene, err);
    return st == ET_OK ? keep_picture(v, v->head, &moment->head, err) : st;
}

// The room, what the head sees in a corner of it, and below the phase's name.
static enum et_status draw_frame(struct view *v, struct et_err *err)
{
    const struct eye *eye = &v->eye, *corner = &v->corner;
    enum et_status st = ET_OK;
    if (v->scene != NOT_THERE)
        st = take_picture(&v->eye, v->scene, v->frame.rgb, err);
    if (st == ET_OK && v->head != NOT_THERE) {
        st = take_picture(&v->corner, v->head, v->inset, err);
        cli_sheet_put(&v->frame, eye->width - corner->width, 0, v->inset, corner->width,
                      corner->height);
    }
    cli_sheet_clear(&v->frame, eye->height, LINE_PX);
    cli_sheet_text(&v->frame, GAP_PX, eye->height + (LINE_PX - CLI_LETTER_PX) / 2, phase_name(v));
    return st == ET_OK ? et_video_write_rgb(v->film, v->frame.rgb, err) : st;
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
    while (st == ET_OK && v->film && v->t_s * FILM_FPS >= (double)v->n_frames) {
        v->n_frames++;
        st = draw_frame(v, err);
    }
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

static enum et_status open_film(struct view *v, const char *path, struct et_err *err)
{
    const size_t height = v->eye.height + LINE_PX;
    const struct et_video_options options = {.codec = ET_VIDEO_H264,
                                             .width_px = (int)v->eye.width,
                                             .height_px = (int)height,
                                             .fps = FILM_FPS,
                                             .gop = FILM_GOP,
                                             .crf = FILM_CRF};
    v->corner.larger = v->eye.larger;
    v->corner.width = v->eye.width / CORNER;
    v->corner.height = v->eye.height / CORNER;
    v->inset = et_arena_array(v->arena, v->corner.width * v->corner.height, 3);
    if (!v->inset)
        return et_arena_fail(v->arena, "a picture", err);
    enum et_status st = open_eye(v, &v->corner, err);
    if (st == ET_OK)
        st = cli_sheet_make(&v->frame, v->eye.width, height, v->arena, err);
    return st == ET_OK ? et_video_create(&v->film, path, &options, err) : st;
}

static enum et_status view_skill(struct view *v, const char *path, bool is_film, struct et_err *err)
{
    v->options.world.skill = v->args->words[0];
    enum et_status st = cli_world_open(&v->stage, &v->options.world, v->options.style, err);
    if (st == ET_OK)
        st = open_eye(v, &v->eye, err);
    if (st == ET_OK && is_film)
        st = open_film(v, path, err);
    if (st == ET_OK)
        st = play(v, err);
    if (st != ET_OK)
        return st;
    if (!is_film)
        return write_sheet(v, v->head == NOT_THERE ? 1 : 2, path, err);
    struct et_video_writer *film = v->film;
    v->film = NULL;
    return et_video_finish(film, err);
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
    et_world_renderer_close(v->eye.renderer);
    v->eye.renderer = NULL;
    cli_world_close(&v->stage);
    v->options.world.skill = skill->id;
    enum et_status st = et_world_open(&v->stage.world, &v->options.world, err);
    if (st == ET_OK)
        st = et_world_reset(v->stage.world, 1, ET_TIER_CONTROLLED, err);
    if (st == ET_OK)
        st = open_eye(v, &v->eye, err);
    if (st != ET_OK)
        return st;
    struct moment *moment = &v->moments[v->n_moments++];
    *moment = (struct moment){.phase = skill->scenario};
    return keep_picture(v, v->scene, &moment->scene, err);
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
    const char *path = png ? png : mp4, *suffix = png ? ".png" : ".mp4";
    const size_t n = strlen(path), n_suffix = strlen(suffix);
    if (n <= n_suffix || strcasecmp(path + n - n_suffix, suffix) != 0) {
        cli_problem(args, "--%s writes a file that ends in %s, not \"%s\"", suffix + 1, suffix,
                    path);
        return NULL;
    }
    return path;
}

/* A failure names the file as the user did. */
static void name_as_asked(struct et_err *err, const char *part)
{
    char *at = strstr(err->text, part);
    if (!at)
        return;
    char *end = at + strlen(part), *cut = end - strlen(ET_FILE_PART_SUFFIX);
    memmove(cut, end, strlen(end) + 1);
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
    et_video_writer_close(v->film);
    v->film = NULL;
    const enum et_status gone = et_path_remove(part, NULL);
    (void)gone; // what failed first is told
    name_as_asked(&err, part);
    if (st != ET_ECANCELLED)
        return cli_fail(args, &err);
    cli_problem(args, "interrupted at %.1f s: %s is not written", v->t_s, path);
    return CLI_INTERRUPTED;
}

/* Before anything is played: a file can be where it shall be. */
static int check_place(const struct view *v, const char *path)
{
    struct et_err err = {0};
    enum et_path_kind folder_kind, kind;
    const char *folder = et_path_dir(v->arena, path);
    if (!folder)
        return cli_fail(v->args, &(struct et_err){.status = ET_ENOMEM});
    if (et_path_kind(folder, &folder_kind, &err) != ET_OK ||
        et_path_kind(path, &kind, &err) != ET_OK)
        return cli_fail(v->args, &err);
    if (folder_kind != ET_PATH_DIR) {
        cli_problem(v->args, "%s is no folder: make it first", folder);
        return CLI_FAILED;
    }
    if (kind == ET_PATH_DIR) {
        cli_problem(v->args, "%s is a folder: name a file", path);
        return CLI_FAILED;
    }
    return CLI_DONE;
}

static int run(struct view *v)
{
    const struct cli_args *args = v->args;
    struct cli_output output;
    const char *path = take_path(args);
    int code = path ? take_size(v, cli_has(args, "mp4")) : CLI_USAGE;
    if (code == CLI_DONE)
        code = cli_world_options(args, 0, v->arena, &v->options);
    if (code == CLI_DONE)
        code = cli_output_open(args, path, v->arena, &output);
    if (code != CLI_DONE)
        return code;
    const char *part = et_arena_printf(v->arena, "%s" ET_FILE_PART_SUFFIX, path);
    if (!part)
        return cli_fail(args, &(struct et_err){.status = ET_ENOMEM});
    code = check_place(v, path);
    if (code != CLI_DONE)
        return code;
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
    et_video_writer_close(view.film);
    et_world_renderer_close(view.eye.renderer);
    et_world_renderer_close(view.corner.renderer);
    cli_world_close(&view.stage);
    et_arena_close(view.arena);
    return code;
}
