/* Pictures and films of a world: what cameras see, drawn at a size. */
#ifndef CLI_FILM_H
#define CLI_FILM_H

#include "cli_world.h"
#include "sheet.h"

#include "etude/video.h"

#define CLI_NO_CAMERA SIZE_MAX

/* What draws pictures of a size. width, height and larger are set before it is opened. */
struct cli_eye {
    size_t width, height;
    size_t larger;      // times that it is drawn: smooth edges
    size_t scene, head; // cameras; CLI_NO_CAMERA
    struct et_world_renderer *renderer;
    uint8_t *large; // as it is drawn
};
ET_MUST_USE enum et_status cli_eye_open(struct cli_eye *eye, struct et_world *world,
                                        struct et_arena *arena, struct et_err *err);
ET_MUST_USE enum et_status cli_eye_take(struct cli_eye *eye, size_t camera, uint8_t *rgb,
                                        struct et_err *err);
void cli_eye_close(struct cli_eye *eye);

/* The room, what the head sees in a corner of it, and below a text; 30 pictures a second. On one
 * thread. */
struct cli_film {
    struct et_world *world;
    struct et_video_writer *writer; // NULL: it is not open
    struct cli_eye eye, corner;
    struct cli_sheet frame;
    uint8_t *inset; // what the head sees, in it
    int64_t n_frames;
};
ET_MUST_USE enum et_status cli_film_open(struct cli_film *film, struct et_world *world,
                                         const char *path, size_t width, size_t height,
                                         struct et_arena *arena, struct et_err *err);
/* The pictures that are due by the world's time. */
ET_MUST_USE enum et_status cli_film_show(struct cli_film *film, const char *text,
                                         struct et_err *err);
ET_MUST_USE enum et_status cli_film_finish(struct cli_film *film, struct et_err *err);
void cli_film_close(struct cli_film *film); // also one that was never opened

/* Before anything is played: whether a file that ends in `suffix` can be where it shall be. Prints
 * what is wrong. */
int cli_check_place(const struct cli_args *args, const char *path, const char *suffix,
                    struct et_arena *arena);
/* A failure names the file as the user did, not as it is called until it is whole. */
void cli_name_as_asked(struct et_err *err, const char *part);

#endif
