/* Which profile a recording is seen through: the wanted one, the one of the robot that the
 * recording names, or the one that makes the most streams of its topics. */
#include "recording/recording__choose.h"

#include <assert.h>
#include <stdlib.h>

#define TRIAL_BYTES_MAX ((size_t)512 << 20)
#define WARNINGS_MAX 4
#define TOPICS_TOLD 8
#define PROFILE_SUFFIX ".yaml"

static enum et_status full(const struct et__choosing *c)
{
    return et_arena_fail(c->arena, "the binding of a profile", c->err);
}

/* ---- what is told ---- */

/* text: of the recording's arena; NULL: that is full. */
static enum et_status warn(struct et__choosing *c, const char *text)
{
    struct et_recording_binding *binding = &c->r->binding;
    const char **warnings = (const char **)(uintptr_t)binding->warnings; // made here
    if (!warnings)
        warnings = et_arena_array(c->r->arena, WARNINGS_MAX, sizeof *warnings);
    if (!warnings || !text)
        return et_arena_fail(c->r->arena, "what is told of a profile", c->err);
    assert(binding->n_warnings < WARNINGS_MAX);
    warnings[binding->n_warnings++] = text;
    binding->warnings = warnings;
    return ET_OK;
}

static enum et_status tell_robots(struct et__choosing *c, bool is_other)
{
    const char *left_out, *unseen;
    if (!et__robots_told(c, is_other, &left_out) || !et__robots_unseen(c, &unseen))
        return et_arena_fail(c->r->arena, "the devices of a recording", c->err);
    const enum et_status st =
        unseen ? warn(c, et_arena_printf(c->r->arena,
                                         "of the devices that were asked for profile %s takes "
                                         "nothing of %s (ask for each on its own)",
                                         c->r->binding.profile->id, unseen))
               : ET_OK;
    if (!left_out || st != ET_OK)
        return st;
    const char *device = c->r->binding.device;
    const char *name = device[0] ? device : "one without a name";
    if (c->has_wanted)
        return warn(c, et_arena_printf(c->r->arena,
                                       "of the devices that were asked for several make the same "
                                       "streams, and a stream is of one: %s is taken, left out: %s "
                                       "(ask for each on its own)",
                                       name, left_out));
    return warn(c, et_arena_printf(c->r->arena,
                                   "several devices make the same streams: %s is taken, left out: "
                                   "%s (--device takes another)",
                                   name, left_out));
}

/* What a profile would have to lead from. */
static void list_topics(const struct et__choosing *c, struct et_buf *text)
{
    const struct et_recording_info *info = &c->r->source->info;
    size_t n = 0;
    for (size_t i = 0; i < info->n_channels; i++) {
        const struct et_channel *channel = &info->channels[i];
        if (et__is_own_events(channel) || channel->n_messages == 0)
            continue;
        if (n++ < TOPICS_TOLD)
            et_buf_printf(text, "%s%s%s%.*s", text->n ? ", " : "", channel->topic,
                          channel->schema.name.n ? " of " : "", ET_STR_ARG(channel->schema.name));
    }
    if (n > TOPICS_TOLD)
        et_buf_printf(text, " and %zu more", n - TOPICS_TOLD);
}

/* A profile that was wanted may be one of words alone, if these are its own. */
static bool does_fit(const struct et__choosing *c, bool is_wanted)
{
    const struct et_recording_binding *binding = &c->r->binding;
    for (size_t i = 0; i < binding->n_streams; i++) {
        const enum et_quantity quantity = binding->streams[i].stream.quantity;
        if ((quantity != ET_QUANTITY_EVENT && quantity != ET_QUANTITY_TEXT) ||
            (is_wanted && binding->streams[i].line > 0))
            return true;
    }
    return false;
}

static enum et_status tell_fit(struct et__choosing *c, bool is_wanted)
{
    struct et_arena *arena = c->r->arena;
    struct et_buf topics = et_buf(4096);
    enum et_status st = ET_OK;
    if (does_fit(c, is_wanted))
        return ET_OK;
    list_topics(c, &topics);
    const char *what = topics.n ? et_buf_text(&topics) : "none but events";
    c->r->binding.unfit =
        is_wanted ? et_arena_printf(arena,
                                    "profile %s takes none of its topics (%s): etude profile guess "
                                    "drafts one that does",
                                    c->r->binding.profile->id, what)
                  : et_arena_printf(arena,
                                    "no profile takes any of its topics (%s): etude profile guess "
                                    "drafts one that does, --profile names another",
                                    what);
    if (!c->r->binding.unfit)
        st = et_arena_fail(arena, "the topics of a recording", c->err);
    et_buf_free(&topics);
    return st;
}

