#include "etude/episode.h"

#include "support.h"
#include "tap.h"

enum { N_ROWS = 4, N_JOINTS = 2 };

static const int64_t TIMES[N_ROWS] = {10, 20, 30, 1000000040};
static const int64_t LATER[N_ROWS] = {15, 25, 35, 2000000010};
static const double STATE[N_ROWS * N_JOINTS] = {0.0, 1.0, 0.1, 1.1, 0.2, 1.2, 0.3, 1.3};
static const double ACTION[N_ROWS * N_JOINTS] = {0.1, 1.1, 0.2, 1.2, 0.3, 1.3, 0.4, 1.4};
static const char *const TASKS[] = {"lift the bottle", "put it down"};

/* An episode of one arm; `tracks` is the caller's so that a test can change it. */
static struct et_episode make_episode(struct et_track tracks[2])
{
    tracks[0] = (struct et_track){
        .stream = {.name = "left_arm.position", .part = ET_PART_LEFT_ARM, .n_values = N_JOINTS},
        .n_samples = N_ROWS,
        .t_ns = TIMES,
        .values = STATE,
    };
    tracks[1] = tracks[0];
    tracks[1].stream.name = "command.left_arm.position";
    tracks[1].stream.is_command = true;
    tracks[1].t_ns = LATER;
    tracks[1].values = ACTION;
    return (struct et_episode){
        .id = "set/7",
        .index = 7,
        .n_rows = N_ROWS,
        .tracks = tracks,
        .n_tracks = 2,
        .tasks = TASKS,
        .n_tasks = 2,
    };
}

static struct et_episode_digest digest_of(const struct et_episode *episode)
{
    struct et_episode_digest digest;
    et_episode_digest(episode, &digest);
    return digest;
}

static void finds_a_track_by_its_name(void)
{
    struct et_track tracks[2];
    const struct et_episode episode = make_episode(tracks);
    CHECK(et_episode_track(&episode, "left_arm.position") == &tracks[0]);
    CHECK(et_episode_track(&episode, "command.left_arm.position") == &tracks[1]);
    CHECK(et_episode_track(&episode, "left_arm") == NULL);
}

static void spans_all_its_tracks(void)
{
    struct et_track tracks[2];
    const struct et_episode episode = make_episode(tracks);
    CHECK_EQ(et_episode_first_ns(&episode), 10);
    CHECK_EQ(et_episode_last_ns(&episode), 2000000010);
    CHECK_NEAR(digest_of(&episode).duration_s, 2.0, 1e-12);
}

static void spans_nothing_without_samples(void)
{
    struct et_track tracks[2];
    struct et_episode episode = make_episode(tracks);
    tracks[0].n_samples = tracks[1].n_samples = 0;
    CHECK_EQ(et_episode_first_ns(&episode), 0);
    CHECK_EQ(et_episode_last_ns(&episode), 0);
    CHECK_NEAR(digest_of(&episode).duration_s, 0, 0);
    episode.n_tracks = 0;
    CHECK_EQ(et_episode_first_ns(&episode), 0);
}

static void measures_times_as_far_apart_as_there_are(void)
{
    static const int64_t extremes[2] = {INT64_MIN, INT64_MAX};
    struct et_track tracks[2];
    struct et_episode episode = make_episode(tracks);
    tracks[0].t_ns = extremes;
    tracks[0].n_samples = 2;
    episode.n_tracks = 1;
    CHECK_NEAR(digest_of(&episode).duration_s, 18446744073.709551615, 1e-3);
}

static void answers_a_command_with_what_was_measured(void)
{
    struct et_track tracks[2];
    const struct et_episode episode = make_episode(tracks);
    CHECK(et_episode_answer(&episode, &tracks[1]) == &tracks[0]);
    CHECK(et_episode_answer(&episode, &tracks[0]) == NULL);

    tracks[0].stream.n_values = 1;
    CHECK(et_episode_answer(&episode, &tracks[1]) == NULL);
    tracks[0].stream.n_values = N_JOINTS;
    tracks[0].stream.name = "right_arm.position";
    CHECK(et_episode_answer(&episode, &tracks[1]) == NULL);
}

