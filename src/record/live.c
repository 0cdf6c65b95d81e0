/* A station at work: the thread that polls its sources, and the runs that marks begin and end. */
#include "etude/live.h"

#include "etude/clock.h"
#include "record/record__recorder.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FEED_BYTES ((size_t)16 << 20)
#define MARKS_MAX 64
#define STOPS_MAX 16
#define WORD_BYTES 32
#define WHO_BYTES 64
#define MARK_TEXT_BYTES 256
#define OUTCOME_BYTES (WORD_BYTES + MARK_TEXT_BYTES + 2)
#define WAIT_NS_MAX ET_NS_PER_S
#define WORDS_NS (ET_NS_PER_S / 2)
#define CERTAIN_NS (ET_NS_PER_S / 10) // from an event's mark to its place in a feed, at most
#define SAFE_TURN_NS 5000000          // from one look at what is safe to the next

struct polled {
    struct et_live *live;
    const struct et_live_source *about;
    struct et_source *source;
    struct et_feed *feed;
    int64_t t_next_ns;
    _Atomic int state; // enum et_source_state
    bool has_failed;   // for good
    bool is_told_busy; // that another's attempt goes on
    // Under the live station's lock: how it says it is, and what keeps its device away.
    char words[ET_SOURCE_WORDS_BYTES], trouble[ET_SOURCE_WORDS_BYTES];
    char told[ET_SOURCE_WORDS_BYTES]; // of its troubles, to the log
};

struct mark {
    struct polled *from; // one that marks itself; NULL: a person
    char word[WORD_BYTES], who[WHO_BYTES], text[MARK_TEXT_BYTES];
};

// An emergency stop, or its release.
struct stop {
    int64_t t_ns;
    bool is_emergency;
    char who[WHO_BYTES];
};

struct et_live {
    const struct et_station_file *file;
    struct et_station *station;
    struct et_live_options options;
    struct et_run run;
    struct polled polled[ET_LIVE_SOURCES_MAX];
    size_t n_polled;
    int wake_fd;
    pthread_t thread;
    bool is_stopped;
    atomic_bool has_thread, must_stop;
    const struct polled *owner; // that began the attempt under way, or else the last one, and
                                // marks itself; NULL: a person did
    bool has_last;              // an attempt ended, and no other was tried since
    char last_word[WORD_BYTES]; // how it was judged; "stop": it was not
    char last_path[ET_RECORDING_PATH_MAX];
    uint64_t n_gone_before; // before the attempt under way, of a session

    pthread_mutex_t lock;         // of what is below
    struct et_live_status status; // which one thread changes, and reads without it
    struct mark marks[MARKS_MAX]; // that et_live_step has not done yet
    size_t n_marks;
    struct et_source_news news;
    uint64_t n_news, n_news_told;
    bool has_untold_stop, must_release; // a release waits until the stop before it was told
    struct stop stops[STOPS_MAX];       // that the next recording is told of
    size_t n_stops;
};

/* ---- marks ---- */

static void copy_text(char *to, size_t cap, struct et_str from)
{
    (void)snprintf(to, cap, "%.*s", ET_STR_ARG(from));
}

// The thread that polls looks around.
static void wake(struct et_live *live)
{
    const uint64_t one = 1;
    const ssize_t n = write(live->wake_fd, &one, sizeof one);
    (void)n; // full: it is awake
}

// The live station's lock is held. The last ones are kept: they say whether it is in force.
static void keep_stop(struct et_live *live, bool is_emergency, struct et_str who)
{
    if (live->n_stops == STOPS_MAX) {
        live->n_stops--;
        memmove(live->stops, live->stops + 1, live->n_stops * sizeof *live->stops);
    }
    struct stop *stop = &live->stops[live->n_stops++];
    *stop = (struct stop){.t_ns = et_clock_monotonic_ns(), .is_emergency = is_emergency};
    copy_text(stop->who, sizeof stop->who, who);
}

/* The live station's lock is held. A stop that sources were not told of yet is not taken back, or
 * they would never hear of it. */
static void change_emergency(struct et_live *live, bool is_emergency)
{
    live->must_release = !is_emergency && live->has_untold_stop;
    if (is_emergency)
        live->has_untold_stop = true;
    live->news.is_emergency = is_emergency || live->must_release;
    live->n_news++;
}

