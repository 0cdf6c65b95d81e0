/* Sources without a device: kinds that tests give what they look at (tell, deadman). */
#ifndef TESTS_MADE_SOURCE_H
#define TESTS_MADE_SOURCE_H

#include "etude/source.h"

#include <stdatomic.h>

extern atomic_bool made_is_closed;   // one was, since it was set to false
extern _Atomic int64_t made_poll_ns; // from poll to poll; 0: never again

extern const struct et_schema made_settings; // any
/* Its feed is its state; says "at home" where it listens, and is live. */
enum et_status made_open(void **self, const struct et_source_options *options, struct et_feed *feed,
                         struct et_err *err);
int made_fd(void *self);
enum et_status made_poll(void *self, int64_t *t_next_ns, struct et_err *err);
enum et_source_state made_state(void *self);
void made_close(void *self);

// What a kind of that name begins with.
#define MADE_SOURCE(kind_name)                                                          \
    .name = (kind_name), .text = "made", .settings = &made_settings, .open = made_open, \
    .fd = made_fd, .poll = made_poll, .state = made_state, .close = made_close

#endif
