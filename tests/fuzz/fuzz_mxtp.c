/* Datagrams of MXTP02, two bytes of length before each: whatever they are, a sample stays within
 * its bounds, and is whole once. */
#include "record/record__mxtp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et__mxtp_sample sample = {0};
    for (size_t at = 0; at + 2 <= n;) {
        const size_t wanted = (size_t)(data[at] | data[at + 1] << 8);
        at += 2;
        const size_t got = wanted < n - at ? wanted : n - at;
        struct et__mxtp_datagram d;
        if (et__mxtp_read(data + at, got, &d)) {
            require(d.payload >= data + at && d.n_payload <= got - 24);
            const bool was_whole = sample.is_whole && sample.counter == d.counter;
            const enum et__mxtp_news news = et__mxtp_join(&sample, &d);
            require(sample.n_items <= ET__MXTP_ITEMS_MAX);
            require(news != ET__MXTP_WHOLE || !was_whole || sample.last > 0);
            const double unit_m = et__mxtp_unit_m(&sample);
            require(unit_m >= 0 && unit_m <= 1);
        }
        char name[ET__SEGMENT_NAME_BYTES];
        for (size_t i = 0; i < sample.n_items; i++) {
            et__segment_name(sample.items[i].a, sample.n_props, name);
            require(strlen(name) > 0);
        }
        at += got;
    }
    return 0;
}