static void add_mark(struct et_live *live, struct polled *from, struct et_str word,
                     struct et_str who, struct et_str text)
{
    const bool is_emergency = et_str_is(word, "emergency");
    (void)pthread_mutex_lock(&live->lock);
    if (live->n_marks < MARKS_MAX) { // what nobody steps for is not kept
        struct mark *mark = &live->marks[live->n_marks++];
        mark->from = from;
        copy_text(mark->word, sizeof mark->word, word);
        copy_text(mark->who, sizeof mark->who, who);
        copy_text(mark->text, sizeof mark->text, text);
    }
    if (is_emergency || et_str_is(word, "release")) {
        change_emergency(live, is_emergency);
        keep_stop(live, is_emergency, who);
    }
    (void)pthread_mutex_unlock(&live->lock);
    wake(live);
}

void et_live_mark(struct et_live *live, const char *mark, const char *who, const char *text)
{
    (void)et_station_event(live->station, "mark", who, mark, NULL);
    add_mark(live, NULL, et_str(mark), et_str(who), et_str(text));
}

static void say(struct et_live *live, enum et_log_level level, const char *what, const char *text)
{
    et_logf(live->options.log, level, "%s: %s", what, text);
}

// Where a source can be reached is for whoever starts it, too.
static void say_address(const struct polled *polled, struct et_str address)
{
    char text[MARK_TEXT_BYTES];
    copy_text(text, sizeof text, address);
    say(polled->live, ET_LOG_INFO, polled->about->device, text);
}

// Others at the station hear what a source brings, where it brings it on the thread of all.
static void pass_on(struct polled *from, const struct et_feed_sample *sample)
{
    struct et_live *live = from->live;
    if (!atomic_load(&live->has_thread) || !pthread_equal(pthread_self(), live->thread))
        return;
    for (size_t i = 0; i < live->n_polled; i++)
        if (&live->polled[i] != from)
            et_source_hear(live->polled[i].source, et_feed_stream(from->feed, sample->stream),
                           sample);
}

static void set_trouble(struct polled *p, struct et_str text)
{
    (void)pthread_mutex_lock(&p->live->lock);
    copy_text(p->trouble, sizeof p->trouble, text);
    (void)pthread_mutex_unlock(&p->live->lock);
}

// Marks that a source brings, and how its device is.
static void on_put(void *ctx, const struct et_feed_sample *sample)
{
    struct polled *polled = ctx;
    struct et__event event;
    pass_on(polled, sample);
    if (sample->stream != ET_FEED_EVENTS ||
        !et__event_parse((struct et_str){sample->bytes, sample->n_bytes}, &event))
        return;
    if (et_str_is(event.kind, "mark"))
        add_mark(polled->live, polled->about->kind->marks_itself ? polled : NULL, event.text,
                 event.source, (struct et_str){NULL, 0});
    if (et_str_is(event.kind, "source.listening"))
        say_address(polled, event.text);
    if (et_str_is(event.kind, "device.lost"))
        set_trouble(polled, event.text);
    if (et_str_is(event.kind, "device.found"))
        set_trouble(polled, et_str(""));
}

/* A recording is about to end: the stops that are in it for certain. One that comes in this moment
 * may be behind its end. */
static void forget_stops(struct et_live *live)
{
    size_t n = 0;
    const int64_t t_ns = et_clock_monotonic_ns() - CERTAIN_NS;
    (void)pthread_mutex_lock(&live->lock);
    while (n < live->n_stops && live->stops[n].t_ns < t_ns)
        n++;
    live->n_stops -= n;
    memmove(live->stops, live->stops + n, live->n_stops * sizeof *live->stops);
    (void)pthread_mutex_unlock(&live->lock);
}

static enum et_status begin_recording(struct et_live *live, struct et_err *err)
{
    struct stop stops[STOPS_MAX];
    const enum et_status st = et_station_begin(live->station, &live->run, err);
    if (st != ET_OK)
        return st;
    (void)pthread_mutex_lock(&live->lock);
    const size_t n = live->n_stops;
    memcpy(stops, live->stops, n * sizeof *stops);
    live->n_stops = 0;
    (void)pthread_mutex_unlock(&live->lock);
    for (size_t i = 0; i < n; i++) {
        char value[64];
        const double ago_s = (double)(et_clock_monotonic_ns() - stops[i].t_ns) / 1e9;
        (void)snprintf(value, sizeof value, "{\"ago_s\": %.3f}", ago_s);
        (void)et_station_event(live->station, "mark.before", stops[i].who,
                               stops[i].is_emergency ? "emergency" : "release", value);
    }
    return ET_OK;
}

