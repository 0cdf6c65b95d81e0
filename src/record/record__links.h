/* What recordings have of agents' sessions, told in each of their chunks and on the page beside
 * (recorder_link.c), and the folders that they lie in. */
#ifndef RECORD__LINKS_H
#define RECORD__LINKS_H

#include "etude/arena.h"
#include "etude/recorder.h"

#define ET__LINK_TOPIC "/link"
#define ET__LINK_TYPE "etude_msgs/msg/LinkTaken"

void et__link_taken_put(struct et_buf *buf, const struct et_recorded_link *link);
bool et__link_taken_parse(struct et_str bytes, struct et_recorded_link *link);
/* The last word of each session in a finished file. */
ET_MUST_USE enum et_status
et__recorded_links_read(const char *path, struct et_recorded_link links[ET_RECORDING_LINKS_MAX],
                        size_t *n, struct et_err *err);

/* Once in so long all are told again, not only those that went on: with the last word of one, the
 * others are not far. */
#define ET__LINKS_ALL_NS ET_NS_PER_S

/* What a file has of agents' sessions; zeroed: of none. */
struct et__links {
    struct et__link_written {
        struct et_recorded_link link;
        uint64_t n_told;  // of them, as the file says
        int64_t t_put_ns; // of the last sample
    } of[ET_RECORDING_LINKS_MAX];
    size_t n, i_last; // the one that brought the last sample
    int64_t t_all_ns; // when all were told
};
/* A sample of a session was written: its number, and when. */
void et__links_note(struct et__links *links, uint64_t session, uint64_t number, int64_t t_ns);

/* A folder, and those that a recorder makes below it: a year, a month, a day. */
#define ET__FOLDER_DEPTH_MAX 4
struct et__folder {
    const struct et__folder *next;
    const char *path;
    int depth;
};
/* Puts the folder before the others where it is one of those; *todo is the next one to look into.
 */
ET_MUST_USE enum et_status et__folder_below(struct et_arena *arena, const struct et__folder *above,
                                            const char *name, const struct et__folder **todo,
                                            struct et_err *err);

#endif
