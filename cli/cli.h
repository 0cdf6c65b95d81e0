/* What the commands share: the table, the options, and how to speak to a person or a program.
 *
 * Results go to standard output, progress and problems to standard error. Exit codes: 0 done, 1 the
 * answer is no, 2 usage, 3 input/output or data failure, 130 interrupted (128 + SIGINT, as a shell
 * says it; by SIGTERM and SIGHUP, too), 141 nobody
 * reads standard output any more. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "etude/dataset_ops.h"
#include "etude/inspect_report.h"
#include "etude/progress.h"
#include "etude/recording.h"

#include <stdio.h>

enum cli_exit {
    CLI_DONE = 0,
    CLI_NO = 1,
    CLI_USAGE = 2,
    CLI_FAILED = 3,
    CLI_INTERRUPTED = 130,
    CLI_UNHEARD = 141
};

/* An option. arg NULL: a flag; "[ADDRESS]": its value may be left out, and is "" then. choices
 * (NULL-ended) are the only values it takes. */
struct cli_option {
    char letter; // 0: none
    const char *name;
    const char *arg;
    const char *text;
    const char *const *choices;
};

struct cli_args;

/* One command. Usage, help, the manual and completion are made from it. */
struct cli_command {
    const char *name;                 // "dataset build"
    const char *words;                // what stands behind it: "INPUT... -o OUTPUT"
    const char *text;                 // one line, imperative
    const char *about;                // paragraphs for --help and the manual, separated by "\n\n"
    const char *example;              // one line a case, "COMMAND  # what it does"
    size_t n_words_min, n_words_max;  // SIZE_MAX: any number
    const struct cli_option *options; // ends with a name of NULL; the common ones are added
    int (*run)(const struct cli_args *args);
    bool is_path; // its words are paths (for completion)
};

extern const struct cli_command CLI_COMMANDS[];
extern const size_t CLI_N_COMMANDS;
extern const struct cli_option CLI_COMMON[]; // options that every command takes

#define CLI_OPTIONS_MAX 32
struct cli_args {
    const struct cli_command *command;
    const char **words;
    size_t n_words;
    const char *values[CLI_OPTIONS_MAX]; // by the option's place: common ones first; NULL absent
    bool is_json, is_quiet;
    int n_verbose;
};

/* Parses argv behind the command's words; prints what is wrong and returns CLI_USAGE, or CLI_DONE.
 */
int cli_parse(const struct cli_command *command, int argc, const char *const *argv,
              struct cli_args *args);

/* The value of an option of this command ("" for a flag that is set); NULL when it is absent. */
const char *cli_get(const struct cli_args *args, const char *option);
/* Whether the command has such an option at all: for what several commands read. */
bool cli_takes(const struct cli_args *args, const char *option);
static inline bool cli_has(const struct cli_args *args, const char *option)
{
    return cli_get(args, option) != NULL;
}

/* The value as a number within [min, max]; `otherwise` when absent. False, after a message, when it
 * is none. */
bool cli_number(const struct cli_args *args, const char *option, double min, double max,
                double otherwise, double *value);

/* The same of whole numbers, up to 2^53. */
bool cli_whole(const struct cli_args *args, const char *option, int64_t min, int64_t max,
               int64_t otherwise, int64_t *value);

/* Messages on standard error: "etude inspect: text". */
void cli_problem(const struct cli_args *args, const char *fmt, ...) ET_PRINTF(2, 3);

/* Reports err in the command's name and returns the exit code that its status stands for. */
int cli_fail(const struct cli_args *args, const struct et_err *err);

/* What was printed could not be written. A reader that has had enough (| head) is told nothing:
 * 141, as a shell says SIGPIPE. */
#define CLI_UNWRITTEN "cannot write to standard output" // as the text of an error, the same
int cli_unwritten(const struct cli_args *args);

/* "did you mean" for a word among n candidates; NULL when none is near. */
const char *cli_nearest(const char *word, const char *const *candidates, size_t n);

/* ---- output ---- */

/* A table on standard output: heads as in et_page_table_open ("name|>count"), cells added one by
 * one, printed with the columns fitted to the width of the terminal (80 when it is none). */
#define CLI_COLUMNS_MAX 12
struct cli_table {
    struct et_arena *arena;
    const char *heads[CLI_COLUMNS_MAX];
    bool is_right[CLI_COLUMNS_MAX];
    size_t n_columns;
    const char **cells;
    size_t n_cells, cap_cells;
    bool is_broken; // memory ran out: nothing is printed but a word about it
};
void cli_table_open(struct cli_table *table, struct et_arena *arena, const char *heads);
void cli_cell(struct cli_table *table, const char *fmt, ...) ET_PRINTF(2, 3);
void cli_table_print(struct cli_table *table);

/* Number of terminal columns of a UTF-8 text. */
size_t cli_width(const char *text);

/* Prints text wrapped at 79 columns, every line behind `indent` blanks; "\n\n" parts paragraphs. */
void cli_print_wrapped(FILE *to, const char *text, size_t indent);