/* ---- whether a recording has it ---- */

static bool is_session(const struct et_live *live)
{
    return live->file->mode == ET_LIVE_SESSION;
}

// Samples that found no room in the station's feeds.
static uint64_t n_without_room(const struct et_live *live)
{
    uint64_t n = 0;
    for (size_t k = 0; k < et_station_n_feeds(live->station); k++) {
        const struct et_feed *feed = et_station_feed_at(live->station, k);
        for (size_t i = 0; i < et_feed_n_streams(feed); i++)
            n += et_feed_counts(feed, i).n_dropped;
    }
    return n;
}

// Those that found it, and that no file took.
static uint64_t n_without_file(const struct et_live *live)
{
    const struct et_station_status s = et_station_status(live->station);
    return s.n_unwritten + s.n_missed;
}

/* Of a session, whose file goes on: what was put until now is on the disk, or it is not written. So
 * nothing is told of an attempt that its recording does not have. */
static enum et_status await_safe(struct et_live *live, struct et_err *err)
{
    const int64_t t_ns = et_clock_monotonic_ns();
    enum et_status st;
    while ((st = et__station_is_safe(live->station, t_ns, err)) == ET_AGAIN)
        et_clock_wait_until(et_clock_monotonic_ns() + SAFE_TURN_NS);
    return st;
}

static void count_unrecorded(struct et_live *live)
{
    (void)pthread_mutex_lock(&live->lock);
    live->status.n_unrecorded++;
    (void)pthread_mutex_unlock(&live->lock);
}

static void count_hole(struct et_live *live, uint64_t n)
{
    char text[MARK_TEXT_BYTES];
    (void)pthread_mutex_lock(&live->lock);
    live->status.n_holed++;
    (void)pthread_mutex_unlock(&live->lock);
    (void)snprintf(text, sizeof text, "the attempt has a hole: %llu sample%s are in no recording",
                   (unsigned long long)n, n == 1 ? "" : "s");
    say(live, ET_LOG_WARN, live->file->name, text);
}

/* ---- attempts ---- */

static void say_attempt(struct et_live *live, const char *what, unsigned i)
{
    char text[32];
    (void)snprintf(text, sizeof text, "attempt %u", i);
    say(live, ET_LOG_INFO, what, text);
}

static enum et_status begin(struct et_live *live, const struct mark *mark, struct et_err *err)
{
    const char *label = live->run.instruction ? live->run.instruction : live->run.skill;
    live->has_last = false; // whatever comes of it: what is said from now on is of this one
    live->owner = mark->from;
    enum et_status st =
        is_session(live) ? et__station_is_safe(live->station, 0, err) : begin_recording(live, err);
    if (st == ET_OK)
        (void)et_station_event(live->station, "episode.begin", mark->who, label, NULL);
    if (st == ET_OK && is_session(live))
        st = await_safe(live, err);
    if (st != ET_OK) {
        count_unrecorded(live);
        return st;
    }
    live->n_gone_before = n_without_room(live) + n_without_file(live);
    (void)pthread_mutex_lock(&live->lock);
    live->status.is_attempt = true;
    live->status.t_attempt_ns = et_clock_monotonic_ns();
    (void)pthread_mutex_unlock(&live->lock);
    if (is_session(live)) // its file was said when it began
        say_attempt(live, "start", live->status.n_done + 1);
    else
        say(live, ET_LOG_INFO, "recording", et_station_status(live->station).path);
    return ET_OK;
}

// What is said of the last attempt stands in place of what was said of it before.
static void count_verdict(struct et_live *live, const char *word)
{
    struct et_live_status *s = &live->status;
    const struct {
        const char *word;
        unsigned *n;
    } COUNTS[] = {{"success", &s->n_success},
                  {"failure", &s->n_failure},
                  {"discard", &s->n_discarded},
                  {"interrupted", &s->n_interrupted}};
    (void)pthread_mutex_lock(&live->lock);
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++) {
        *COUNTS[i].n -= live->has_last && strcmp(live->last_word, COUNTS[i].word) == 0;
        *COUNTS[i].n += strcmp(word, COUNTS[i].word) == 0;
    }
    (void)pthread_mutex_unlock(&live->lock);
    live->has_last = true;
    (void)snprintf(live->last_word, sizeof live->last_word, "%s", word);
}

