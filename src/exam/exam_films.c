/* Trials played again, for who wants to see what went wrong. */
#include "etude/exam_card.h"

#include "etude/clock.h"
#include "etude/file.h"
#include "etude/image.h"
#include "etude/video.h"
#include "etude/world_camera.h"
#include "exam/exam__policy.h"
#include "exam/exam__trial.h"

#include <math.h>
#include <string.h>

#define CAMERA "scene"
#define FILM_BYTES_MAX ((size_t)16 << 20)
#define JPEG_QUALITY 80
#define STEPS_A_FRAME ((int64_t)ET_NS_PER_S / ET_EXAM_FILM_FPS / ET_WORLD_STEP_NS)
#define PICTURE_BYTES ((size_t)3 * ET_EXAM_FILM_WIDTH_PX * ET_EXAM_FILM_HEIGHT_PX)

/* ---- which ---- */

static bool is_kind(const struct et_exam_failure *f, const struct et_exam_trial *t)
{
    return t->code == f->code && strcmp(t->phase, f->phase) == 0 &&
           (t->code != ET_EXAM_LIMIT || strcmp(t->detail, f->detail) == 0);
}

static bool has(const struct et_exam_film *films, size_t n, size_t i_trial)
{
    for (size_t i = 0; i < n; i++)
        if (films[i].i_trial == i_trial)
            return true;
    return false;
}

/* The next failure of that kind that is not among them; SIZE_MAX. */
static size_t next_of(const struct et_exam_card *card, size_t i_skill,
                      const struct et_exam_failure *kind, const struct et_exam_film *films,
                      size_t n)
{
    for (size_t i = 0; i < card->n_trials; i++) {
        const struct et_exam_trial *t = &card->trials[i];
        if (t->i_skill == i_skill && is_kind(kind, t) && !has(films, n, i))
            return i;
    }
    return SIZE_MAX;
}

/* The success whose time is nearest to the median. */
static size_t usual_success(const struct et_exam_card *card, size_t i_skill)
{
    const double median = card->parts[i_skill].median_s;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < card->n_trials; i++) {
        const struct et_exam_trial *t = &card->trials[i];
        if (t->i_skill == i_skill && t->code == ET_EXAM_DONE &&
            (best == SIZE_MAX ||
             fabs(t->seconds - median) < fabs(card->trials[best].seconds - median)))
            best = i;
    }
    return best;
}

/* Kinds in turns, until there are enough; behind them a success. `films` has room for n_most + 1
 * more. */
static size_t choose(const struct et_exam_card *card, size_t i_skill, size_t n_most,
                     struct et_exam_film *films, size_t n)
{
    const struct et_exam_card_part *part = &card->parts[i_skill];
    const size_t n_before = n;
    bool found = true;
    while (found && n - n_before < n_most) {
        found = false;
        for (size_t k = 0; k < part->n_failures && n - n_before < n_most; k++) {
            const size_t i = next_of(card, i_skill, &part->failures[k], films, n);
            if (i == SIZE_MAX)
                continue;
            films[n++] = (struct et_exam_film){.i_trial = i};
            found = true;
        }
    }
    const size_t success = usual_success(card, i_skill);
    if (success != SIZE_MAX)
        films[n++] = (struct et_exam_film){.i_trial = success};
    return n;
}

/* ---- filming ---- */

struct filming {
    const struct et_exam_card *card;
    const struct et_exam_film_options *options;
    struct et_stage_options stage;
    struct et_arena *arena;
    struct et__player player;
    struct et_world_renderer *renderer; // of the player's world
    size_t i_skill, i_camera;
    uint8_t *rgb;
    struct et_video_writer *writer; // of the film under way
    int64_t n_steps;
    enum et_status st; // of what was drawn and written
    struct et_err why;
};

static void watch(void *ctx, struct et_world *world)
{
    struct filming *f = ctx;
    (void)world;
    if (f->st != ET_OK || f->n_steps++ % STEPS_A_FRAME != 0)
        return;
    f->st = et_world_render(f->renderer, f->i_camera, f->rgb, &f->why);
    if (f->st == ET_OK)
        f->st = et_video_write_rgb(f->writer, f->rgb, &f->why);
}

static enum et_status open_skill(struct filming *f, size_t i_skill, struct et_err *err)
{
    static const struct et_world_renderer_options SIZE = {.width = ET_EXAM_FILM_WIDTH_PX,
                                                          .height = ET_EXAM_FILM_HEIGHT_PX};
    if (f->renderer && f->i_skill == i_skill)
        return ET_OK;
    et_world_renderer_close(f->renderer);
    f->renderer = NULL;
    enum et_status st = et__player_open(&f->player, f->card->exam, &f->stage, i_skill, err);
    if (st == ET_OK)
        st = et_world_renderer_open(&f->renderer, f->player.stage.world, &SIZE, err);
    if (st != ET_OK)
        return st;
    f->i_skill = i_skill;
    f->i_camera = 0;
    for (size_t i = 0; i < et_world_n_cameras(f->player.stage.world); i++)
        if (strcmp(et_world_camera(f->player.stage.world, i), CAMERA) == 0)
            f->i_camera = i;
    return ET_OK;
}

