/* Any bytes as an event of a recording that is sent again: what is read of it lies within them. */
#include "record/record__recorder.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require_within(struct et_str text, const char *from, size_t n)
{
    if (text.p < from || text.n > n || (size_t)(text.p - from) > n - text.n)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const char *bytes = (const char *)data;
    struct et__event event;
    if (!et__event_parse((struct et_str){bytes, n}, &event))
        return 0;
    require_within(event.kind, bytes, n);
    require_within(event.source, bytes, n);
    require_within(event.text, bytes, n);
    return 0;
}