static void count_end(struct et_live *live, const char *word, bool is_broken)
{
    (void)pthread_mutex_lock(&live->lock);
    live->status.is_attempt = false;
    live->status.n_done++;
    live->status.n_broken += is_broken;
    (void)pthread_mutex_unlock(&live->lock);
    count_verdict(live, word);
    live->has_last = !is_broken;
}

static void count_samples(struct et_live *live)
{
    const struct et_station_status s = et_station_status(live->station);
    (void)pthread_mutex_lock(&live->lock);
    live->status.n_dropped += s.n_dropped;
    live->status.n_lost += s.n_lost;
    (void)pthread_mutex_unlock(&live->lock);
}

static enum et_status end_recording(struct et_live *live, const char *outcome, struct et_err *err)
{
    forget_stops(live);
    const enum et_status st = et_station_end(live->station, outcome, err);
    count_samples(live);
    if (st == ET_OK) { // only now its last file is known
        (void)pthread_mutex_lock(&live->lock);
        (void)snprintf(live->last_path, sizeof live->last_path, "%s",
                       et_station_status(live->station).path);
        live->status.last_path = live->last_path;
        (void)pthread_mutex_unlock(&live->lock);
        say(live, ET_LOG_INFO, outcome ? outcome : "ended", live->last_path);
    }
    return st;
}

static void put_outcome(const struct mark *mark, char outcome[OUTCOME_BYTES])
{
    (void)snprintf(outcome, OUTCOME_BYTES, "%s%s%s", mark->word, mark->text[0] ? ": " : "",
                   mark->text);
}

static const struct mark INTERRUPTED = {.word = "interrupted", .who = "etude"};

static void put_end(struct et_live *live, const struct mark *mark, const char *outcome)
{
    if (outcome)
        (void)et_station_event(live->station, mark->word, mark->who, mark->text, NULL);
    (void)et_station_event(live->station, "episode.end", mark->who, outcome ? outcome : "", NULL);
}

/* Of an attempt whose recording broke off nobody is believed how it went: its end is not there to
 * be seen. So curation finds it, too. */
static enum et_status end(struct et_live *live, const struct mark *mark, struct et_err *err)
{
    char outcome[OUTCOME_BYTES];
    uint64_t n_gone = n_without_room(live);
    const bool is_cut = mark == &INTERRUPTED;
    enum et_status st = et__station_is_safe(live->station, 0, err);
    bool is_broken = st != ET_OK;
    mark = is_broken ? &INTERRUPTED : mark;
    const bool is_judged = strcmp(mark->word, "stop") != 0;
    put_outcome(mark, outcome);
    put_end(live, mark, is_judged ? outcome : NULL);
    if (!is_session(live))
        st = end_recording(live, is_judged ? outcome : NULL, err);
    else if (st == ET_OK && !is_cut) // else the file ends now
        st = await_safe(live, err);
    is_broken = is_broken || st != ET_OK;
    count_end(live, is_broken ? INTERRUPTED.word : mark->word, is_broken);
    if (is_broken)
        say(live, ET_LOG_WARN, live->file->name, "the attempt broke off: it is interrupted");
    n_gone = is_session(live) ? n_gone + n_without_file(live) - live->n_gone_before
                              : et_station_status(live->station).n_dropped;
    if (is_session(live) && !is_broken)
        say_attempt(live, outcome, live->status.n_done);
    if (!is_broken && n_gone > 0)
        count_hole(live, n_gone);
    return st;
}

/* A word of the attempt that ended last: how it went, or that it shall not count. In a session it
 * is in the recording, else on its page. */
static enum et_status judge_last(struct et_live *live, const struct mark *mark, struct et_err *err)
{
    char outcome[OUTCOME_BYTES];
    enum et_status st;
    if (!live->has_last)
        return ET_OK;
    put_outcome(mark, outcome);
    if (is_session(live))
        st = et_station_event(live->station, mark->word, mark->who, mark->text, NULL)
                 ? ET_OK
                 : et_fail(err, ET_ELIMIT, -1, "the mark found no room");
    else if (strcmp(mark->word, "discard") == 0)
        st = et_recording_discard(live->last_path, mark->who, err);
    else
        st = et_recording_judge(live->last_path, outcome, mark->who, err);
    if (st != ET_OK)
        return st;
    count_verdict(live, mark->word);
    say(live, ET_LOG_INFO, outcome, is_session(live) ? "the last attempt" : live->last_path);
    return ET_OK;
}

