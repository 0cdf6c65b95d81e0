/* Any bytes as an episode.json: an episode, or a sentence why not; what is read can be written, and
 * is the same when it is read again. Its tracks lie beside it, or do not. */
#include "etude/episode_file.h"
#include "etude/file.h"

#include "../episode/episode_made.h"
#include "../support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static const char *folder_of(void)
{
    static const char *folder;
    if (folder)
        return folder;
    folder = temp_path("episode");
    require(et_episode_write(folder, made_episode(), made_facts(), NULL) == ET_OK);
    return folder;
}

static void check(const struct et_episode *e, const struct et_episode_facts *facts, bool has_values)
{
    for (size_t i = 0; i < e->n_tracks; i++) {
        const struct et_track *track = &e->tracks[i];
        require(track->stream.name[0] && !strchr(track->stream.name, '/'));
        for (size_t k = 1; has_values && k < track->n_samples; k++)
            require(track->t_ns[k] >= track->t_ns[k - 1]);
        require(!has_values || track->n_samples == 0 || track->values);
    }
    for (size_t i = 0; i < e->n_videos; i++)
        require(e->videos[i].n_frames >= 0 && e->videos[i].width_px >= 0);
    for (size_t i = 0; i < facts->grade.n_findings; i++)
        require(facts->grade.i_findings[i] < facts->n_findings);
    for (size_t i = 0; i < e->n_remarks; i++)
        require(e->remarks[i].where && e->remarks[i].text);
    (void)et_episode_first_ns(e);
    (void)et_episode_last_ns(e);
}

static void write_again(const struct et_episode *e, const struct et_episode_facts *facts,
                        struct et_arena *arena)
{
    static const char *again;
    struct et_episode other;
    struct et_episode_facts more;
    struct et_err err = {0};
    again = again ? again : temp_path("again");
    const enum et_status st = et_episode_write(again, e, facts, &err);
    require(st == ET_OK || err.text[0]);
    if (st == ET_OK) {
        require(et_episode_read(again, arena, &other, &more, &err) != ET_ECORRUPT);
        require(other.n_tracks == e->n_tracks && other.n_segments == e->n_segments);
    }
    require(et_path_remove(again, NULL) == ET_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char path[4300];
    struct et_arena *arena = NULL;
    struct et_episode episode;
    struct et_episode_facts facts;
    struct et_err err = {0};
    const char *folder = folder_of();
    (void)snprintf(path, sizeof path, "%s/episode.json", folder);
    write_file(path, data, n);
    require(et_arena_open(&arena, (size_t)32 << 20, NULL) == ET_OK);
    enum et_status st = et_episode_read_facts(folder, arena, &episode, &facts, &err);
    if (st == ET_OK)
        check(&episode, &facts, false);
    require(st == ET_OK || err.text[0]);
    st = et_episode_read(folder, arena, &episode, &facts, &err);
    require(st == ET_OK || err.text[0]);
    if (st == ET_OK) {
        check(&episode, &facts, true);
        write_again(&episode, &facts, arena);
    }
    et_arena_close(arena);
    return 0;
}
