/* A packet of OSC: whatever it is, what is given lies within it, and the walk ends. */
#include "record/record__osc.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static bool lies_within(struct et_str text, const uint8_t *data, size_t n)
{
    const uint8_t *p = (const uint8_t *)text.p;
    return !p || (p >= data && p <= data + n && text.n <= n - (size_t)(p - data));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct et__osc osc;
    struct et__osc_message m;
    size_t n_messages = 0;
    et__osc_begin(&osc, data, n);
    while (et__osc_next(&osc, &m)) {
        require(++n_messages <= n && m.n_args <= ET__OSC_ARGS_MAX);
        require(lies_within(m.address, data, n) && m.address.p[0] == '/');
        for (size_t i = 0; i < m.n_args; i++)
            require(lies_within(m.args[i].text, data, n));
        (void)et__osc_has(&m, "sfffffff");
    }
    require(!et__osc_next(&osc, &m) && osc.n_bad <= n + 1);
    return 0;
}
