/* Two machines' clocks, by pings between them. */
#include "record/record__link.h"

// By how much a second two machines' clocks may drift apart: quartz is good to some 20 ppm each.
#define DRIFT_PPM 50

// How far from the truth what the best ping says may be by now.
static int64_t doubt_ns(const struct et__link_clock *clock, int64_t t_now_ns)
{
    return clock->round_ns / 2 + (t_now_ns - clock->t_server_ns) / (1000000 / DRIFT_PPM);
}

void et__link_clock_learn(struct et__link_clock *clock, const struct et__link_pong *pong,
                          int64_t t_now_ns)
{
    const int64_t round_ns = t_now_ns - pong->t_server_ns;
    if (round_ns < 0 || (clock->is_known && round_ns / 2 > doubt_ns(clock, t_now_ns)))
        return;
    // Both ways are taken to be as long: what they differ by, halved, is what stays unknown.
    clock->is_known = true;
    clock->ahead_ns = pong->t_agent_ns - (pong->t_server_ns + round_ns / 2);
    clock->round_ns = round_ns;
    clock->t_server_ns = t_now_ns;
}

int64_t et__link_clock_translate(const struct et__link_clock *clock, int64_t t_agent_ns,
                                 int64_t t_now_ns)
{
    const int64_t t_ns = clock->is_known ? t_agent_ns - clock->ahead_ns : t_now_ns;
    return t_ns > t_now_ns ? t_now_ns : t_ns == 0 ? -1 : t_ns; // 0 says "now" to a feed
}