/* ---- choosing ---- */

static enum et_status load_all(struct et__choosing *c, const struct et_profile ***profiles,
                               size_t *n)
{
    const struct et_share_file *files;
    size_t n_files;
    enum et_status st = et_profile_list(c->arena, &files, &n_files, c->err);
    *n = 0;
    if (st != ET_OK)
        return st;
    *profiles = et_arena_array(c->arena, n_files, sizeof **profiles);
    if (!*profiles)
        return full(c);
    for (size_t i = 0; i < n_files && st == ET_OK; i++) {
        bool is_hidden = false;
        for (size_t k = 0; k < *n; k++)
            is_hidden = is_hidden || strcmp((*profiles)[k]->id, files[i].id) == 0;
        if (is_hidden)
            continue;
        st = et_profile_load(files[i].path, c->arena, &(*profiles)[*n], c->err);
        *n += st == ET_OK;
    }
    return st;
}

static enum et_status count_streams(struct et__choosing *c, const struct et_profile *profile,
                                    size_t *n)
{
    if (c->n_robots > 1)
        return et__robots_settle(c, profile, n);
    struct et__offer *offer = &c->robots[0].offer;
    const enum et_status st = et__choose_try(c, profile, offer);
    *n = et__offer_count(offer);
    return st;
}

/* The profile with the most streams; generic only where no other has as many. A profile that
 * contradicts the recording is not for it. */
static enum et_status choose(struct et__choosing *c, const struct et_profile *const *profiles,
                             size_t n, const struct et_profile **best)
{
    size_t n_best = 0;
    enum et_status st = ET_OK;
    *best = NULL;
    for (size_t i = 0; i < n && st == ET_OK; i++) {
        size_t n_streams = 0;
        st = count_streams(c, profiles[i], &n_streams);
        const bool is_generic = strcmp(profiles[i]->id, "generic") == 0;
        const bool was_generic = *best && strcmp((*best)->id, "generic") == 0;
        if (n_streams > n_best || (n_streams > 0 && n_streams == n_best && was_generic) ||
            (!*best && is_generic)) {
            *best = profiles[i];
            n_best = n_streams;
        }
    }
    return st;
}

/* ---- the robot that the recording names ---- */

/* "unitree-h1-2" of that, or of "robots/unitree-h1-2.yaml". NULL: the arena is full. */
static const char *named_id(const struct et__choosing *c)
{
    struct et_str id = et_str(et_path_base(c->r->source->robot));
    if (et_str_ends(id, PROFILE_SUFFIX))
        id.n -= sizeof PROFILE_SUFFIX - 1;
    return et_arena_copy(c->arena, id.p, id.n);
}

/* What an attached profile is called; no file has that name. NULL: the arena is full. */
static const char *attached_path(const struct et__choosing *c, const char *id)
{
    return et_arena_printf(c->arena, "%s/%s" PROFILE_SUFFIX, c->r->source->info.path, id);
}

/* The profile that is attached to the recording. ET_ENOTFOUND: none is, or it is no profile. */
static enum et_status load_attached(struct et__choosing *c, const char *id,
                                    const struct et_profile **profile)
{
    const struct et__source *source = c->r->source;
    const char *path = attached_path(c, id);
    if (!path)
        return full(c);
    if (source->profile.n == 0)
        return ET_ENOTFOUND;
    const enum et_status st = et_profile_parse(source->profile, path, c->arena, profile, c->err);
    if (st == ET_OK)
        c->r->binding.attached = source->profile;
    return et__is_of_system(st) || st == ET_OK ? st : ET_ENOTFOUND;
}

/* One that was found by its name among those there are, or in the recording. NULL: neither. */
static enum et_status find_named(struct et__choosing *c, const struct et_profile *const *profiles,
                                 size_t n, const struct et_profile **named)
{
    *named = NULL;
    if (!c->r->source->robot)
        return ET_OK;
    const char *id = named_id(c);
    if (!id)
        return full(c);
    for (size_t i = 0; i < n && !*named; i++)
        if (strcmp(profiles[i]->id, id) == 0)
            *named = profiles[i];
    if (*named)
        return ET_OK;
    const enum et_status st = load_attached(c, id, named);
    return st == ET_ENOTFOUND ? ET_OK : st;
}

