/* Clocks: int64_t nanoseconds inside, text at the edge.
 *
 * Nothing that is written into a data set takes its time from here: outputs do not depend on when
 * they were made. Clocks serve progress, measurements and logs.
 *
 * Threads: any. */
#ifndef ETUDE_CLOCK_H
#define ETUDE_CLOCK_H

#include "etude/status.h"

#include <stddef.h>

#define ET_NS_PER_S INT64_C(1000000000)

ET_API int64_t et_clock_monotonic_ns(void); // never steps back
ET_API int64_t et_clock_real_ns(void);      // since 1970-01-01T00:00:00Z
ET_API int64_t et_clock_cpu_ns(void);       // CPU time of this process, all threads
ET_API int64_t et_clock_thread_cpu_ns(void);

/* Returns when et_clock_monotonic_ns has reached t_ns, at once if it has; sooner when a signal is
 * caught. */
ET_API void et_clock_wait_until(int64_t t_ns);

/* "2026-11-20T23:31:00.123456789Z"; the fraction is left out when it is 0. */
#define ET_TIME_TEXT_BYTES 40
ET_API void et_time_text(int64_t t_real_ns, char text[ET_TIME_TEXT_BYTES]);

/* "950 ms", "12.3 s", "4 min 05 s", "2 h 03 min": for people. */
ET_API void et_duration_text(int64_t duration_ns, char text[ET_TIME_TEXT_BYTES]);

#endif