/* A person's mark is of the attempt under way, whoever began it. What a robot marks itself is not
 * of another one's, which is still at it. */
static bool is_of_attempt(struct et_live *live, const struct mark *mark)
{
    if (!mark->from || !live->owner || live->owner == mark->from)
        return true;
    if (live->status.is_attempt && strcmp(mark->word, "start") == 0 && !mark->from->is_told_busy) {
        mark->from->is_told_busy = true;
        say(live, ET_LOG_WARN, mark->from->about->device,
            "its attempts are not recorded while one of another source goes on");
    }
    return false;
}

static enum et_status obey(struct et_live *live, const struct mark *mark, struct et_err *err)
{
    const bool is_verdict = strcmp(mark->word, "success") == 0 ||
                            strcmp(mark->word, "failure") == 0 ||
                            strcmp(mark->word, "discard") == 0;
    if (live->options.only_listen)
        return ET_OK;
    if (strcmp(mark->word, "start") == 0) {
        enum et_status st = ET_OK;
        if (live->status.is_attempt && !is_of_attempt(live, mark))
            return ET_OK;
        if (live->status.is_attempt) // the one before has no end of its own
            st = end(live, &(struct mark){.word = "stop"}, err);
        // Where the one before could not be ended, this one begins all the same.
        const enum et_status begun = begin(live, mark, st == ET_OK ? err : NULL);
        return st == ET_OK ? begun : st;
    }
    if (!is_verdict && strcmp(mark->word, "stop") != 0)
        return ET_OK; // a mark of the station's own: it is in the recording
    if (!is_of_attempt(live, mark))
        return ET_OK;
    if (live->status.is_attempt)
        return end(live, mark, err);
    return is_verdict ? judge_last(live, mark, err) : ET_OK;
}

// What sources are told: they are on another thread.
static void make_news(struct et_live *live)
{
    const struct et_live_status *s = &live->status;
    (void)pthread_mutex_lock(&live->lock);
    live->news = (struct et_source_news){.is_attempt = s->is_attempt,
                                         .t_begin_ns = s->t_attempt_ns,
                                         .skill = live->run.skill,
                                         .instruction = live->run.instruction,
                                         .n_done = s->n_done,
                                         .n_success = s->n_success,
                                         .n_failure = s->n_failure,
                                         .n_discarded = s->n_discarded,
                                         .deadman = live->news.deadman,
                                         .is_emergency = live->news.is_emergency};
    live->n_news++;
    (void)pthread_mutex_unlock(&live->lock);
    wake(live);
}

/* ---- the thread that polls ---- */

static void fail_source(struct polled *p, const struct et_err *err)
{
    p->has_failed = true;
    set_trouble(p, et_str(err->text));
    copy_text(p->told, sizeof p->told, et_str(err->text));
    atomic_store(&p->state, ET_SOURCE_OVER);
    (void)et_feed_event(p->feed, "source.failed", p->about->device, err->text, NULL);
    say(p->live, ET_LOG_WARN, p->about->device, err->text);
}

static void poll_source(struct polled *p)
{
    struct et_err err = {0};
    const enum et_status st = et_source_poll(p->source, &p->t_next_ns, &err);
    if (st == ET_END)
        atomic_store(&p->state, ET_SOURCE_OVER);
    else if (st != ET_OK)
        fail_source(p, &err);
    else
        atomic_store(&p->state, (int)et_source_state(p->source));
    if (st != ET_OK)
        p->t_next_ns = INT64_MAX;
}

static bool is_over(const struct polled *p)
{
    return atomic_load(&p->state) == ET_SOURCE_OVER;
}

// Held where any robot of the station follows.
static void look_at_deadmen(struct et_live *live)
{
    enum et_source_deadman deadman = ET_SOURCE_DEADMAN_NONE;
    for (size_t i = 0; i < live->n_polled; i++) {
        const enum et_source_deadman one = is_over(&live->polled[i])
                                               ? ET_SOURCE_DEADMAN_NONE
                                               : et_source_deadman(live->polled[i].source);
        deadman = one > deadman ? one : deadman;
    }
    (void)pthread_mutex_lock(&live->lock);
    live->n_news += deadman != live->news.deadman;
    live->news.deadman = deadman;
    (void)pthread_mutex_unlock(&live->lock);
}