/* "12.3 MB", "1,234,567". */
#define CLI_TEXT_BYTES 32
const char *cli_bytes_text(double n_bytes, char text[CLI_TEXT_BYTES]);
const char *cli_count_text(int64_t n, char text[CLI_TEXT_BYTES]);
/* What a word has behind it when there are n of it: "" or "s". */
const char *cli_s(uint64_t n);

/* One JSON document on standard output: opens a map with "schema": "etude.<name>/1". */
struct cli_json {
    struct et_buf buf;
    struct et_json_writer w;
};
void cli_json_open(struct cli_json *json, const char *schema);
int cli_json_print(struct cli_json *json, const struct cli_args *args); // closes the map, frees

/* Progress on standard error: a line rewritten on a terminal, a plain line every few seconds
 * elsewhere, nothing with -q. */
struct cli_progress {
    struct et_progress progress;
    int64_t t_shown_ns;
    bool is_terminal, is_off, was_shown;
};
void cli_progress_open(struct cli_progress *p, const struct cli_args *args, const char *title,
                       const char *unit, int64_t n_total);
bool cli_progress_show(void *ctx, int64_t n_done, int64_t n_total, int64_t n_bytes);
void cli_progress_close(struct cli_progress *p);

/* ---- what several commands do ---- */

/* From now on Ctrl-C, and whoever ends the program politely, end what is under way, not the
 * program. */
void cli_catch(void);
bool cli_is_interrupted(void);

/* "0-9,12" into places below n, ascending and each once; NULL text: all (*places NULL). `what` is
 * what they are places of: "row". */
int cli_places(const struct cli_args *args, const char *what, const char *text, int64_t n,
               struct et_arena *arena, int64_t **places, size_t *n_places);
int cli_episodes(const struct cli_args *args, const char *text, int64_t n, struct et_arena *arena,
                 int64_t **places, size_t *n_places);

/* Where an output goes: refused when it exists, unless --force, which writes beside it and replaces
 * it in the end. */
struct cli_output {
    const char *path; // what the user named
    const char *work; // where to write
    bool is_replacing;
};
int cli_output_open(const struct cli_args *args, const char *path, struct et_arena *arena,
                    struct cli_output *output);
int cli_output_finish(const struct cli_args *args, struct et_arena *arena,
                      const struct cli_output *output);

/* A topic of a recording, as its pages list it. */
struct cli_topic {
    struct et_str topic, type, encoding;
    struct et_str device; // who sent it; empty: not said
    int64_t n_messages;   // −1: not known
    double seconds;       // from its first message to its last; 0: not known
};
void cli_print_topics(const struct cli_topic *topics, size_t n, struct et_arena *arena);
void cli_json_topics(struct et_json_writer *w, const struct cli_topic *topics, size_t n);

/* Chooses the recording's profile and says what it makes of it: a table of streams, or the members
 * "profile_id", "streams" and "notes". The profile that the user named must fit, another need not.
 */
int cli_info_profile(const struct cli_args *args, struct et_recording *recording,
                     struct et_arena *arena, struct et_json_writer *w);

/* Devices and how many joints they have, commas between: all; robots, which have joints, that are
 * seen, and their names alone; robots that are not. */
enum cli_devices { CLI_DEVICES_ALL, CLI_ROBOTS_TAKEN, CLI_NAMES_TAKEN, CLI_ROBOTS_OTHER };
void cli_devices_text(const struct et_recorded_device *devices, size_t n, enum cli_devices which,
                      struct et_buf *text);

/* What was said of whose streams they are, on standard error. */
void cli_warn_of_robots(const struct cli_args *args, const struct et_recording *recording);

/* How many values a stream has and their unit, as two cells; empty for pictures and words. */
void cli_stream_cells(struct cli_table *table, const struct et_stream *stream);

/* True for a path that is read as a recording: some format knows it, and it is no dataset. */
bool cli_is_recording(const char *path);

/* The same, and for any other file: opening it as a recording says what is wrong with it. */
bool cli_is_for_recording(const char *path);

/* Recordings that were found, each by itself. */
struct cli_recordings {
    struct et_arena *arena;
    const char **items;
    size_t n, cap;
    size_t n_failed; // folders that could not be read, and were told
};
bool cli_is_one_recording(const char *path);
enum et_status cli_recordings_add(struct cli_recordings *found, const char *path,
                                  struct et_err *err);

/* Adds the recordings under a folder. Folders that cannot be read are told where there are args. */
enum et_status cli_recordings_find(const struct cli_args *args, const char *folder,
                                   struct cli_recordings *found, struct et_err *err);
int cli_info_recordings(const struct cli_args *args, const struct cli_recordings *found,
                        const char *folder);

/* Inspects and grades a whole dataset: what `inspect` prints and `dataset build` decides by. */
struct cli_survey_options {
    const char *profile, *grading; // as the user named them, or NULL
    bool skip_videos;
    const int64_t *episodes; // NULL: all
    size_t n_episodes;
    const struct et_episode_place *places; // curated episodes instead of a dataset; NULL: none
    size_t n_places;
    struct et_inspect_report *report; // NULL: none
    struct et_inspect_report_options report_options;
};