static void gives_equal_episodes_equal_digests(void)
{
    struct et_track tracks[2], others[2];
    double copy[N_ROWS * N_JOINTS];
    const struct et_episode episode = make_episode(tracks);
    struct et_episode other = make_episode(others);
    memcpy(copy, STATE, sizeof copy);
    others[0].values = copy;
    other.index = 8;

    const struct et_episode_digest a = digest_of(&episode), b = digest_of(&other);
    CHECK_EQ(a.index, 7);
    CHECK_EQ(b.index, 8);
    CHECK_EQ(a.n_rows, N_ROWS);
    CHECK_EQ(a.content_hash, b.content_hash);
    CHECK_EQ(a.command_hash, b.command_hash);
    CHECK_EQ(a.task_hash, b.task_hash);
    CHECK(a.content_hash != a.command_hash);
}

// What a digest is for: a copy is found on any machine, in any later version. The numbers were made
// by a second implementation of the same chain of XXH3.
static void keeps_its_hashes_from_version_to_version(void)
{
    struct et_track tracks[2];
    const struct et_episode episode = make_episode(tracks);
    const struct et_episode_digest digest = digest_of(&episode);
    CHECK_EQ(digest.content_hash, UINT64_C(0xa37775ec266a4037));
    CHECK_EQ(digest.command_hash, UINT64_C(0xf44c88eb50f0a23e));
    CHECK_EQ(digest.task_hash, UINT64_C(0x0f87e60ec158d33c));
}

static void tells_different_episodes_apart(void)
{
    struct et_track tracks[2], others[2];
    double copy[N_ROWS * N_JOINTS];
    const struct et_episode episode = make_episode(tracks);
    const struct et_episode_digest a = digest_of(&episode);

    memcpy(copy, STATE, sizeof copy);
    copy[5] = 1.2000000000000002;
    struct et_episode other = make_episode(others);
    others[0].values = copy;
    CHECK(digest_of(&other).content_hash != a.content_hash);
    CHECK(digest_of(&other).command_hash == a.command_hash);

    // The same numbers in another shape, and the two tracks' numbers swapped.
    other = make_episode(others);
    others[0].stream.n_values = 4;
    others[0].n_samples = 2;
    CHECK(digest_of(&other).content_hash != a.content_hash);
    other = make_episode(others);
    others[0].values = ACTION;
    others[1].values = STATE;
    CHECK(digest_of(&other).content_hash != a.content_hash);
    CHECK(digest_of(&other).command_hash != a.command_hash);

    other = make_episode(others);
    other.n_tasks = 1;
    CHECK(digest_of(&other).task_hash != a.task_hash);
}

static void hashes_the_source_columns_where_no_track_is_known(void)
{
    struct et_raw_column column = {.path = "state", .n_values = N_JOINTS, .values = STATE};
    struct et_episode episode = {.n_rows = N_ROWS, .columns = &column, .n_columns = 1};
    const uint64_t before = digest_of(&episode).content_hash;
    column.values = ACTION;
    CHECK(digest_of(&episode).content_hash != before);
}

static void counts_absent_videos(void)
{
    const struct et_video_ref videos[3] = {
        {.is_present = true}, {.is_present = false}, {.path = NULL}};
    const struct et_episode episode = {.videos = videos, .n_videos = 3};
    CHECK_EQ(digest_of(&episode).n_videos_absent, 2);
}

int main(void)
{
    RUN(finds_a_track_by_its_name);
    RUN(spans_all_its_tracks);
    RUN(spans_nothing_without_samples);
    RUN(measures_times_as_far_apart_as_there_are);
    RUN(answers_a_command_with_what_was_measured);
    RUN(gives_equal_episodes_equal_digests);
    RUN(keeps_its_hashes_from_version_to_version);
    RUN(tells_different_episodes_apart);
    RUN(hashes_the_source_columns_where_no_track_is_known);
    RUN(counts_absent_videos);
    return tap_end();
}