static void tell_news(struct et_live *live)
{
    (void)pthread_mutex_lock(&live->lock);
    const struct et_source_news news = live->news;
    const bool is_new = live->n_news != live->n_news_told;
    live->n_news_told = live->n_news;
    live->has_untold_stop = false; // they are about to hear of it
    if (live->must_release) {
        change_emergency(live, false); // they hear of that in the next turn
        wake(live);
    }
    (void)pthread_mutex_unlock(&live->lock);
    for (size_t i = 0; i < live->n_polled && is_new; i++)
        if (!is_over(&live->polled[i]))
            et_source_tell(live->polled[i].source, &news);
}

// Where nobody sees the view, the log says why a device is away, each time that the reason changes.
static void tell_trouble(struct polled *p)
{
    char trouble[ET_SOURCE_WORDS_BYTES];
    (void)pthread_mutex_lock(&p->live->lock);
    memcpy(trouble, p->trouble, sizeof trouble);
    (void)pthread_mutex_unlock(&p->live->lock);
    if (strcmp(trouble, p->told) == 0)
        return;
    memcpy(p->told, trouble, sizeof trouble);
    say(p->live, ET_LOG_INFO, p->about->device, trouble[0] ? trouble : "it is there");
}

static void ask_words(struct et_live *live)
{
    for (size_t i = 0; i < live->n_polled; i++) {
        char words[ET_SOURCE_WORDS_BYTES];
        et_source_say(live->polled[i].source, words);
        (void)pthread_mutex_lock(&live->lock);
        memcpy(live->polled[i].words, words, sizeof words);
        (void)pthread_mutex_unlock(&live->lock);
        tell_trouble(&live->polled[i]);
    }
}

static void drain(int fd)
{
    uint64_t n;
    const ssize_t n_read = read(fd, &n, sizeof n);
    (void)n_read; // empty: somebody else has
}

static struct timespec wait_for(int64_t t_next_ns)
{
    const int64_t t_now_ns = et_clock_monotonic_ns();
    int64_t ns = t_next_ns > t_now_ns ? t_next_ns - t_now_ns : 0;
    ns = ns > WAIT_NS_MAX ? WAIT_NS_MAX : ns;
    return (struct timespec){.tv_sec = ns / ET_NS_PER_S, .tv_nsec = ns % ET_NS_PER_S};
}

static void *poll_all(void *arg)
{
    struct et_live *live = arg;
    struct pollfd fds[ET_LIVE_SOURCES_MAX + 1];
    int64_t t_ask_ns = 0;
    while (!atomic_load(&live->must_stop)) {
        int64_t t_next_ns = INT64_MAX;
        look_at_deadmen(live);
        tell_news(live);
        fds[live->n_polled] = (struct pollfd){.fd = live->wake_fd, .events = POLLIN};
        for (size_t i = 0; i < live->n_polled; i++) {
            struct polled *p = &live->polled[i];
            fds[i] =
                (struct pollfd){.fd = is_over(p) ? -1 : et_source_fd(p->source), .events = POLLIN};
            t_next_ns = !is_over(p) && p->t_next_ns < t_next_ns ? p->t_next_ns : t_next_ns;
        }
        const struct timespec wait = wait_for(t_next_ns);
        (void)ppoll(fds, live->n_polled + 1, &wait, NULL);
        const int64_t t_now_ns = et_clock_monotonic_ns();
        if (fds[live->n_polled].revents)
            drain(live->wake_fd);
        if (t_now_ns >= t_ask_ns) {
            ask_words(live);
            t_ask_ns = t_now_ns + WORDS_NS;
        }
        for (size_t i = 0; i < live->n_polled; i++)
            if (!is_over(&live->polled[i]) &&
                (fds[i].revents || live->polled[i].t_next_ns <= t_now_ns))
                poll_source(&live->polled[i]);
    }
    return NULL;
}

/* ---- opening ---- */

