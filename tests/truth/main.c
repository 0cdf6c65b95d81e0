/* Writes recordings of which everything is known, for tests and tables of clocks, cutting and
 * contact; see doc/truth-recordings.md.
 *
 *     truth_recordings OUT --magnitude 1|2|3 [--seconds 60] [--seed N] [--data FOLDER]
 *                      [--only kuavo|unitree|ros2] */
#include "truth.h"

#include "etude/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wish {
    const char *folder, *data, *only;
    int magnitude;
    double seconds;
    uint64_t seed;
};

static int usage(void)
{
    fputs("usage: truth_recordings OUT --magnitude 1|2|3 [--seconds 60] [--seed N]\n"
          "                        [--data ../shared/data] [--only kuavo|unitree|ros2]\n",
          stderr);
    return 2;
}

static bool parse(int argc, char **argv, struct wish *wish)
{
    *wish = (struct wish){.data = "../shared/data", .seconds = 60, .seed = 1};
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-') {
            wish->folder = argv[i];
            continue;
        }
        if (i + 1 >= argc)
            return false;
        const char *key = argv[i], *value = argv[++i];
        if (strcmp(key, "--magnitude") == 0)
            wish->magnitude = (int)strtol(value, NULL, 10);
        else if (strcmp(key, "--seconds") == 0)
            wish->seconds = strtod(value, NULL);
        else if (strcmp(key, "--seed") == 0)
            wish->seed = strtoull(value, NULL, 10);
        else if (strcmp(key, "--data") == 0)
            wish->data = value;
        else if (strcmp(key, "--only") == 0)
            wish->only = value;
        else
            return false;
    }
    return wish->folder && wish->magnitude >= 1 && wish->magnitude <= 3 && wish->seconds >= 5 &&
           wish->seconds <= 3600;
}

static bool is_wanted(const struct wish *wish, const char *name)
{
    return !wish->only || strcmp(wish->only, name) == 0;
}

int main(int argc, char **argv)
{
    struct wish wish;
    struct et_err err = {0};
    if (!parse(argc, argv, &wish))
        return usage();
    if (et_dir_make(wish.folder, &err) != ET_OK) {
        fprintf(stderr, "truth_recordings: %s\n", err.text);
        return 3;
    }
    static const double FORCE_N[] = {3, 8, 15};
    static const char *const NAMES[] = {"kuavo", "unitree", "ros2"};
    bool is_fine = true;
    for (size_t k = 0; is_fine && k < 3; k++) {
        if (!is_wanted(&wish, NAMES[k]))
            continue;
        // Each recording shows other demonstrations.
        const uint64_t seed = wish.seed * 10 + k;
        struct motion motion;
        motion_make(&motion, wish.seconds, seed, k == 2, wish.data);
        pushes_plan(&motion, FORCE_N[wish.magnitude - 1], seed);
        if (k == 0)
            is_fine = make_kuavo(&motion, wish.magnitude, seed, wish.folder, wish.data);
        else if (k == 1)
            is_fine = make_unitree(&motion, wish.magnitude, seed, wish.folder);
        else
            is_fine = make_ros2(&motion, wish.magnitude, seed, wish.folder);
        motion_free(&motion);
    }
    return is_fine ? 0 : 3;
}
