/* What the commands of live streams share: the view of a station at work. */
#ifndef CLI_CLI_LIVE_H
#define CLI_CLI_LIVE_H

#include "cli.h"

#include "etude/foxglove.h"
#include "etude/link.h"
#include "etude/live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <termios.h>

/* Keys as they are pressed, where standard input is a terminal; elsewhere there are none. */
struct cli_keys {
    bool is_on;
    struct termios terminal; // as it was
};
void cli_keys_open(struct cli_keys *keys);
int cli_keys_next(const struct cli_keys *keys); // 0: none was pressed
void cli_keys_close(struct cli_keys *keys);

/* Keys at a live station, read on a thread of their own: x and r, the emergency stop and its
 * release, are marks at once, even while the main thread waits for the disk. The others are left
 * for it. */
#define CLI_KEYS_MAX 64
struct cli_live_keys {
    struct cli_keys keys;
    struct et_live *live;
    pthread_t thread;
    bool has_thread;
    int stop_fd; // −1: none
    pthread_mutex_t lock;
    unsigned char left[CLI_KEYS_MAX];
    size_t n;
};
void cli_live_keys_open(struct cli_live_keys *keys, struct et_live *live);
int cli_live_keys_next(struct cli_live_keys *keys); // 0: none was pressed
void cli_live_keys_close(struct cli_live_keys *keys);

/* Does what marks ask for (et_live_step) on a thread of its own, until it is told to stop or all
 * sources are over; then it stops the station (et_live_stop). Meanwhile others look on and draw. */
struct cli_live_step {
    struct et_live *live;
    pthread_t thread;
    atomic_bool must_stop, is_done; // set by the caller; by the thread: nothing more comes of it
    _Atomic int64_t t_begin_ns;
    enum et_status st;
    struct et_err err;
};
ET_MUST_USE enum et_status cli_live_step_open(struct cli_live_step *step, struct et_live *live,
                                              struct et_err *err);
int64_t cli_live_step_since_ns(struct cli_live_step *step); // what waits now waits so long; 0: none
/* Waits until it is done. Result as et_live_stop. */
ET_MUST_USE enum et_status cli_live_step_close(struct cli_live_step *step, struct et_err *err);

/* A server's side of TLS: a certificate for this machine's name, made in the folder where it is
 * missing. Who comes is told to trust it. Statuses as et_tls_make, et_tls_open_server. */
ET_MUST_USE enum et_status cli_tls_open(const char *folder, struct et_tls **tls,
                                        struct et_err *err);

/* A Foxglove server as options and a station's file ask for it. Beyond this machine it needs a
 * folder with a certificate, which is made where it is missing, and a token. */
struct cli_foxglove {
    struct et_tls *tls;
    struct et_foxglove *server;              // NULL: none is asked for
    char token[ET_LINK_TOKEN_BYTES_MAX + 1]; // of the option; "": none
};
int cli_foxglove_open(const struct cli_args *args, const struct et_station_foxglove *how,
                      const char *name, size_t feed_bytes, struct cli_foxglove *foxglove);
void cli_foxglove_close(struct cli_foxglove *foxglove);
/* Says what to open in a viewer. */
void cli_foxglove_say(const struct cli_foxglove *foxglove, const struct et_station_foxglove *how);

/* A table that is drawn over itself on a terminal; elsewhere a line now and then. only_listens:
 * nothing is recorded. */
struct cli_live_view;
struct cli_live_view *cli_live_view_open(const struct cli_args *args, struct et_recorder *recorder,
                                         struct et_station *station, struct et_live *live,
                                         const char *name, bool only_listens);
void cli_live_view_show(struct cli_live_view *view); // as often as one likes
/* Since when a recording that begins or ends waits for the disk; 0: none does. */
void cli_live_view_waits(struct cli_live_view *view, int64_t t_since_ns);
/* A message that is to stay: above the table. On any thread. */
void cli_live_view_say(struct cli_live_view *view, const char *text);
void cli_live_view_close(struct cli_live_view *view); // NULL is allowed

/* The next key that was pressed, or 0: the terminal gives keys one by one while a view is open. */
int cli_live_view_key(struct cli_live_view *view);

/* Prints every stream that was heard of: topic, type, rate, bytes; or as JSON. */
int cli_live_list(const struct cli_args *args, struct et_live *live, double seconds,
                  struct et_arena *arena);

/* etude record --selftest: streams that are made up, for a while, and what came of them. */
int cli_record_selftest(const struct cli_args *args);

/* etude record --hub: a station for every agent that connects. */
int cli_record_hub(const struct cli_args *args);

/* The token in a command's --token-file; "": it has none. false, after a message: it is none. */
bool cli_token(const struct cli_args *args, char token[ET_LINK_TOKEN_BYTES_MAX + 1]);

#endif
