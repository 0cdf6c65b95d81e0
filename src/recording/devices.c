/* Several robots in one recording. What belongs together is what one device sent: a stream is made
 * of one device's channels, and who makes the streams of one that is taken is left out whole. */
#include "recording/recording__choose.h"

#include "etude/hash.h"

#include <stdlib.h>

#define TOLD_MAX 12     // devices that a text names
#define LISTED_CHARS 80 // of an error

/* ---- names ---- */

/* The topic behind "/w1", where "w1" is among what stands between the dots of the device. */
static const char *behind_agent(const char *topic, struct et_str device)
{
    if (topic[0] != '/')
        return topic;
    for (size_t first = 0; first < device.n; first++) {
        if (first > 0 && device.p[first - 1] != '.')
            continue;
        for (size_t last = first + 1; last <= device.n; last++)
            if ((last == device.n || device.p[last] == '.') &&
                strncmp(topic + 1, device.p + first, last - first) == 0 &&
                topic[1 + last - first] == '/')
                return topic + 1 + last - first;
    }
    return topic;
}

bool et__name_device(struct et_channel *channel, struct et_str device, struct et_arena *arena)
{
    if (device.n == 0)
        return true;
    // A link puts "/<agent>" before topics, and "<agent>." before devices.
    const char *topic = behind_agent(channel->topic, device);
    // A source `dds` that splits puts who writes behind topics; one that replays, behind devices.
    const char *place = strrchr(topic, '@');
    const bool is_split = place && place > topic && place[1] && !strchr(place, '/');
    const bool is_told = is_split && et_str_ends(device, place);
    const size_t n = is_split ? (size_t)(place - topic) : strlen(topic);
    channel->device =
        et_arena_printf(arena, "%.*s%s", ET_STR_ARG(device), is_split && !is_told ? place : "");
    channel->plain = et_arena_copy(arena, topic, n);
    return channel->device && channel->plain;
}

static const char *name_of(const struct et_channel *channel)
{
    return channel->device ? channel->device : "";
}

/* "w1" is "w1", "w1.arm" and "w1@10.0.0.7"; who has no name is "". */
static bool is_called(const char *device, struct et_str name)
{
    if (name.n == 0)
        return device[0] == '\0';
    return strncmp(device, name.p, name.n) == 0 &&
           (device[name.n] == '\0' || device[name.n] == '.' || device[name.n] == '@');
}

/* ---- who is there ---- */

/* What our own recorder says: it is everybody's. */
static bool is_everybodys(const struct et_channel *channel)
{
    return et__is_own_events(channel) ||
           (strcmp(channel->topic, "/clocks") == 0 &&
            et_msgdef_same_name(channel->schema.name, ET_STR("etude_msgs/ClockModel")));
}

/* As many whole names as fit beside the error's other words. */
static enum et_status none_called(struct et__choosing *c, struct et_str name)
{
    struct et_buf text = et_buf(sizeof c->err->text);
    size_t n_named = 0, n_left = 0;
    for (size_t i = 0; i < c->n_robots; i++) {
        const char *there = c->robots[i].name;
        n_named += there[0] != '\0';
        if (!there[0])
            continue;
        if (n_named > 1 && (n_left > 0 || text.n + strlen(there) > LISTED_CHARS))
            n_left++;
        else
            et_buf_printf(&text, "%s%.*s", text.n ? ", " : "", LISTED_CHARS, there);
    }
    if (n_left > 0)
        et_buf_printf(&text, " and %zu more", n_left);
    const char *path = et_path_base(c->r->source->info.path);
    const int n = (int)(name.n < 24 ? name.n : 24);
    const enum et_status st =
        n_named == 0
            ? et_fail(c->err, ET_ENOTFOUND, -1,
                      "%.40s: no device \"%.*s\" is in it: its topics name none", path, n, name.p)
            : et_fail(c->err, ET_ENOTFOUND, -1, "%.40s: no device \"%.*s\" is in it; there %s %s",
                      path, n, name.p, n_named == 1 ? "is" : "are", et_buf_text(&text));
    et_buf_free(&text);
    return st;
}

enum et_status et__robots_want(struct et__choosing *c, const char *wanted)
{
    struct et_str rest = et_str(wanted), name;
    // What names no device is everybody's.
    for (size_t i = 0; i < c->n_robots; i++)
        c->robots[i].is_wanted = !c->robots[i].name[0];
    do {
        bool is_there = false;
        if (!et_str_cut(&rest, ',', &name))
            name = ET_STR("");
        name = et_str_trim(name);
        for (size_t i = 0; i < c->n_robots; i++)
            if (is_called(c->robots[i].name, name))
                c->robots[i].is_wanted = is_there = true;
        if (!is_there)
            return none_called(c, name);
    } while (rest.n > 0);
    c->has_wanted = true;
    return ET_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct et__robot *)a)->name, ((const struct et__robot *)b)->name);
}

