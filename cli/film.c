/* Pictures and films of a world. */
#include "film.h"

#include "etude/file.h"

#include <strings.h>

#define GAP_PX 8   // before a text
#define LINE_PX 24 // for a text
#define CORNER 3   // of a film's side
#define FILM_FPS 30
#define FILM_CRF 20
#define FILM_GOP 60

/* ---- one picture ---- */

static size_t find_camera(const struct et_world *world, const char *place)
{
    for (size_t i = 0; i < et_world_n_cameras(world); i++)
        if (strcmp(et_world_camera(world, i), place) == 0)
            return i;
    return CLI_NO_CAMERA;
}

enum et_status cli_eye_open(struct cli_eye *eye, struct et_world *world, struct et_arena *arena,
                            struct et_err *err)
{
    const size_t width = eye->width * eye->larger, height = eye->height * eye->larger;
    const struct et_world_renderer_options options = {width, height, true};
    if (!eye->large)
        eye->large = et_arena_array(arena, width * height, 3);
    if (!eye->large)
        return et_arena_fail(arena, "a picture", err);
    eye->scene = find_camera(world, "scene");
    eye->head = find_camera(world, "head");
    return et_world_renderer_open(&eye->renderer, world, &options, err);
}

enum et_status cli_eye_take(struct cli_eye *eye, size_t camera, uint8_t *rgb, struct et_err *err)
{
    const int width = (int)eye->width, height = (int)eye->height, larger = (int)eye->larger;
    if (larger == 1)
        return et_world_render(eye->renderer, camera, rgb, err);
    const enum et_status st = et_world_render(eye->renderer, camera, eye->large, err);
    return st == ET_OK ? et_video_scale_rgb(eye->large, width * larger, height * larger, rgb, width,
                                            height, err)
                       : st;
}

void cli_eye_close(struct cli_eye *eye)
{
    et_world_renderer_close(eye->renderer);
    eye->renderer = NULL;
}

/* ---- films ---- */

enum et_status cli_film_open(struct cli_film *film, struct et_world *world, const char *path,
                             size_t width, size_t height, struct et_arena *arena,
                             struct et_err *err)
{
    const struct et_video_options options = {.codec = ET_VIDEO_H264,
                                             .width_px = (int)width,
                                             .height_px = (int)(height + LINE_PX),
                                             .fps = FILM_FPS,
                                             .gop = FILM_GOP,
                                             .crf = FILM_CRF};
    *film = (struct cli_film){
        .world = world,
        .eye = {.width = width, .height = height, .larger = 1},
        .corner = {.width = width / CORNER, .height = height / CORNER, .larger = 1}};
    film->inset = et_arena_array(arena, film->corner.width * film->corner.height, 3);
    if (!film->inset)
        return et_arena_fail(arena, "a picture", err);
    enum et_status st = cli_eye_open(&film->eye, world, arena, err);
    if (st == ET_OK)
        st = cli_eye_open(&film->corner, world, arena, err);
    if (st == ET_OK)
        st = cli_sheet_make(&film->frame, width, height + LINE_PX, arena, err);
    return st == ET_OK ? et_video_create(&film->writer, path, &options, err) : st;
}

static enum et_status draw(struct cli_film *film, const char *text, struct et_err *err)
{
    struct cli_eye *eye = &film->eye, *corner = &film->corner;
    enum et_status st = ET_OK;
    if (eye->scene != CLI_NO_CAMERA)
        st = cli_eye_take(eye, eye->scene, film->frame.rgb, err);
    if (st == ET_OK && corner->head != CLI_NO_CAMERA) {
        st = cli_eye_take(corner, corner->head, film->inset, err);
        cli_sheet_put(&film->frame, eye->width - corner->width, 0, film->inset, corner->width,
                      corner->height);
    }
    cli_sheet_clear(&film->frame, eye->height, LINE_PX);
    cli_sheet_text(&film->frame, GAP_PX, eye->height + (LINE_PX - CLI_LETTER_PX) / 2, text);
    return st == ET_OK ? et_video_write_rgb(film->writer, film->frame.rgb, err) : st;
}

enum et_status cli_film_show(struct cli_film *film, const char *text, struct et_err *err)
{
    const double t_s = 1e-9 * (double)et_world_time_ns(film->world);
    enum et_status st = ET_OK;
    while (st == ET_OK && t_s * FILM_FPS >= (double)film->n_frames) {
        film->n_frames++;
        st = draw(film, text, err);
    }
    return st;
}

enum et_status cli_film_finish(struct cli_film *film, struct et_err *err)
{
    struct et_video_writer *writer = film->writer;
    film->writer = NULL;
    return et_video_finish(writer, err);
}

void cli_film_close(struct cli_film *film)
{
    et_video_writer_close(film->writer);
    film->writer = NULL;
    cli_eye_close(&film->eye);
    cli_eye_close(&film->corner);
}

/* ---- where it goes ---- */

int cli_check_place(const struct cli_args *args, const char *path, const char *suffix,
                    struct et_arena *arena)
{
    struct et_err err = {0};
    enum et_path_kind folder_kind, kind;
    const size_t n = strlen(path), n_suffix = strlen(suffix);
    if (n <= n_suffix || strcasecmp(path + n - n_suffix, suffix) != 0) {
        cli_problem(args, "--%s writes a file that ends in %s, not \"%s\"", suffix + 1, suffix,
                    path);
        return CLI_USAGE;
    }
    const char *folder = et_path_dir(arena, path);
    if (!folder)
        return cli_fail(args, &(struct et_err){.status = ET_ENOMEM});
    if (et_path_kind(folder, &folder_kind, &err) != ET_OK ||
        et_path_kind(path, &kind, &err) != ET_OK)
        return cli_fail(args, &err);
    if (folder_kind != ET_PATH_DIR) {
        cli_problem(args, "%s is no folder: make it first", folder);
        return CLI_FAILED;
    }
    if (kind == ET_PATH_DIR) {
        cli_problem(args, "%s is a folder: name a file", path);
        return CLI_FAILED;
    }
    return CLI_DONE;
}

void cli_name_as_asked(struct et_err *err, const char *part)
{
    char *at = strstr(err->text, part);
    if (!at)
        return;
    char *end = at + strlen(part), *cut = end - strlen(ET_FILE_PART_SUFFIX);
    memmove(cut, end, strlen(end) + 1);
}