static enum et_status warn_of_robot(struct et__choosing *c, bool is_there, const char *instead)
{
    return warn(c, et_arena_printf(
                       c->r->arena,
                       "it names the robot %.60s, %s: profile %s is taken by its topics "
                       "(--profile names another)",
                       c->r->source->robot,
                       is_there ? "whose profile makes no stream of them" : "which has no profile",
                       instead));
}

static enum et_status decide(struct et__choosing *c, const struct et_profile *const *profiles,
                             size_t n, const struct et_profile **best)
{
    const struct et_profile *named;
    size_t n_streams = 0;
    enum et_status st = find_named(c, profiles, n, &named);
    for (size_t i = 0; i < n && st == ET_OK; i++)
        et__choose_need(c, profiles[i]);
    if (st == ET_OK && named)
        et__choose_need(c, named);
    if (st == ET_OK)
        st = et__choose_glance(c);
    if (st == ET_OK)
        st = et__choose_define(c);
    if (st == ET_OK && named)
        st = count_streams(c, named, &n_streams);
    if (st != ET_OK)
        return st;
    if (n_streams > 0) {
        c->r->binding.by = ET_PROFILE_BY_RECORDING;
        *best = named;
        for (size_t i = 0; i < n && st == ET_OK; i++)
            st = et__robots_look(c, profiles[i]);
        return st;
    }
    c->r->binding.attached = et_str("");
    st = choose(c, profiles, n, best);
    // Where nothing is recorded, nothing is to be said of whose it is not.
    if (st == ET_OK && c->r->source->robot && c->n_glances > 0)
        st = warn_of_robot(c, named != NULL, *best ? (*best)->id : "generic");
    return st;
}

/* Tries all profiles there are in an arena of their own, and loads the one that fits. */
static enum et_status find_fitting(struct et__choosing *c, const struct et_profile **profile)
{
    struct et_arena *own = c->arena;
    const struct et_profile **profiles = NULL, *best = NULL;
    size_t n = 0;
    enum et_status st = et_arena_open(&c->arena, TRIAL_BYTES_MAX, c->err);
    if (st == ET_OK)
        st = load_all(c, &profiles, &n);
    if (st == ET_OK)
        st = decide(c, profiles, n, &best);
    if (st == ET_OK && c->r->binding.attached.n)
        st = et_profile_parse(c->r->binding.attached, best->path, own, profile, c->err);
    else if (st == ET_OK)
        st = best ? et_profile_load(best->path, own, profile, c->err)
                  : et_profile_find(NULL, NULL, own, profile, c->err);
    if (c->arena != own)
        et_arena_close(c->arena);
    c->arena = own;
    for (size_t i = 0; i < c->n_glances; i++)
        c->has_def[i] = ET__NO_DEF;
    return st;
}

/* A profile that only the recording has is found in it, by its id or what it is called there. */
static enum et_status find_wanted(struct et__choosing *c, const char *wanted,
                                  const struct et_profile **profile)
{
    const enum et_status st = et_profile_find(wanted, NULL, c->arena, profile, c->err);
    if (st == ET_OK || et__is_of_system(st) || !c->r->source->robot)
        return st;
    const char *id = named_id(c), *path = id ? attached_path(c, id) : NULL;
    const struct et_err why = *c->err;
    if (!path)
        return full(c);
    if (strcmp(id, wanted) != 0 && strcmp(path, wanted) != 0)
        return st;
    const enum et_status attached = load_attached(c, id, profile);
    if (attached != ET_ENOTFOUND)
        return attached;
    *c->err = why;
    return st;
}

/* Our own recorder's events need no rule: every robot's recording has them. A profile that takes
 * events from elsewhere in it keeps those. */
