/* The plan of a build: which canonical values make which feature. */
#ifndef DATASET_DATASET__BUILD_H
#define DATASET_DATASET__BUILD_H

#include "dataset/dataset__ops.h"

/* One number of a feature, and where each pick has it. */
struct et__build_value {
    const char *stream; // "left_arm.position"
    const char *name;   // "left_shoulder_pitch"
    const char *unit;   // of two robots' joints of one name and two units, neither is the other
    int *column;        // of each pick: value of the stream's track; −1: it has none
};

/* A feature of numbers. */
struct et__build_feature {
    const char *name;
    struct et__build_value *values;
    size_t n, cap;
    bool has_gaps; // some pick lacks some value: etude.valid.<name> says which
};

struct et__build_camera {
    const char *stream;  // "head.image", "head.depth"
    const char *feature; // "observation.images.head", "observation.depth.head"
    bool *has;           // of each pick
    bool is_depth;       // 16-bit pictures in the rows, else a video
    int width_px, height_px;
    const char *trouble; // why it is left out; NULL: nothing known
    const char *unread;  // why no picture has said the size so far
};

struct et__build {
    struct et__run run;
    const struct et_build_options *options;
    struct et_arena *arena;
    int fps;
    struct et__build_feature *features;
    size_t n_features, cap_features;
    struct et__build_camera *cameras;
    size_t n_cameras, cap_cameras;
    const char **ages; // streams whose age is stated
    size_t n_ages;
    const char **segments; // names of parts of episodes
    size_t n_segments;
    const char **robots; // ids, where there are several
    size_t n_robots;
    bool has_measured_times;
    struct et_feature *declared; // of the output
    size_t n_declared, cap_declared;
    struct et_dataset_spec spec;
};

ET_MUST_USE enum et_status et__build_plan(struct et__build *build, struct et_err *err);

/* Writes the profile that the dataset at `path` is read by, meta/etude/canonical.yaml: parts,
 * joints with the widest limits of the picks' robots, and a rule for each stream. */
ET_MUST_USE enum et_status et__build_write_profile(const struct et__build *build, const char *path,
                                                   struct et_err *err);

/* Canonical order. */
int et__build_compare_streams(const char *a, const char *b);

/* The stream of a dataset's camera, by its profile or by the feature's own name. */
const char *et__build_camera_stream(const struct et_dataset *dataset, size_t i_feature);

/* Whether a dataset's feature is depth in its rows, 16 bits of millimetres; and the one that has a
 * stream's, NULL when there is none. */
bool et__build_is_stored_depth(const struct et_dataset *dataset, size_t i_feature);
const struct et_feature *et__build_stored_depth(const struct et_dataset *dataset,
                                                const char *stream);

/* Cameras of all picks: those that the output has (build_cameras.c). */
ET_MUST_USE enum et_status et__build_plan_cameras(struct et__build *build, struct et_arena *scratch,
                                                  struct et_err *err);
ET_MUST_USE enum et_status et__build_declare_camera(struct et__build *build,
                                                    const struct et__build_camera *camera,
                                                    struct et_feature *feature, struct et_err *err);

/* Gives rows whose picture cannot be decoded the nearest one that can be, at most
 * ET__SUBSTITUTE_S away, and says so in slot->substitutes. ET_ECORRUPT, in slot->trouble: there is
 * none so near. Every picture of the range is decoded (build_substitute.c). */
#define ET__SUBSTITUTE_S 0.5
ET_MUST_USE enum et_status et__build_substitute(const struct et_frames_range *range,
                                                const int64_t *t_picture_ns, const int64_t *t_ns,
                                                int64_t n_rows, int64_t *frame_of_row,
                                                struct et__slot *slot);

/* Goes to the first picture that can be decoded. ET_ECORRUPT and others: none of the first ones
 * can be. */
ET_MUST_USE enum et_status et__build_first_picture(struct et_frames *frames, int64_t n_frames,
                                                   struct et_image *image, struct et_err *err);

/* The verdict on an item; NULL: it was not judged. */
const struct et_judged *et__build_judged(const struct et__build *build,
                                         const struct et__item *item);

#endif