static enum et_status open_source(struct et_live *live, const struct et_live_source *about,
                                  struct et_err *err)
{
    struct polled *p = &live->polled[live->n_polled];
    const bool is_kept = about->kind->can_wait && !live->options.only_listen;
    *p = (struct polled){.live = live, .about = about};
    const struct et_feed_options how = {
        .n_bytes = live->options.feed_bytes ? live->options.feed_bytes : FEED_BYTES,
        .can_wait = is_kept,
        .only_in_runs = is_kept};
    const struct et_feed_listener marks = {.on_put = on_put, .ctx = p};
    const struct et_source_options options = {.device = about->device,
                                              .settings = about->settings,
                                              .path = live->file->path,
                                              .only_look = live->options.only_look,
                                              .station = live->file->sources,
                                              .n_station = live->file->n_sources,
                                              .keeper = is_kept ? live->station : NULL};
    enum et_status st = et_station_feed(live->station, &how, &p->feed, err);
    if (st == ET_OK)
        st = et_feed_listen(p->feed, &marks, err);
    if (st == ET_OK && live->options.on_feed)
        st = live->options.on_feed(live->options.ctx, p->feed, err);
    if (st == ET_OK)
        st = et_source_open(&p->source, about->kind, &options, p->feed, err);
    if (st != ET_OK) {
        et_err_context(err, "%s", about->device);
        return st;
    }
    atomic_store(&p->state, (int)et_source_state(p->source));
    live->n_polled++;
    return ET_OK;
}

/* A station may have marks of its own. One that is nearly ours was meant to be ours: said, since
 * nothing else would be heard of it. */
static void look_at_mark(struct et_live *live, const struct polled *p, const char *word)
{
    static const char *const WORDS[] = {"start",     "success", "failure", "stop", "discard",
                                        "emergency", "release", "clutch",  NULL};
    char text[MARK_TEXT_BYTES];
    const char *nearest = et_str_nearest(et_str(word), WORDS);
    const size_t distance = et_str_distance(et_str(word), et_str(nearest));
    if (distance == 0 || distance > 2 || strlen(word) < 4)
        return;
    (void)snprintf(text, sizeof text,
                   "the mark \"%.60s\" is one of the station's own; was %s meant?", word, nearest);
    (void)et_feed_event(p->feed, "source.warning", p->about->device, text, NULL);
    say(live, ET_LOG_WARN, p->about->device, text);
}

static void look_at_marks(struct et_live *live)
{
    static const char *const KEYS[] = {"mark", "buttons"};
    for (size_t i = 0; i < live->n_polled; i++)
        for (size_t k = 0; k < sizeof KEYS / sizeof *KEYS; k++) {
            const struct et_value *marks = et_value_get(live->polled[i].about->settings, KEYS[k]);
            for (size_t m = 0; m < et_value_count(marks); m++)
                look_at_mark(live, &live->polled[i], et_value_text(et_value_at(marks, m), ""));
        }
}

static void fill_run(struct et_live *live)
{
    const struct et_station_file *f = live->file;
    live->run = live->options.run ? *live->options.run
                                  : (struct et_run){.robot = f->robot,
                                                    .serial = f->serial,
                                                    .trainer = f->trainer,
                                                    .programme = f->programme,
                                                    .scenario = f->scenario,
                                                    .skill = f->skill,
                                                    .instruction = f->instruction,
                                                    .objects = f->objects};
}

static void stop_polling(struct et_live *live)
{
    atomic_store(&live->must_stop, true);
    if (!atomic_load(&live->has_thread))
        return;
    wake(live);
    (void)pthread_join(live->thread, NULL);
    atomic_store(&live->has_thread, false);
}

static void close_sources(struct et_live *live)
{
    for (size_t i = 0; i < live->n_polled; i++) {
        et_source_close(live->polled[i].source);
        live->polled[i].source = NULL;
    }
}

static void release(struct et_live *live)
{
    stop_polling(live);
    close_sources(live);
    if (live->wake_fd >= 0)
        (void)close(live->wake_fd);
    (void)pthread_mutex_destroy(&live->lock);
    free(live);
}

