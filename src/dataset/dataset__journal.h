/* The journal of a dataset that is being written: meta/etude/journal.jsonl.
 *
 * While a writer works there is no meta/info.json. Every committed episode is one line here, so a
 * folder whose writer was killed is read and repaired from this file alone. Finishing writes all
 * other metadata, meta/info.json as the last of it, and then removes the journal. Therefore:
 *
 *     journal, no info.json    unfinished: open by the journal
 *     journal and info.json    finished but for the removal: open by info.json, with a remark
 *     info.json, no journal    finished
 *
 * Lines. Each is one JSON object and begins with the XXH3 (64 bits, seed 0, 16 lower-case
 * hexadecimal digits) of all that follows the comma, up to and without the line feed:
 *
 *     {"xxh3":"0123456789abcdef","line":"episode",…}\n
 *
 * so that a last line that was cut, or never reached the disk whole, is recognised and left out.
 * Whatever follows the first line that does not hold is not read. The writer appends a line only
 * when the rows' row groups and the frames' fragments that it speaks of are on disk.
 *
 * First line, the spec:
 *     "line": "spec", "version": 1, "layout": "v3.0", "fps": 30, "robot_type": text or null,
 *     "data_file_mb": n, "video_file_mb": n, "video_file_s": x, "chunk_files": n,
 *     "quantile_budget_bytes": n, "row_group_bytes": n (absent: the default), "should_sync": bool,
 *     "video": {…} (the writer's own),
 *     "features": {…} as in info.json, "tasks": [texts taken from the start],
 *     "modality": text of modality.json or null
 *
 * Then, in any mix, one line an episode and one a rejected episode:
 *     "line": "episode", "index": k (0, 1, 2 …), "n_rows": n, "from_index": global first row,
 *     "tasks": [texts], "data": {"chunk": c, "file": f, "group": g, "first_row": r},
 *     "videos": {"<key>": {"chunk": c, "file": f, "from_s": x, "to_s": x, "n_frames": n}, …},
 *     "source_id": text or null, "grade": {…} or null, "findings": [{…}],
 *     "stats": "<base64>"; always the last member
 *
 *     "line": "rejected", "source_id": text or null, "grade": {…} or null, "findings": [{…}]
 *
 * group is the episode's last row group in the data file, its only one unless it has large
 * pictures; first_row is the row there; n_frames is the number of frames in the whole video file
 * after this episode's commit. In v2.1 "chunk" and "file" are the episode's chunk and number,
 * first_row is 0. Stats are records for features (see et__stats_pack): as text, their numbers would
 * take more time than all else of an episode, and so a reader cuts that member off before it parses
 * the line. A task's number is its place among all tasks in the order in which they first appear:
 * the spec's, then each episode's. Members that a reader does not know are ignored. */
#ifndef DATASET_DATASET__JOURNAL_H
#define DATASET_DATASET__JOURNAL_H

#include "etude/json.h"

#define ET__JOURNAL_PATH "meta/etude/journal.jsonl"

/* The profile that a built dataset carries and is read by. */
#define ET__OWN_PROFILE "meta/etude/canonical.yaml"
#define ET__JOURNAL_VERSION 1
#define ET__JOURNAL_LINE_BYTES_MAX ((size_t)64 << 20)

/* Appends the line for a JSON object (its whole text, "{…}", no line feed inside) to buf: seal,
 * rest and line feed. Failures are the buffer's. */
void et__journal_seal(struct et_buf *buf, struct et_str object);

enum et__journal_kind { ET__JOURNAL_SPEC, ET__JOURNAL_EPISODE, ET__JOURNAL_REJECTED };

/* Where one camera's frames of an episode are. */
struct et__journal_video {
    const char *key;
    int64_t chunk, file;
    double from_s, to_s;
    int64_t n_frames; // in the file, after this commit
};

/* One line. Members of other kinds are zero. Texts and trees live in the arena of et__journal_next.
 */
struct et__journal_line {
    enum et__journal_kind kind;
    const struct et_value *value; // the whole line, less the stats
    struct et_str stats;          // base64; valid until the next call
    int64_t at;                   // offset of its first byte in the file
    int64_t end;                  // offset behind its line feed

    int64_t index, n_rows, from_index;
    int64_t data_chunk, data_file, data_group, data_first_row;
    const char *const *tasks; // of an episode, or of the spec
    size_t n_tasks;
    const struct et__journal_video *videos;
    size_t n_videos;
};

struct et__journal;

/* Opens <root>/meta/etude/journal.jsonl. ET_ENOTFOUND: there is none. */
ET_MUST_USE enum et_status et__journal_open(struct et__journal **journal, const char *root,
                                            struct et_err *err);
void et__journal_close(struct et__journal *journal); // NULL is allowed

/* The next line that holds. The first one given is the spec.
 * ET_END: no more; every byte was read, or the rest does not hold (et__journal_is_cut).
 * ET_ECORRUPT: the first line is no spec that we know, or a sealed line lacks what it must have
 * (err->at is the line). ET_ELIMIT: the arena is full, or a line is too long. */
ET_MUST_USE enum et_status et__journal_next(struct et__journal *journal, struct et_arena *arena,
                                            struct et__journal_line *line, struct et_err *err);

/* After ET_END: bytes follow the last line that holds. */
bool et__journal_is_cut(const struct et__journal *journal);

#endif
