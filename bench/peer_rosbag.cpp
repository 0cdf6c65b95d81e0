// Reads a ROS 1 bag through Debian's librosbag-storage in the order of time, into a buffer that is
// used again and again, and adds up every message's bytes. Prints: messages, sum, CPU seconds,
// seconds by the clock.
//
// usage: peer_rosbag BAG
#include <rosbag/bag.h>
#include <rosbag/view.h>

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <exception>
#include <vector>

static double seconds(clockid_t clock)
{
    timespec t;
    clock_gettime(clock, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

static uint64_t sum_of(const uint8_t *p, size_t n)
{
    uint64_t sum = 0, word;
    for (; n >= 8; p += 8, n -= 8) {
        std::memcpy(&word, p, 8);
        sum += word;
    }
    while (n > 0)
        sum += p[--n];
    return sum;
}

int main(int argc, char **argv)
try {
    if (argc != 2)
        return 2;
    const double cpu_s = seconds(CLOCK_PROCESS_CPUTIME_ID), clock_s = seconds(CLOCK_MONOTONIC);
    uint64_t n = 0, sum = 0;
    std::vector<uint8_t> data;
    {
        rosbag::Bag bag(argv[1], rosbag::bagmode::Read);
        rosbag::View view(bag);
        for (const rosbag::MessageInstance &m : view) {
            data.resize(m.size());
            ros::serialization::OStream stream(data.data(), uint32_t(data.size()));
            m.write(stream);
            sum += sum_of(data.data(), data.size()) + m.getTime().toNSec();
            n++;
        }
    }
    std::printf("%" PRIu64 " %" PRIu64 " %.9f %.9f\n", n, sum,
                seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_s, seconds(CLOCK_MONOTONIC) - clock_s);
    return 0;
} catch (const std::exception &e) {
    std::fprintf(stderr, "peer_rosbag: %s\n", e.what());
    return 1;
}