static size_t find_robot(const struct et__choosing *c, const char *name)
{
    for (size_t i = 0; i < c->n_robots; i++)
        if (strcmp(c->robots[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

enum et_status et__robots_open(struct et__choosing *c)
{
    const struct et_channel *channels = c->r->source->info.channels;
    c->robots = calloc(c->n_glances + 1, sizeof *c->robots);
    c->robot_of = calloc(c->n_glances + 1, sizeof *c->robot_of);
    c->is_open = calloc(c->n_glances + 1, sizeof *c->is_open);
    if (!c->robots || !c->robot_of || !c->is_open)
        return et_fail(c->err, ET_ENOMEM, -1, "no memory for the devices of a recording");
    for (size_t i = 0; i < c->n_glances; i++) {
        c->is_open[i] = true;
        if (!is_everybodys(&channels[i]) && find_robot(c, name_of(&channels[i])) == SIZE_MAX)
            c->robots[c->n_robots++].name = name_of(&channels[i]);
    }
    qsort(c->robots, c->n_robots, sizeof *c->robots, by_name);
    for (size_t i = 0; i < c->n_glances; i++)
        c->robot_of[i] =
            is_everybodys(&channels[i]) ? SIZE_MAX : find_robot(c, name_of(&channels[i]));
    return ET_OK;
}

void et__robots_close(struct et__choosing *c)
{
    for (size_t i = 0; c->robots && i <= c->n_robots; i++) // the last is there without robots, too
        free(c->robots[i].offer.streams);
    free(c->robots);
    free(c->robot_of);
    free(c->is_open);
}

/* ---- whom a profile sees ---- */

static bool makes(const struct et__offer *offer, uint64_t stream)
{
    for (size_t i = 0; i < offer->n; i++)
        if (offer->streams[i] == stream)
            return true;
    return false;
}

static bool are_rivals(const struct et__robot *a, const struct et__robot *b)
{
    for (size_t i = 0; i < a->offer.n; i++)
        if (makes(&b->offer, a->offer.streams[i]))
            return true;
    return false;
}

static bool has_topic(const struct et__choosing *c, const struct et_profile *profile, size_t robot)
{
    for (size_t i = 0; i < c->n_glances; i++)
        for (size_t k = 0; k < profile->n_rules && c->robot_of[i] == robot; k++)
            if (et__leads_from(&profile->rules[k], &c->r->source->info.channels[i]))
                return true;
    return false;
}

static void note_offer(struct et__robot *robot)
{
    const size_t n = et__offer_count(&robot->offer);
    if (n <= robot->n_best)
        return;
    robot->n_best = n;
    robot->n_best_joints = robot->offer.n_joints;
}

static enum et_status try_one(struct et__choosing *c, const struct et_profile *profile, size_t k)
{
    for (size_t i = 0; i < c->n_glances; i++)
        c->is_open[i] = c->robot_of[i] == k;
    const enum et_status st = et__choose_try(c, profile, &c->robots[k].offer);
    note_offer(&c->robots[k]);
    return st;
}

enum et_status et__robots_look(struct et__choosing *c, const struct et_profile *profile)
{
    enum et_status st = ET_OK;
    c->must_claim = false;
    for (size_t k = 0; k < c->n_robots && c->n_robots > 1 && st == ET_OK; k++)
        if (c->robots[k].n_best == 0 && has_topic(c, profile, k))
            st = try_one(c, profile, k);
    return st;
}

void et__robots_are_usual(struct et__choosing *c)
{
    for (size_t i = 0; i < c->n_robots; i++)
        c->robots[i].is_usual = c->robots[i].is_taken;
}

static enum et_status try_each(struct et__choosing *c, const struct et_profile *profile)
{
    enum et_status st = ET_OK;
    c->must_claim = false;
    for (size_t k = 0; k < c->n_robots && st == ET_OK; k++) {
        struct et__robot *robot = &c->robots[k];
        robot->offer.n = robot->offer.n_words = robot->offer.n_joints = 0;
        robot->is_taken = robot->is_rival = false;
        if (has_topic(c, profile, k))
            st = try_one(c, profile, k);
    }
    return st;
}

/* How much of its name a robot shares with those that are taken: one robot's devices are often
 * called alike. */
static size_t nearness(const struct et__choosing *c, const struct et__robot *robot)
{
    size_t most = 0;
    for (size_t i = 0; i < c->n_robots; i++) {
        size_t n = 0;
        while (c->robots[i].is_taken && robot->name[n] && robot->name[n] == c->robots[i].name[n])
            n++;
        most = n > most ? n : most;
    }
    return most;
}

/* The next to be taken; NULL: all others are rivals, or make nothing. Of equals the first name. */
static struct et__robot *next_robot(const struct et__choosing *c)
{
    struct et__robot *best = NULL;
    size_t best_near = 0;
    for (size_t i = 0; i < c->n_robots; i++) {
        struct et__robot *robot = &c->robots[i];
        if (robot->is_taken || robot->is_rival || robot->offer.n == 0)
            continue;
        const size_t near = nearness(c, robot);
        const bool is_wanted = c->has_wanted && robot->is_wanted;
        const bool was_wanted = c->has_wanted && best && best->is_wanted;
        const bool is_better = !best || (is_wanted != was_wanted ? is_wanted
                                         : near != best_near     ? near > best_near
                                                                 : robot->offer.n > best->offer.n);
        if (is_better) {
            best = robot;
            best_near = near;
        }
    }
    return best;
}

/* What is everybody's has the device of who put it, or none: it goes with the robot of that name.
 */
static bool is_open_to_events(const struct et__choosing *c, const struct et_channel *channel)
{
    const struct et_str name = et_str(name_of(channel));
    bool has_owner = false;
    if (name.n == 0)
        return true;
    for (size_t i = 0; i < c->n_robots; i++)
        if (is_called(c->robots[i].name, name)) {
            has_owner = true;
            if (!c->robots[i].is_rival)
                return true;
        }
    return !has_owner;
}

static void open_channels(struct et__choosing *c, bool has_taken)
{
    for (size_t i = 0; i < c->n_glances; i++) {
        const size_t k = c->robot_of[i];
        if (k == SIZE_MAX)
            c->is_open[i] = is_open_to_events(c, &c->r->source->info.channels[i]);
        else if (has_taken)
            c->is_open[i] = c->robots[k].is_taken;
        else // whatever is wrong with them is told when they are bound
            c->is_open[i] = !c->has_wanted || c->robots[k].is_wanted;
    }
}

enum et_status et__robots_settle(struct et__choosing *c, const struct et_profile *profile,
                                 size_t *n_streams)
{
    struct et__robot *robot;
    bool has_taken = false;
    *n_streams = 0;
    const enum et_status st = try_each(c, profile);
    if (st != ET_OK)
        return st;
    while ((robot = next_robot(c))) {
        has_taken = robot->is_taken = true;
        *n_streams += !c->has_wanted || robot->is_wanted ? et__offer_count(&robot->offer) : 0;
        for (size_t i = 0; i < c->n_robots; i++)
            c->robots[i].is_rival = c->robots[i].is_rival ||
                                    (!c->robots[i].is_taken && are_rivals(&c->robots[i], robot));
    }
    open_channels(c, has_taken);
    c->must_claim = has_taken;
    return ET_OK;
}

bool et__robots_may(const struct et__choosing *c, const char *stream, size_t i_channel)
{
    const size_t k = c->robot_of[i_channel];
    if (!c->is_open[i_channel])
        return false;
    if (!c->must_claim || k == SIZE_MAX)
        return true;
    const uint64_t hash = et_hash64(stream, strlen(stream));
    if (makes(&c->robots[k].offer, hash))
        return true;
    for (size_t i = 0; i < c->n_robots; i++)
        if (c->robots[i].is_taken && makes(&c->robots[i].offer, hash))
            return false;
    return true;
}

/* ---- what is told of them ---- */

static bool has_rival(const struct et__choosing *c, const struct et__robot *robot)
{
    for (size_t k = 0; k < c->n_robots && robot->is_taken; k++)
        if (c->robots[k].is_rival && are_rivals(robot, &c->robots[k]))
            return true;
    return false;
}

static bool is_asked_for(const struct et__choosing *c, const struct et__robot *robot)
{
    return c->has_wanted && robot->is_wanted && robot->is_taken && robot->name[0];
}

/* Those that are not usually taken; where there are none such, those that were asked for. */
static bool tells_apart(const struct et__choosing *c, const struct et__robot *robot)
{
    bool has_unusual = false;
    for (size_t i = 0; i < c->n_robots; i++)
        has_unusual = has_unusual || (c->robots[i].is_taken && !c->robots[i].is_usual);
    return has_unusual ? robot->is_taken && !robot->is_usual : is_asked_for(c, robot);
}

/* Whether the usual ones are taken, and no others. */
static bool is_usual_choice(const struct et__choosing *c, bool is_other)
{
    bool is_same = !is_other;
    for (size_t i = 0; i < c->n_robots; i++)
        is_same = is_same && c->robots[i].is_taken == c->robots[i].is_usual;
    return is_same || !c->has_wanted;
}

/* The names of those that `is` says, with commas between. NULL: the arena is full. */
static const char *names_of(const struct et__choosing *c,
                            bool (*is)(const struct et__choosing *, const struct et__robot *))
{
    struct et_buf text = et_buf(4096);
    size_t n = 0;
    for (size_t i = 0; i < c->n_robots; i++)
        if (is(c, &c->robots[i]))
            et_buf_printf(&text, "%s%s", n++ ? "," : "", c->robots[i].name);
    const char *names = et_arena_printf(c->r->arena, "%s", et_buf_text(&text));
    et_buf_free(&text);
    return names;
}

/* Whoever asked for some knows of the others; not that of those some were left out. */
static bool is_to_be_told(const struct et__choosing *c, const struct et__robot *robot)
{
    return robot->is_rival && (!c->has_wanted || (robot->is_wanted && robot->name[0]));
}

static bool tell_left_out(const struct et__choosing *c, const char **left_out)
{
    struct et_buf text = et_buf(4096);
    size_t n = 0;
    for (size_t i = 0; i < c->n_robots; i++) {
        const char *name = c->robots[i].name;
        if (is_to_be_told(c, &c->robots[i]) && n++ < TOLD_MAX)
            et_buf_printf(&text, "%s%s", text.n ? ", " : "", name[0] ? name : "one without a name");
    }
    if (n > TOLD_MAX)
        et_buf_printf(&text, " and %zu more", n - TOLD_MAX);
    *left_out = n ? et_arena_printf(c->r->arena, "%s", et_buf_text(&text)) : NULL;
    et_buf_free(&text);
    return !n || *left_out;
}

static bool list_devices(const struct et__choosing *c)
{
    struct et_recording_binding *binding = &c->r->binding;
    const struct et_channel *channels = c->r->source->info.channels;
    struct et_recorded_device *devices = et_arena_array(c->r->arena, c->n_robots, sizeof *devices);
    if (!devices)
        return false;
    for (size_t i = 0; i < c->n_robots; i++)
        devices[i] = (struct et_recorded_device){.name = c->robots[i].name};
    for (size_t i = 0; i < binding->n_streams; i++) {
        const struct et_stream *stream = &binding->streams[i].stream;
        const size_t k = c->robot_of[binding->streams[i].i_channel];
        if (k == SIZE_MAX)
            continue;
        devices[k].is_taken = true;
        if (stream->quantity == ET_QUANTITY_POSITION && !stream->is_command)
            devices[k].n_joints += stream->n_values;
    }
    for (size_t i = 0; i < c->n_glances; i++)
        if (c->robot_of[i] != SIZE_MAX && channels[i].n_messages != 0 &&
            et__known_field(channels[i].schema.name, ET_QUANTITY_POSITION))
            devices[c->robot_of[i]].has_joints = true;
    binding->devices = devices;
    for (size_t i = 0; i < c->n_robots; i++) {
        struct et_recorded_device device = devices[i];
        if (!device.is_taken)
            device.n_joints = c->robots[i].n_best_joints;
        device.has_joints = device.has_joints || device.n_joints > 0;
        // Channels of nobody that nobody sees are no device.
        if (device.name[0] || device.is_taken || device.has_joints)
            devices[binding->n_devices++] = device;
    }
    return true;
}

/* A robot that was asked for, and of whom the profile takes nothing. */
static bool is_unseen(const struct et__choosing *c, const struct et__robot *robot)
{
    const struct et_recording_binding *binding = &c->r->binding;
    bool has_joints = false;
    for (size_t i = 0; i < binding->n_devices; i++)
        has_joints = has_joints || (binding->devices[i].has_joints &&
                                    strcmp(binding->devices[i].name, robot->name) == 0);
    return c->has_wanted && robot->is_wanted && robot->name[0] && has_joints && !robot->is_rival &&
           !robot->is_taken;
}

bool et__robots_unseen(const struct et__choosing *c, const char **names)
{
    bool has_seen = false, has_unseen = false;
    for (size_t i = 0; i < c->n_robots; i++) {
        has_seen = has_seen || is_asked_for(c, &c->robots[i]);
        has_unseen = has_unseen || is_unseen(c, &c->robots[i]);
    }
    *names = has_seen && has_unseen ? names_of(c, is_unseen) : NULL;
    return *names || !has_seen || !has_unseen;
}

bool et__robots_told(const struct et__choosing *c, bool is_other, const char **left_out)
{
    struct et_recording_binding *binding = &c->r->binding;
    bool has_rivals = false;
    for (size_t i = 0; i < c->n_robots; i++)
        has_rivals = has_rivals || c->robots[i].is_rival;
    const bool is_usual = is_usual_choice(c, is_other);
    if (!is_usual)
        binding->apart = names_of(c, tells_apart);
    binding->device = has_rivals ? names_of(c, has_rival) : binding->apart;
    if ((has_rivals && !binding->device) || (!is_usual && !binding->apart))
        return false;
    return list_devices(c) && tell_left_out(c, left_out);
}