static enum et_status add_own_events(struct et__choosing *c, const struct et_profile **profile)
{
    const struct et_recording_info *info = &c->r->source->info;
    bool has_own = false, has_rule = false;
    for (size_t k = 0; k < c->n_glances; k++) {
        has_own = has_own || et__is_own_events(&info->channels[k]);
        for (size_t i = 0; i < (*profile)->n_rules; i++)
            has_rule = has_rule || (et__quantity_of(&(*profile)->rules[i]) == ET_QUANTITY_EVENT &&
                                    et__leads_from(&(*profile)->rules[i], &info->channels[k]));
    }
    if (!has_own || has_rule)
        return ET_OK;
    const size_t n = (*profile)->n_rules;
    struct et_profile *more = et_arena_copy(c->arena, *profile, sizeof **profile);
    struct et_rule *rules = et_arena_array(c->arena, n + 1, sizeof *rules);
    if (!more || !rules)
        return full(c);
    if (n > 0)
        memcpy(rules, more->rules, n * sizeof *rules);
    rules[n] = (struct et_rule){.stream = "scene.event",
                                .topic = "/events",
                                .field = "kind",
                                .first = -1,
                                .last = -1,
                                .is_optional = true};
    more->rules = rules;
    more->n_rules = n + 1;
    *profile = more;
    return ET_OK;
}

static enum et_status find(struct et__choosing *c, const char *wanted,
                           const struct et_profile **profile)
{
    size_t n_streams;
    enum et_status st = wanted ? find_wanted(c, wanted, profile) : find_fitting(c, profile);
    if (st == ET_OK)
        st = add_own_events(c, profile);
    if (st == ET_OK && wanted) {
        et__choose_need(c, *profile);
        st = et__choose_glance(c);
        c->r->binding.by = ET_PROFILE_BY_USER;
    }
    if (st == ET_OK && c->n_robots > 1)
        st = et__robots_settle(c, *profile, &n_streams);
    return st;
}

/* Whom one would see who asks for no device: what is asked for is the same, or goes by its name. */
static enum et_status find_usual(struct et__choosing *c, const char *wanted,
                                 const struct et_profile **profile)
{
    c->has_wanted = false;
    const enum et_status st = find(c, wanted, profile);
    et__robots_are_usual(c);
    c->r->binding = (struct et_recording_binding){0};
    c->has_wanted = true;
    return st;
}

static enum et_status use(struct et__choosing *c, const char *wanted)
{
    const struct et_profile *profile = NULL, *usual = NULL;
    enum et_status st = et__robots_open(c);
    if (st == ET_OK && c->r->options.device)
        st = et__robots_want(c, c->r->options.device);
    if (st == ET_OK && c->has_wanted && c->n_robots > 1)
        st = find_usual(c, wanted, &usual);
    if (st == ET_OK)
        st = find(c, wanted, &profile);
    const bool is_other = st == ET_OK && usual && strcmp(usual->id, profile->id) != 0;
    if (st == ET_OK)
        st = et__choose_bind(c, profile);
    if (st == ET_OK)
        st = tell_robots(c, is_other);
    return st == ET_OK ? tell_fit(c, wanted != NULL) : st;
}

enum et_status et_recording_use_profile(struct et_recording *recording, const char *wanted,
                                        struct et_err *err)
{
    assert(recording && !recording->binding.profile);
    struct et_err inner = {0}; // trials fail, and that is nothing to tell
    struct et__choosing c = {.r = recording,
                             .arena = recording->arena,
                             .n_glances = recording->source->info.n_channels,
                             .err = &inner};
    c.glances = calloc(c.n_glances + 1, sizeof *c.glances);
    c.defs = calloc(c.n_glances + 1, sizeof *c.defs);
    c.has_def = calloc(c.n_glances + 1, sizeof *c.has_def);
    enum et_status st = c.glances && c.defs && c.has_def
                            ? use(&c, wanted)
                            : et_fail(&inner, ET_ENOMEM, -1, "no memory for a profile's binding");
    for (size_t i = 0; c.glances && i < c.n_glances; i++)
        for (size_t k = 0; k < c.glances[i].n_samples; k++)
            free((char *)(uintptr_t)c.glances[i].samples[k].p);
    et__robots_close(&c);
    free(c.glances);
    free(c.defs);
    free(c.has_def);
    if (st != ET_OK && err)
        *err = inner;
    return st;
}

const char *et_profile_by_text(enum et_profile_by by)
{
    static const char *const TEXTS[] = {"topics", "user", "recording"};
    assert((size_t)by < sizeof TEXTS / sizeof *TEXTS);
    return TEXTS[by];
}
