/* Robots of dds_sim.c, from the side of who hears them: a process to give orders to, and a source
 * that is polled until something has happened. */
#ifndef TESTS_DDS_ROBOTS_H
#define TESTS_DDS_ROBOTS_H

#include "etude/source.h"

#include <stdio.h>
#include <sys/types.h>

#define DDS_WAIT_NS (INT64_C(20) * 1000000000) // for what should take milliseconds

struct robots {
    pid_t pid;
    FILE *orders, *answers;
    unsigned domain; // of this process, so that tests at the same time seldom meet
    char prefix[32]; // of its topics, so that they do no harm where they do
};

/* Starts the program; false: it is not there. ETUDE_BUILD says where it was built. */
bool robots_open(struct robots *robots);
void robots_close(struct robots *robots);

/* Gives an order and waits for it to be done; false: it could not, and why is printed. */
bool robots_do(struct robots *robots, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same in two steps, for orders that take their time. */
void robots_order(struct robots *robots, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
bool robots_answer(struct robots *robots);

/* A source of kind dds on loopback; `more` is YAML behind the settings of the domain ("": none). */
enum et_status robots_hear(const struct robots *robots, const char *more, bool only_look,
                           struct et_feed *feed, struct et_source **source, struct et_err *err);

#endif
