/* What is read of one recording before it is compared. */
#ifndef TESTS_COMPARE__DATA_H
#define TESTS_COMPARE__DATA_H

#include "compare.h"

#include "etude/episode_file.h"
#include "etude/json.h"

/* A topic: the streams that share a file of true times, spoken for by the first. */
struct topic {
    const char *name; // of the first stream
    const char *file; // of true times
    const struct et_value *truth;
    size_t n_streams;
    double rate_hz, drift_ppm;
    int64_t latency_ns, min_delay_ns, tick_ns;
    const char *link;
    bool has_clock;
    size_t n;
    const int64_t *true_ns, *arrival_ns; // n, in the file's order
    const struct et_value *clock;        // that was found, of recording.json
    size_t n_matched, n_strangers;       // samples of episodes with and without a true time
};

#define TOPICS_MAX 32
#define FOUND_MAX 256
struct data {
    const char *recording, *folder;         // "kuavo.bag", of the truth
    const struct et_value *truth, *account; // recording.json
    struct topic topics[TOPICS_MAX];
    size_t n_topics;
    struct et_episode episodes[FOUND_MAX];
    struct et_episode_facts facts[FOUND_MAX];
    size_t n_episodes;
    struct et_arena *arena;
    struct truth_table *table;
    struct et_err *err;
};

/* Reads truth, account, episodes, true times and arrivals. */
enum et_status data_read(struct data *data, const char *truth_folder, const char *truth_file,
                         const char *episodes, bool *is_there);

/* The topic of a stream; NULL when the truth has none. */
struct topic *data_topic(struct data *data, const char *stream);

/* The number in the file of the message that arrived then; n when none did. */
size_t topic_find(const struct topic *topic, int64_t arrival_ns);

int64_t get_int(const struct et_value *map, const char *key);
double get_real(const struct et_value *map, const char *key);
const char *get_text(const struct et_value *map, const char *key);

#endif
