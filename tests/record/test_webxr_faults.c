// Whatever call into the system fails while a headset's server opens and works, it is told, and
// nothing is left behind.
#include "../net/net_peer.h"
#include "fault.h"
#include "support.h"
#include "tap.h"
#include "xr_made.h"

#include <unistd.h>

#define ROUNDS 60

static struct et_err err;

static int64_t now_of_test(void *ctx)
{
    (void)ctx;
    return clock_ns;
}

struct rig {
    struct et_arena *arena;
    const struct et_value *settings;
    struct et_feed *feed;
};

static struct rig open_rig(const char *settings)
{
    struct rig rig = {0};
    CHECK_OK(et_arena_open(&rig.arena, 1 << 20, &err));
    CHECK_OK(et_yaml_parse(et_str(settings), NULL, rig.arena, &rig.settings, &err));
    CHECK_OK(et_feed_open(&rig.feed, NULL, &err));
    return rig;
}

static void close_rig(struct rig *rig)
{
    et_feed_close(rig->feed);
    et_arena_close(rig->arena);
}

static enum et_status open_it(const struct rig *rig, struct et_source **source)
{
    const struct et_source_options options = {
        .device = "headset", .settings = rig->settings, .now_ns = now_of_test};
    return et_source_open(source, et_source_kind("webxr"), &options, rig->feed, &err);
}

static void opening_fails_whole(void)
{
    char settings[300];
    (void)snprintf(settings, sizeof settings, "{listen: '127.0.0.1:0', tls: true, state: %s}",
                   temp_path("state"));
    const char *const ALL[] = {"listen: 127.0.0.1:0", settings};
    for (size_t k = 0; k < 2; k++)
        FOR_EACH_FAULT(at)
        {
            struct rig rig = open_rig(ALL[k]);
            struct et_source *source;
            fault_arm(at);
            const enum et_status st = open_it(&rig, &source);
            fault_disarm();
            CHECK(st == ET_OK || (fault_seen && !source));
            et_source_close(source);
            close_rig(&rig);
        }
}

// A page that asks for the WebSocket and sends a frame, byte by byte what a browser would send.
static void speak(const char *address)
{
    static const char UPGRADE[] =
        "GET /xr?as=headset HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const struct xr_made made = xr_frame(1, 5);
    char frame[XR_BYTES + 8] = {(char)0x82, (char)0xfe, (char)(made.n >> 8), (char)made.n};
    memcpy(frame + 8, made.p, made.n); // masked with zeros
    const int fd = peer_open(address);
    if (fd < 0)
        return;
    peer_puts(fd, UPGRADE);
    peer_put(fd, frame, made.n + 8);
    peer_puts(fd, (const char[]){(char)0x81, (char)0x82, 1, 1, 1, 1, '{' ^ 1, '}' ^ 1, 0});
    (void)close(fd);
}

static char address[ET_ADDRESS_BYTES];

static void find_address(struct et_feed *feed)
{
    struct et_feed_sample sample;
    address[0] = 0;
    while (et_feed_next(feed, &sample)) {
        const char *at = memmem(sample.bytes, sample.n_bytes, "http://", 7);
        if (at)
            (void)snprintf(address, sizeof address, "%.*s", (int)strcspn(at + 7, "/"), at + 7);
        et_feed_done(feed);
    }
}

static void at_work_it_goes_on_or_says_why(void)
{
    FOR_EACH_FAULT(at)
    {
        struct rig rig = open_rig("listen: 127.0.0.1:0");
        struct et_source *source;
        int64_t t_next_ns;
        CHECK_OK(open_it(&rig, &source));
        find_address(rig.feed);
        speak(address);
        fault_arm(at);
        enum et_status st = ET_OK;
        for (int i = 0; i < ROUNDS && st == ET_OK; i++) {
            clock_ns += S / 10;
            st = et_source_poll(source, &t_next_ns, &err);
        }
        fault_disarm();
        CHECK(st == ET_OK || (fault_seen && st == ET_EIO));
        et_source_close(source);
        close_rig(&rig);
    }
}

int main(void)
{
    RUN(opening_fails_whole);
    RUN(at_work_it_goes_on_or_says_why);
    return tap_end();
}