/* Plays the trial into `path`; its last picture into `still`. */
static enum et_status play(struct filming *f, struct et_exam_film *film, const char *path,
                           const char *still, struct et_err *err)
{
    const struct et_exam_trial *then = &f->card->trials[film->i_trial];
    const struct et_video_options options = {.codec = ET_VIDEO_H264,
                                             .width_px = ET_EXAM_FILM_WIDTH_PX,
                                             .height_px = ET_EXAM_FILM_HEIGHT_PX,
                                             .fps = ET_EXAM_FILM_FPS,
                                             .gop = 5 * ET_EXAM_FILM_FPS,
                                             .crf = 28};
    const struct et_image last = {.width_px = ET_EXAM_FILM_WIDTH_PX,
                                  .height_px = ET_EXAM_FILM_HEIGHT_PX,
                                  .n_channels = 3,
                                  .n_bits = 8,
                                  .pixels = f->rgb};
    struct et_exam_trial now = *then;
    struct et_buf jpeg = et_buf(FILM_BYTES_MAX);
    (void)!et_path_remove(path, NULL); // an earlier one
    enum et_status st = open_skill(f, then->i_skill, err);
    if (st == ET_OK)
        st = et_video_create(&f->writer, path, &options, err);
    if (st != ET_OK)
        return st;
    f->n_steps = 0;
    f->player.watch = watch;
    f->player.ctx = f;
    st = et__trial_play(&f->player, f->card->exam, f->options->is_cancelled, &now, err);
    f->player.watch = NULL;
    if (st == ET_OK) { // how it ended
        f->n_steps = 0;
        watch(f, f->player.stage.world);
        st = f->st == ET_OK ? ET_OK : et_fail(err, f->st, -1, "%s", f->why.text);
    }
    if (st == ET_OK)
        st = et_image_encode_jpeg(&last, JPEG_QUALITY, &jpeg, err);
    if (st == ET_OK)
        st = et_file_replace(still, jpeg.p, jpeg.n, err);
    et_buf_free(&jpeg);
    if (st != ET_OK) {
        et_video_writer_close(f->writer);
        (void)!et_path_remove(path, NULL);
        return st;
    }
    film->is_same =
        memcmp(now.movement.bytes, then->movement.bytes, sizeof now.movement.bytes) == 0;
    return et_video_finish(f->writer, err);
}

static enum et_status film_one(struct filming *f, struct et_exam_film *film, const char *folder,
                               struct et_err *err)
{
    const struct et_exam_trial *t = &f->card->trials[film->i_trial];
    const char *skill = f->card->exam->skills[t->i_skill];
    film->path =
        et_arena_printf(f->arena, "%s/%s-%06llu.mp4", folder, skill, (unsigned long long)t->i);
    const char *still =
        et_arena_printf(f->arena, "%s/%s-%06llu.jpg", folder, skill, (unsigned long long)t->i);
    if (!film->path || !still)
        return et_arena_fail(f->arena, "a film", err);
    enum et_status st = play(f, film, film->path, still, err);
    if (st == ET_OK)
        st = et_file_read(film->path, FILM_BYTES_MAX, f->arena, &film->mp4, err);
    if (st == ET_OK)
        st = et_file_read(still, FILM_BYTES_MAX, f->arena, &film->still, err);
    return st;
}

/* It is the policy that was examined. */
static enum et_status check_policy(const struct et_exam_card *card,
                                   const struct et_stage_options *options, struct et_err *err)
{
    struct et_digest now, then;
    struct et_stage stage;
    if (!card->digest || !et_digest_of_text(et_str(card->digest), &then))
        return et_fail(err, ET_EARG, -1, "the policy is behind a URL: nobody can play it again");
    enum et_status st = et_stage_ask(&stage, options, NULL, err);
    if (st != ET_OK)
        return st;
    st = et__policy_digest(et_policy_info(stage.policy)->path, &now, err);
    et_stage_close(&stage);
    if (st != ET_OK)
        return st;
    return memcmp(now.bytes, then.bytes, sizeof now.bytes) == 0
               ? ET_OK
               : et_fail(err, ET_EARG, -1, "the policy in %.200s is not what was examined",
                         card->policy);
}

static enum et_status film_all(struct filming *f, struct et_exam_film *films, size_t n,
                               struct et_err *err)
{
    const char *folder = et_path_join(f->arena, f->card->folder, "films");
    f->rgb = et_arena_alloc(f->arena, PICTURE_BYTES);
    if (!folder || !f->rgb)
        return et_arena_fail(f->arena, "films", err);
    enum et_status st = et_dir_make(folder, err);
    for (size_t i = 0; st == ET_OK && i < n; i++) {
        if (f->options->tell)
            f->options->tell(f->options->ctx, i, n);
        st = film_one(f, &films[i], folder, err);
    }
    et_world_renderer_close(f->renderer);
    et__player_close(&f->player);
    return st;
}

enum et_status et_exam_films(const struct et_exam_card *card,
                             const struct et_exam_film_options *options, struct et_arena *arena,
                             const struct et_exam_film **films, size_t *n_films, struct et_err *err)
{
    struct filming f = {
        .card = card,
        .options = options,
        .stage = {.policy = card->policy, .how = card->how, .world.robot = card->robot},
        .arena = arena};
    const size_t n_skills = card->exam->n_skills;
    struct et_exam_film *all = et_arena_array(arena, n_skills * (options->n_most + 1), sizeof *all);
    size_t n = 0;
    *films = NULL;
    *n_films = 0;
    if (!all)
        return et_arena_fail(arena, "films", err);
    if (!card->is_over) // what the policy drew from is told in the end
        return et_fail(err, ET_EARG, -1, "the exam is not over");
    enum et_status st = check_policy(card, &f.stage, err);
    if (st != ET_OK)
        return st;
    for (int i = ET_TIER_CLUTTERED; i < ET_N_TIERS; i++)
        f.stage.world.has_litter = f.stage.world.has_litter || card->exam->weights[i] > 0;
    for (size_t i = 0; i < n_skills; i++)
        n = choose(card, i, options->n_most, all, n);
    st = film_all(&f, all, n, err);
    *films = all;
    *n_films = st == ET_OK ? n : 0;
    return st;
}
