/* Fault loops: the n-th call into the system fails, for every n.
 *
 * A program of `fault_tests` is linked with --wrap for the calls listed in tests/meson.build.
 * Inside FOR_EACH_FAULT the body runs again and again: with the first call failing, then with the
 * second …, until a run in which none failed. */
#ifndef TESTS_FAULT_H
#define TESTS_FAULT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Threads may still be on their way out while the next run is prepared.
extern atomic_int fault_at;    // the call that fails, 1-based; 0: none
extern atomic_int fault_count; // calls seen since fault_arm
extern atomic_bool fault_seen; // a call failed in this run

/* Names of calls that may fail, separated by spaces ("write fsync"); NULL: all of them but
 * "getaddrinfo" and "flock", which are done without where they fail. */
extern const char *_Atomic fault_only;

/* Told of what is about to change a file: "pwrite", "fdatasync", "ftruncate" (n: the new size); on
 * the thread that does it; and of "getaddrinfo". NULL: nobody. */
extern void (*fault_watch)(const char *call, int fd, const void *p, size_t n, int64_t at);

void fault_arm(int at); // starts counting; at 0 counts without failing
void fault_disarm(void);

/* Between fault_arm and fault_disarm every wrapped call counts. Typical use:
 *
 *     FOR_EACH_FAULT(at) {
 *         fault_arm(at);
 *         st = call_under_test();
 *         fault_disarm();
 *         CHECK(fault_seen ? st != ET_OK : st == ET_OK);
 *     }
 * The loop ends after the first run in which no call failed. */
#define FAULTS_MAX 20000
#define FOR_EACH_FAULT(at) for (int at = 1; at == 1 || (fault_seen && at < FAULTS_MAX); at++)

#endif