static enum et_status start(struct et_live *live, struct et_err *err)
{
    live->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (live->wake_fd < 0)
        return et_fail_sys(err, errno, "cannot wait for sources");
    enum et_status st = ET_OK;
    for (size_t i = 0; i < live->file->n_sources && st == ET_OK; i++)
        st = open_source(live, &live->file->sources[i], err);
    if (st == ET_OK && is_session(live) && !live->options.only_listen)
        st = begin_recording(live, err);
    if (st != ET_OK)
        return st;
    look_at_marks(live);
    if (is_session(live) && !live->options.only_listen)
        say(live, ET_LOG_INFO, "recording", et_station_status(live->station).path);
    make_news(live);
    const int sys = pthread_create(&live->thread, NULL, poll_all, live);
    atomic_store(&live->has_thread, sys == 0);
    return sys == 0 ? ET_OK : et_fail_sys(err, sys, "cannot start a thread for the sources");
}

enum et_status et_live_open(struct et_live **live, const struct et_station_file *file,
                            struct et_station *station, const struct et_live_options *options,
                            struct et_err *err)
{
    *live = NULL;
    struct et_live *l = calloc(1, sizeof *l);
    if (!l)
        return et_fail(err, ET_ENOMEM, -1, "no memory for a live station");
    (void)pthread_mutex_init(&l->lock, NULL);
    l->wake_fd = -1;
    l->file = file;
    l->station = station;
    if (options)
        l->options = *options;
    fill_run(l);
    const enum et_status st = start(l, err);
    if (st != ET_OK)
        release(l);
    else
        *live = l;
    return st;
}

enum et_status et_live_stop(struct et_live *live, struct et_err *err)
{
    enum et_status st = ET_OK;
    // Before the disk is waited for: a robot that nobody polls is to be let go of at once.
    stop_polling(live);
    close_sources(live);
    const bool is_open = is_session(live) && !live->options.only_listen && !live->is_stopped;
    if (live->status.is_attempt)
        st = end(live, &INTERRUPTED, err);
    if (is_open) {
        const enum et_status ended = end_recording(live, NULL, st == ET_OK ? err : NULL);
        st = st == ET_OK ? ended : st;
    }
    live->is_stopped = true;
    return st;
}

enum et_status et_live_close(struct et_live *live, struct et_err *err)
{
    if (!live)
        return ET_OK;
    const enum et_status st = et_live_stop(live, err);
    release(live);
    return st;
}

/* ---- at work ---- */

enum et_status et_live_step(struct et_live *live, struct et_err *err)
{
    struct mark marks[MARKS_MAX];
    (void)pthread_mutex_lock(&live->lock);
    const size_t n = live->n_marks;
    memcpy(marks, live->marks, n * sizeof *marks);
    live->n_marks = 0;
    (void)pthread_mutex_unlock(&live->lock);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(marks[i].word, "emergency") == 0 || strcmp(marks[i].word, "release") == 0)
            say(live, ET_LOG_WARN, marks[i].word, marks[i].who); // it has been done
        if (obey(live, &marks[i], err) != ET_OK)
            say(live, ET_LOG_WARN, live->file->name, err ? err->text : marks[i].word);
    }
    if (n > 0)
        make_news(live);
    for (size_t i = 0; i < live->n_polled; i++)
        if (!is_over(&live->polled[i]))
            return ET_OK;
    return ET_END;
}

struct et_live_status et_live_status(struct et_live *live)
{
    (void)pthread_mutex_lock(&live->lock);
    const struct et_live_status status = live->status;
    (void)pthread_mutex_unlock(&live->lock);
    return status;
}

size_t et_live_n_sources(const struct et_live *live)
{
    return live->n_polled;
}

const struct et_live_source *et_live_source(const struct et_live *live, size_t i)
{
    return live->polled[i].about;
}

enum et_source_state et_live_source_state(struct et_live *live, size_t i)
{
    return (enum et_source_state)atomic_load(&live->polled[i].state);
}

void et_live_words(struct et_live *live, size_t i, char text[ET_SOURCE_WORDS_BYTES])
{
    (void)pthread_mutex_lock(&live->lock);
    memcpy(text, live->polled[i].words, ET_SOURCE_WORDS_BYTES);
    (void)pthread_mutex_unlock(&live->lock);
}

void et_live_trouble(struct et_live *live, size_t i, char text[ET_SOURCE_WORDS_BYTES])
{
    (void)pthread_mutex_lock(&live->lock);
    memcpy(text, live->polled[i].trouble, ET_SOURCE_WORDS_BYTES);
    (void)pthread_mutex_unlock(&live->lock);
}

struct et_feed *et_live_feed(struct et_live *live, size_t i)
{
    return live->polled[i].feed;
}
