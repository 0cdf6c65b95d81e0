/* Keys at a station: the emergency stop is done where it is read, whatever the others wait for. */
#include "cli_live.h"

#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* What moves is stopped, or let go, at once; all other keys are left. */
static bool is_for_robot(const struct cli_live_keys *k, int key)
{
    if (key == 'x' || key == 'r')
        et_live_mark(k->live, key == 'x' ? "emergency" : "release", "keyboard", NULL);
    return key == 'x' || key == 'r';
}

static void leave(struct cli_live_keys *k, int key)
{
    (void)pthread_mutex_lock(&k->lock);
    if (k->n < CLI_KEYS_MAX) // more than anybody meant
        k->left[k->n++] = (unsigned char)key;
    (void)pthread_mutex_unlock(&k->lock);
}

static void *read_keys(void *arg)
{
    struct cli_live_keys *k = arg;
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = k->stop_fd, .events = POLLIN}};
    while (!fds[1].revents) {
        if (poll(fds, 2, -1) < 0)
            continue; // a signal: the main thread sees to it
        const int key = fds[0].revents ? cli_keys_next(&k->keys) : 0;
        if (key && !is_for_robot(k, key))
            leave(k, key);
        if (!key && fds[0].revents)
            fds[0].fd = -1; // the terminal is gone
    }
    return NULL;
}

void cli_live_keys_open(struct cli_live_keys *k, struct et_live *live)
{
    *k = (struct cli_live_keys){.live = live, .stop_fd = -1};
    cli_keys_open(&k->keys);
    if (!k->keys.is_on)
        return;
    (void)pthread_mutex_init(&k->lock, NULL);
    k->stop_fd = eventfd(0, EFD_CLOEXEC);
    k->has_thread = k->stop_fd >= 0 && pthread_create(&k->thread, NULL, read_keys, k) == 0;
}

int cli_live_keys_next(struct cli_live_keys *k)
{
    int key = 0;
    if (!k->keys.is_on)
        return 0;
    if (!k->has_thread) { // better late than never
        key = cli_keys_next(&k->keys);
        return is_for_robot(k, key) ? 0 : key;
    }
    (void)pthread_mutex_lock(&k->lock);
    if (k->n > 0) {
        key = k->left[0];
        memmove(k->left, k->left + 1, --k->n);
    }
    (void)pthread_mutex_unlock(&k->lock);
    return key;
}

void cli_live_keys_close(struct cli_live_keys *k)
{
    const uint64_t one = 1;
    if (!k->keys.is_on)
        return;
    if (k->has_thread) {
        const ssize_t n = write(k->stop_fd, &one, sizeof one);
        (void)n; // it has room for one
        (void)pthread_join(k->thread, NULL);
    }
    if (k->stop_fd >= 0)
        (void)close(k->stop_fd);
    (void)pthread_mutex_destroy(&k->lock);
    cli_keys_close(&k->keys);
}