/* Opens a dataset, or folders of curated episodes (those of `places`, or where that is NULL all
 * under the path). */
enum et_status cli_set_open(const char *path, const struct et_episode_place *places,
                            size_t n_places, struct et_arena *arena, struct et_dataset **dataset,
                            struct et_err *err);

struct cli_episode_result {
    int64_t index;
    int64_t n_rows;
    double duration_s;
    struct et_judged judged;
    struct et_latency latency;
    double idle_fraction;
    int64_t n_frames_seen;
};

struct cli_survey {
    struct et_dataset *dataset; // owned
    struct et_arena *arena;     // owned; holds everything below
    struct et_pool *pool;       // owned
    const struct et_grading *grading;
    struct cli_episode_result *episodes;
    size_t n_episodes;
    struct et_findings set_findings;
    size_t n_verdicts[3];
    int64_t n_rows, n_frames_seen, n_bytes;
    int64_t elapsed_ns;
};
int cli_survey_run(const struct cli_args *args, const char *path,
                   const struct cli_survey_options *options, struct cli_survey *survey);
void cli_survey_close(struct cli_survey *survey);

/* Latency over the episodes whose estimate is known: smallest, median, largest, in seconds. */
struct cli_latency_range {
    size_t n_known;
    double min_s, median_s, max_s;
};
struct cli_latency_range cli_survey_latency(struct cli_survey *survey);

/* Table of kinds: how many findings in how many episodes, the worst as an example. */
void cli_print_findings(const struct et_finding *const *findings, const int64_t *episodes, size_t n,
                        bool is_whole, struct et_arena *arena);

// ---- the commands, one file a word ----
int cmd_info(const struct cli_args *args);
int cli_info_mcap(const struct cli_args *args, const char *path, struct et_arena *arena);
int cmd_curate(const struct cli_args *args);
int cli_info_recording(const struct cli_args *args, const char *path, struct et_arena *arena);
int cmd_inspect(const struct cli_args *args);
int cmd_cat(const struct cli_args *args);
int cli_cat_recording(const struct cli_args *args, const char *path, struct et_arena *arena);
int cmd_convert(const struct cli_args *args);
int cmd_dataset_build(const struct cli_args *args);
int cmd_dataset_info(const struct cli_args *args);
int cmd_dataset_verify(const struct cli_args *args);
int cmd_dataset_stats(const struct cli_args *args);
int cmd_dataset_merge(const struct cli_args *args);
int cmd_dataset_split(const struct cli_args *args);
int cmd_dataset_drop(const struct cli_args *args);
int cmd_profile_check(const struct cli_args *args);
int cmd_profile_guess(const struct cli_args *args);
int cmd_profile_list(const struct cli_args *args);
int cmd_grading_check(const struct cli_args *args);
int cmd_mcap_dump(const struct cli_args *args);
int cmd_mcap_from_json(const struct cli_args *args);
int cmd_mcap_check(const struct cli_args *args);
int cmd_mcap_recover(const struct cli_args *args);
int cmd_train(const struct cli_args *args);
int cmd_policy_info(const struct cli_args *args);
int cmd_policy_run(const struct cli_args *args);
int cmd_policy_serve(const struct cli_args *args);
int cmd_policy_export(const struct cli_args *args);
int cmd_policy_import(const struct cli_args *args);
int cmd_exam_list(const struct cli_args *args);
int cmd_exam_design(const struct cli_args *args);
int cmd_exam_run(const struct cli_args *args);
int cmd_exam_resume(const struct cli_args *args);
int cmd_exam_report(const struct cli_args *args);
int cmd_key_new(const struct cli_args *args);
int cmd_key_show(const struct cli_args *args);
int cmd_diploma_sign(const struct cli_args *args);
int cmd_diploma_verify(const struct cli_args *args);
int cmd_diploma_show(const struct cli_args *args);
int cmd_world_list(const struct cli_args *args);
int cmd_world_check(const struct cli_args *args);
int cmd_record(const struct cli_args *args);
int cmd_play(const struct cli_args *args);
int cmd_live(const struct cli_args *args);
int cmd_agent(const struct cli_args *args);
int cmd_world_run(const struct cli_args *args);
int cmd_world_new(const struct cli_args *args);
int cmd_world_view(const struct cli_args *args);
int cmd_help(const struct cli_args *args);
int cmd_manual(const struct cli_args *args);
int cmd_completion(const struct cli_args *args);
int cmd_version(const struct cli_args *args);

/* The help of one command, and of the program, on `to`. */
void cli_print_help(const struct cli_command *command, FILE *to);
void cli_print_usage(FILE *to);

/* What one can do with "dataset", "world" …; false, and nothing is printed: nothing begins so. */
bool cli_print_group(const char *word, FILE *to);

#endif
