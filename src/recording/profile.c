/* A recording and a profile: rules that lead from topics become programs over messages. */
#include "recording/recording__choose.h"

#include "etude/hash.h"

#include <stdio.h>
#include <stdlib.h>

#define SAMPLE_BYTES_MAX ((size_t)64 << 20)
// Of topics with few messages, and of large ones, the first message must do.
#define SAMPLE_BYTES_SMALL ((size_t)64 << 10)
#define MESSAGES_FEW 20

/* Who takes a field. */
struct asker {
    const struct et_rule *rule; // the first
    bool goes_by_names;         // all of them do
};

/* One profile being tried on a recording. */
struct trial {
    struct et__choosing *c;
    struct et_profile profile; // its rules lead from this recording's topics and fields
    struct et__tap *taps;
    size_t n_taps;
    struct et__wants *wants;         // one a tap
    const struct et_rule **stampers; // one a tap: the rule that says where the stamp is; NULL: none
    struct et__field *fields;        // one a place that rules lead from, of topics that are there
    struct et_feature_view *views;   // one a field
    struct asker *askers;            // one a field
    size_t n_fields;
    struct et_binding binding;
};

static enum et_status full(const struct et__choosing *c)
{
    return et_arena_fail(c->arena, "the binding of a profile", c->err);
}

/* ---- which topics ---- */

static bool is_star_topic(const char *topic)
{
    return strchr(topic, '*') != NULL;
}

/* "/cam_*" and "/cam_h": true when the topic is one of the pattern's. */
static bool is_of_pattern(const char *pattern, const char *topic)
{
    const size_t n_head = strcspn(pattern, "*");
    const char *tail = pattern + n_head + 1;
    const size_t n = strlen(topic), n_tail = strlen(tail);
    return n > n_head + n_tail && memcmp(pattern, topic, n_head) == 0 &&
           strcmp(topic + n - n_tail, tail) == 0;
}

enum et_quantity et__quantity_of(const struct et_rule *rule)
{
    const char *dot = strrchr(rule->stream, '.');
    for (int i = 0; dot && i < ET_N_QUANTITIES; i++)
        if (strcmp(dot + 1, et_quantity_text((enum et_quantity)i)) == 0)
            return (enum et_quantity)i;
    return rule->stream[0] == 'e' ? ET_QUANTITY_EVENT : ET_QUANTITY_TEXT;
}

static bool is_picture(enum et_quantity quantity)
{
    return quantity == ET_QUANTITY_IMAGE || quantity == ET_QUANTITY_DEPTH;
}

/* What a live recorder makes of raw pictures has their topic and a word behind it
 * (record__pictures.h): a rule that leads from raw ones leads from these, too. */
static bool is_coded_of(const struct et_rule *rule, const char *topic)
{
    char coded[2 * ET_NAME_BYTES_MAX];
    const enum et_quantity quantity = et__quantity_of(rule);
    if (!is_picture(quantity))
        return false;
    (void)snprintf(coded, sizeof coded, "%s%s", rule->topic,
                   quantity == ET_QUANTITY_DEPTH ? "/compressedDepth" : "/video");
    return et__same_topic(coded, topic);
}

bool et__leads_from(const struct et_rule *rule, const struct et_channel *channel)
{
    if (!rule->topic)
        return false;
    return is_star_topic(rule->topic) ? is_of_pattern(rule->topic, et__plain(channel))
                                      : et__same_topic(rule->topic, et__plain(channel)) ||
                                            et__same_topic(rule->topic, channel->topic) ||
                                            is_coded_of(rule, et__plain(channel));
}

bool et__is_own_events(const struct et_channel *channel)
{
    return strcmp(channel->topic, "/events") == 0 &&
           et_msgdef_same_name(channel->schema.name, ET_STR("etude_msgs/Event"));
}

void et__choose_need(struct et__choosing *c, const struct et_profile *profile)
{
    const struct et_recording_info *info = &c->r->source->info;
    for (size_t i = 0; i < profile->n_rules; i++)
        for (size_t k = 0; k < c->n_glances; k++)
            if (et__leads_from(&profile->rules[i], &info->channels[k]))
                c->glances[k].is_needed = true;
}

/* ---- the first messages of each ---- */

static size_t n_samples_of(const struct et_channel *channel)
{
    return channel->n_messages > MESSAGES_FEW ? ET__SAMPLES_MAX : 1;
}

/* Keeps a message; *is_last: the topic needs no more. */
static enum et_status keep_sample(struct et__choosing *c, struct et__glance *g, struct et_str bytes,
                                  size_t n_wanted, bool *is_last)
{
    char *copy = malloc(bytes.n + 1);
    if (!copy)
        return et_fail(c->err, ET_ENOMEM, -1, "no memory for a first message");
    if (bytes.n > 0)
        memcpy(copy, bytes.p, bytes.n);
    g->samples[g->n_samples] = (struct et_str){copy, bytes.n};
    const struct et_str first = g->samples[0];
    if (bytes.n > first.n) {
        g->samples[0] = g->samples[g->n_samples];
        g->samples[g->n_samples] = first;
    }
    g->n_samples++;
    *is_last = g->n_samples == n_wanted || bytes.n > SAMPLE_BYTES_SMALL;
    return ET_OK;
}

enum et_status et__choose_glance(struct et__choosing *c)
{
    struct et__source *source = c->r->source;
    bool *is_wanted = calloc(c->n_glances + 1, sizeof *is_wanted);
    size_t n_missing = 0;
    if (!is_wanted)
        return et_fail(c->err, ET_ENOMEM, -1, "no memory for the topics of a recording");
    for (size_t i = 0; i < c->n_glances; i++) {
        is_wanted[i] = c->glances[i].is_needed && !c->glances[i].is_read &&
                       source->info.channels[i].n_messages != 0 && !source->info.channels[i].is_row;
        n_missing += is_wanted[i];
        c->glances[i].is_read = c->glances[i].is_needed;
    }
    const struct et__range range = {.is_wanted = is_wanted, .in_file_order = true};
    struct et__raw raw;
    enum et_status st = n_missing > 0 ? source->ops->query(source, &range, c->err) : ET_END;
    while (st == ET_OK && n_missing > 0 &&
           (st = source->ops->next(source, &raw, c->err)) == ET_OK) {
        const size_t i = raw.i_channel;
        bool is_last = false;
        if (i >= c->n_glances || !is_wanted[i] || raw.bytes.n > SAMPLE_BYTES_MAX)
            continue;
        st = keep_sample(c, &c->glances[i], raw.bytes, n_samples_of(&source->info.channels[i]),
                         &is_last);
        if (is_last) {
            is_wanted[i] = false;
            n_missing--;
        }
    }
    free(is_wanted);
    return st == ET_END ? ET_OK : st;
}

static enum et_status define(struct et__choosing *c, size_t i_channel)
{
    if (c->has_def[i_channel] != ET__NO_DEF)
        return ET_OK;
    const struct et_channel *channel = &c->r->source->info.channels[i_channel];
    const struct et__glance *g = &c->glances[i_channel];
    const enum et_status st =
        et_message_define(&channel->schema, g->samples[0], c->arena, &c->defs[i_channel], c->err);
    if (st == ET_OK)
        c->has_def[i_channel] = c->is_trial ? ET__TRIAL_DEF : ET__DEF;
    return st;
}

/* ---- one profile ---- */

/* The channel that a rule's topic is: of several, the one with the most messages. */
static size_t find_channel(const struct et__choosing *c, const struct et_rule *rule)
{
    size_t found = SIZE_MAX;
    const struct et_channel *channels = c->r->source->info.channels;
    for (size_t i = 0; i < c->n_glances; i++) {
        const bool is_there =
            channels[i].is_row ? channels[i].n_messages != 0 : c->glances[i].n_samples > 0;
        if (is_there && et__leads_from(rule, &channels[i]) && et__robots_may(c, rule->stream, i) &&
            (found == SIZE_MAX || channels[i].n_messages > channels[found].n_messages))
            found = i;
    }
    return found;
}

/* Channels of the same topic, type and encoding, of one device, are one topic with several
 * publishers. */
static bool is_same_topic(const struct et__choosing *c, size_t i, size_t k)
{
    const struct et_channel *a = &c->r->source->info.channels[i];
    const struct et_channel *b = &c->r->source->info.channels[k];
    return i == k ||
           (c->is_open[i] && c->is_open[k] && c->robot_of[i] == c->robot_of[k] &&
            strcmp(et__plain(a), et__plain(b)) == 0 && et_str_eq(a->schema.name, b->schema.name) &&
            et_str_eq(a->schema.message_encoding, b->schema.message_encoding));
}

static enum et_status tap_of(struct trial *t, size_t i_channel, size_t *i_tap)
{
    for (*i_tap = 0; *i_tap < t->n_taps; (*i_tap)++)
        if (t->taps[*i_tap].i_channel == i_channel)
            return ET_OK;
    t->wants[t->n_taps] = (struct et__wants){.arena = t->c->arena};
    t->stampers[t->n_taps] = NULL;
    t->taps[t->n_taps++] = (struct et__tap){
        .i_channel = i_channel, .stamp = {.i_path = SIZE_MAX}, .i_sequence = SIZE_MAX};
    return ET_OK;
}

static bool is_text(enum et_quantity quantity)
{
    return quantity == ET_QUANTITY_EVENT || quantity == ET_QUANTITY_TEXT;
}

static enum et_status rule_failed(const struct trial *t, const struct et_rule *rule,
                                  const char *reason)
{
    return et_fail(t->c->err, ET_ECORRUPT, rule->line, "%.80s:%d: %.40s from %.60s: %.120s",
                   t->profile.path, rule->line, rule->stream, rule->topic, reason);
}

/* Several rules may take the same place of the same messages. SIZE_MAX: none has yet. */
static size_t find_field(const struct trial *t, size_t i_channel, const char *text,
                         enum et_quantity quantity)
{
    for (size_t i = 0; i < t->n_fields; i++)
        if (t->fields[i].i_channel == i_channel && strcmp(t->fields[i].text, text) == 0 &&
            t->views[i].is_video == is_picture(quantity) &&
            t->views[i].is_text == is_text(quantity))
            return i;
    return SIZE_MAX;
}

/* What a rule says of the stamp counts for all of its topic's streams, in whatever order they are
 * listed; what is said by none is found. */
static enum et_status add_stamp(struct trial *t, const struct et_rule *rule, size_t i_channel,
                                size_t i_tap)
{
    const struct et_rule **stamper = &t->stampers[i_tap];
    if (*stamper && !rule->stamp)
        return ET_OK;
    if (*stamper && (*stamper)->stamp && strcmp((*stamper)->stamp, rule->stamp) != 0)
        return et_fail(t->c->err, ET_EARG, -1, "its stamp is %.40s, that of line %d is %.40s",
                       rule->stamp, (*stamper)->line, (*stamper)->stamp);
    *stamper = rule;
    return et__stamp_compile(&t->c->defs[i_channel], rule, &t->wants[i_tap], &t->taps[i_tap].stamp,
                             t->c->err);
}

/* What a rule says that a channel is called: where several devices with one topic are seen, each
 * has its own name. NULL: the arena is full. */
static const char *label_of(const struct trial *t, size_t i_channel)
{
    const struct et__choosing *c = t->c;
    const struct et_channel *channels = c->r->source->info.channels;
    const struct et_channel *channel = &channels[i_channel];
    for (size_t i = 0; i < c->n_glances; i++)
        if (c->is_open[i] && c->robot_of[i] != c->robot_of[i_channel] && channel->device &&
            strcmp(et__plain(&channels[i]), et__plain(channel)) == 0)
            return et_arena_printf(c->arena, "%s of %s", et__plain(channel), channel->device);
    return et__plain(channel);
}

/* Compiles what a rule takes of one channel. `rule` gets the recording's own topic and field. */
static enum et_status compile_rule(struct trial *t, struct et_rule *rule, size_t i_channel)
{
    struct et__choosing *c = t->c;
    struct et__field *field = &t->fields[t->n_fields];
    const struct et_channel *channel = &c->r->source->info.channels[i_channel];
    const enum et_quantity quantity = et__quantity_of(rule);
    const size_t i_found = find_field(t, i_channel, rule->field, quantity);
    size_t i_tap;
    enum et_status st = tap_of(t, i_channel, &i_tap);
    if (st == ET_OK && !channel->is_row)
        st = define(c, i_channel);
    if (i_found != SIZE_MAX) {
        t->askers[i_found].goes_by_names = t->askers[i_found].goes_by_names && rule->names;
        return st == ET_OK && !channel->is_row ? add_stamp(t, rule, i_channel, i_tap) : st;
    }
    *field = (struct et__field){.i_tap = i_tap, .i_channel = i_channel, .text = rule->field};
    t->askers[t->n_fields] = (struct asker){rule, rule->names != NULL};
    const char *label = is_star_topic(rule->topic) ? et__plain(channel) : rule->topic;
    t->views[t->n_fields] = (struct et_feature_view){.path = label,
                                                     .field = rule->field,
                                                     .is_video = is_picture(quantity),
                                                     .is_text = is_text(quantity)};
    if (st == ET_OK && !channel->is_row)
        st = et__field_compile(&c->defs[i_channel], channel, rule->field, quantity,
                               &t->wants[i_tap], field, c->err);
    if (st == ET_OK && !channel->is_row)
        st = add_stamp(t, rule, i_channel, i_tap);
    t->n_fields += st == ET_OK;
    return st;
}

static enum et_status add_field(struct trial *t, struct et_rule *rule, size_t i_channel)
{
    const struct et_channel *channel = &t->c->r->source->info.channels[i_channel];
    const size_t n_before = t->n_fields;
    const char *text =
        rule->field ? rule->field : et__known_field(channel->schema.name, et__quantity_of(rule));
    if (!is_star_topic(rule->topic) && !(rule->topic = label_of(t, i_channel)))
        return full(t->c);
    rule->field = text && !channel->is_row ? text : "";
    const enum et_status st = compile_rule(t, rule, i_channel);
    if (st != ET_OK && !et__is_of_system(st) && st != ET_ELIMIT) {
        const struct et_err inner = *t->c->err;
        (void)rule_failed(t, rule, inner.text);
        return t->c->err->status = st == ET_EUNSUPPORTED ? st : ET_ECORRUPT;
    }
    if (st == ET_OK && channel->is_row && t->n_fields > n_before) {
        struct et_feature_view *view = &t->views[n_before];
        view->is_video = channel->is_picture;
        view->n_values = channel->n_values;
        view->names = channel->names;
    }
    return st;
}

static enum et_status add_rule(struct trial *t, struct et_rule *rule)
{
    struct et__choosing *c = t->c;
    if (!rule->topic)
        return ET_OK;
    if (!is_star_topic(rule->topic)) {
        const size_t i_channel = find_channel(c, rule);
        return i_channel == SIZE_MAX ? ET_OK : add_field(t, rule, i_channel);
    }
    enum et_status st = ET_OK;
    const struct et_channel *channels = c->r->source->info.channels;
    for (size_t i = 0; i < c->n_glances && st == ET_OK; i++) {
        const bool is_there =
            channels[i].is_row ? channels[i].is_picture : c->glances[i].n_samples > 0;
        if (is_there && c->is_open[i] && et__leads_from(rule, &channels[i]))
            st = add_field(t, rule, i);
    }
    return st;
}

/* ROS 1's senders count their messages. */
static enum et_status want_sequence(struct trial *t, struct et__tap *tap, struct et__wants *wants)
{
    const struct et_message_def *def = &t->c->defs[tap->i_channel];
    const struct et_message_path *paths;
    size_t n;
    if (!def->def || def->encoding != ET_MESSAGE_ROS1)
        return ET_OK;
    const enum et_status st = et_message_paths(def, t->c->arena, &paths, &n, t->c->err);
    if (st != ET_OK || !et__has_path(paths, n, "header.seq"))
        return st;
    tap->i_sequence = et__want(wants, "header.seq", ET_MESSAGE_INTEGERS);
    return tap->i_sequence == SIZE_MAX ? full(t->c) : ET_OK;
}

static bool is_path_of(const struct et__field *field, size_t i_path)
{
    const struct et__picture_paths *p = &field->picture;
    for (size_t k = 0; k < field->n_paths; k++)
        if (field->paths[k] == i_path)
            return true;
    return i_path == field->i_text || i_path == field->i_detail || i_path == field->i_names ||
           i_path == p->data || i_path == p->format || i_path == p->pixels;
}

/* The rule that asks for a path of a tap; NULL: none of them does. */
static const struct et_rule *asker_of(const struct trial *t, size_t i_tap, size_t i_path)
{
    for (size_t i = 0; i < t->n_fields; i++)
        if (t->fields[i].i_tap == i_tap && is_path_of(&t->fields[i], i_path))
            return t->askers[i].rule;
    return t->taps[i_tap].stamp.i_path == i_path ? t->stampers[i_tap] : NULL;
}

/* A tap whose program cannot be made: which rule asks for what is not there. */
static enum et_status blame(struct trial *t, size_t i_tap, const struct et_err *why)
{
    const struct et__tap *tap = &t->taps[i_tap];
    for (size_t i = 0; i < t->wants[i_tap].n; i++) {
        struct et_message_program *program = NULL;
        struct et_err inner = {0};
        const enum et_status st = et_message_program_open(
            &program, &t->c->defs[tap->i_channel], &t->wants[i_tap].items[i], 1, NULL, &inner);
        et_message_program_close(program);
        const struct et_rule *rule = st != ET_OK ? asker_of(t, i_tap, i) : NULL;
        if (rule)
            return rule_failed(t, rule, inner.text);
    }
    return et_fail(t->c->err, ET_ECORRUPT, -1, "%.80s, topic %.80s: %.150s", t->profile.path,
                   t->c->r->source->info.channels[tap->i_channel].topic, why->text);
}

/* A sample that can be decoded must be among the first ones. */
static enum et_status try_samples(struct trial *t, struct et__tap *tap)
{
    const struct et__glance *g = &t->c->glances[tap->i_channel];
    enum et_status st = ET_ECORRUPT;
    struct et_err first = {0};
    for (size_t k = 0; k < g->n_samples && st != ET_OK && st != ET_ENOMEM; k++) {
        st = et_message_run(tap->program, g->samples[k], t->c->err);
        if (k == 0)
            first = *t->c->err;
    }
    if (st != ET_OK && st != ET_ENOMEM)
        *t->c->err = first;
    return st;
}

static enum et_status compile_tap(struct trial *t, size_t i)
{
    struct et__choosing *c = t->c;
    struct et__tap *tap = &t->taps[i];
    if (c->r->source->info.channels[tap->i_channel].is_row)
        return ET_OK;
    enum et_status st = want_sequence(t, tap, &t->wants[i]);
    if (st == ET_OK)
        st = et_message_program_open(&tap->program, &c->defs[tap->i_channel], t->wants[i].items,
                                     t->wants[i].n, NULL, c->err);
    if (st == ET_OK)
        st = try_samples(t, tap);
    if (st == ET_OK || et__is_of_system(st))
        return st;
    const struct et_err inner = *c->err;
    return blame(t, i, &inner);
}

/* Values as they are looked at: of the longest message; where all rules go by names, those of other
 * publishers too. */
struct looking {
    struct et_feature_view *view;
    const char **names; // NULL: not all have one
    size_t cap;
    bool should_unite;
};

static bool has_name(const struct looking *l, struct et_str name)
{
    for (size_t i = 0; i < l->view->n_values; i++)
        if (et_str_is(name, l->names[i]))
            return true;
    return false;
}

static enum et_status add_name(struct trial *t, struct looking *l, struct et_str name)
{
    if (l->view->n_values == l->cap) {
        const size_t cap = l->cap ? 2 * l->cap : 64;
        const char **names = et_arena_array(t->c->arena, cap, sizeof *names);
        if (!names)
            return full(t->c);
        if (l->view->n_values > 0)
            memcpy(names, l->names, l->view->n_values * sizeof *names);
        l->names = names;
        l->cap = cap;
    }
    const bool is_fit = et_name_check(name, "a value's name", NULL) == ET_OK;
    const char *text = is_fit ? et_arena_copy(t->c->arena, name.p, name.n) : "";
    if (!text)
        return full(t->c);
    l->names[l->view->n_values++] = text;
    return ET_OK;
}

/* One message's values. The first that has any says how many there are. */
static enum et_status look_at_message(struct trial *t, const struct et__field *field,
                                      struct looking *l)
{
    const struct et_message_program *program = t->taps[field->i_tap].program;
    size_t n = 0;
    for (size_t k = 0; k < field->n_paths; k++)
        n += et_message_values(program, field->paths[k])->n;
    const struct et_message_values *names =
        field->i_names != SIZE_MAX ? et_message_values(program, field->i_names) : NULL;
    const bool is_named = names && names->n == n;
    const bool is_first = l->view->n_values == 0;
    enum et_status st = ET_OK;
    if (n == 0 || (!is_first && (!l->should_unite || !is_named || !l->names)))
        return ET_OK;
    if (!is_named) {
        l->view->n_values = n; // a publisher that names nothing, or some only
        return ET_OK;
    }
    for (size_t i = 0; i < n && st == ET_OK; i++)
        if (is_first || !has_name(l, names->views[i]))
            st = add_name(t, l, names->views[i]);
    return st;
}

/* How many values the first messages have, and what they are called. */
static enum et_status look_at(struct trial *t, size_t i)
{
    const struct et__field *field = &t->fields[i];
    struct et_message_program *program = t->taps[field->i_tap].program;
    struct et_feature_view *view = &t->views[i];
    struct looking l = {.view = view, .should_unite = t->askers[i].goes_by_names};
    if (!program || view->is_video || view->is_text)
        return ET_OK;
    for (size_t k = 0; k < t->c->n_glances; k++) {
        // The field's own channel first, then the topic's other publishers.
        const size_t i_channel = k == 0 ? field->i_channel : k <= field->i_channel ? k - 1 : k;
        const struct et__glance *g = &t->c->glances[i_channel];
        if (!is_same_topic(t->c, field->i_channel, i_channel))
            continue;
        for (size_t m = 0; m < g->n_samples; m++) {
            if (et_message_run(program, g->samples[m], NULL) != ET_OK)
                continue;
            const enum et_status st = look_at_message(t, field, &l);
            if (st != ET_OK)
                return st;
        }
    }
    view->names = l.names;
    return ET_OK;
}

static void trial_close(struct trial *t)
{
    for (size_t i = 0; i < t->n_taps; i++) {
        et_message_program_close(t->taps[i].program);
        t->taps[i].program = NULL;
    }
    t->n_taps = 0;
}

static enum et_status try_profile(struct trial *t, const struct et_profile *profile)
{
    struct et_arena *arena = t->c->arena;
    const size_t n_rules = profile->n_rules, n_max = n_rules * (t->c->n_glances + 1);
    struct et_rule *rules = et_arena_array(arena, n_rules, sizeof *rules);
    t->taps = et_arena_array(arena, t->c->n_glances, sizeof *t->taps);
    t->wants = et_arena_array(arena, t->c->n_glances, sizeof *t->wants);
    t->fields = et_arena_array(arena, n_max, sizeof *t->fields);
    t->views = et_arena_array(arena, n_max, sizeof *t->views);
    t->stampers = et_arena_array(arena, t->c->n_glances, sizeof(const struct et_rule *));
    t->askers = et_arena_array(arena, n_max, sizeof *t->askers);
    if (!rules || !t->taps || !t->wants || !t->fields || !t->views || !t->stampers || !t->askers)
        return full(t->c);
    if (n_rules > 0)
        memcpy(rules, profile->rules, n_rules * sizeof *rules);
    t->profile = *profile;
    t->profile.rules = rules;
    enum et_status st = ET_OK;
    for (size_t i = 0; i < n_rules && st == ET_OK; i++)
        st = add_rule(t, &rules[i]);
    for (size_t i = 0; i < t->n_taps && st == ET_OK; i++)
        st = compile_tap(t, i);
    for (size_t i = 0; i < t->n_fields && st == ET_OK; i++)
        st = look_at(t, i);
    if (st == ET_OK)
        st = et_profile_bind_topics(&t->profile, t->views, t->n_fields, arena, &t->binding,
                                    t->c->err);
    return st;
}

/* ---- taking a binding over ---- */

static enum et_status make_lane(struct trial *t, const struct et_bound_stream *bound,
                                struct et__lane *lane)
{
    struct et_arena *arena = t->c->arena;
    const size_t n = bound->stream.n_values;
    lane->field = &t->fields[bound->i_feature];
    lane->bound = bound;
    lane->columns = et_arena_array(arena, n, sizeof *lane->columns);
    lane->values = et_arena_array(arena, n, sizeof *lane->values);
    if (!lane->columns || !lane->values)
        return full(t->c);
    if (n > 0 && bound->columns)
        memcpy(lane->columns, bound->columns, n * sizeof *lane->columns);
    return ET_OK;
}

static enum et_status list_streams(struct trial *t)
{
    struct et_recording *r = t->c->r;
    const size_t n = t->binding.n_streams;
    struct et_recorded_stream *streams = et_arena_array(r->arena, n, sizeof *streams);
    r->lanes = et_arena_array(r->arena, n, sizeof *r->lanes);
    r->is_asked = et_arena_array(r->arena, n, sizeof *r->is_asked);
    if (!streams || !r->lanes || !r->is_asked)
        return full(t->c);
    for (size_t i = 0; i < n; i++) {
        const struct et_bound_stream *bound = &t->binding.streams[i];
        const struct et__field *field = &t->fields[bound->i_feature];
        struct et__tap *tap = &t->taps[field->i_tap];
        const enum et_status st = make_lane(t, bound, &r->lanes[i]);
        if (st != ET_OK)
            return st;
        if (!tap->streams)
            tap->streams = et_arena_array(r->arena, n, sizeof *tap->streams);
        if (!tap->streams)
            return full(t->c);
        tap->streams[tap->n_streams++] = i;
        const size_t i_stamp = tap->stamp.i_path;
        streams[i] = (struct et_recorded_stream){
            .stream = bound->stream,
            .i_channel = field->i_channel,
            .field = field->text,
            .stamp = tap->program && i_stamp != SIZE_MAX
                         ? et_message_program_path(tap->program, i_stamp)->path
                         : NULL,
            .line = bound->rule->line};
        streams[i].stream.rate_hz = r->source->info.rate_hz;
    }
    r->binding.streams = streams;
    r->binding.n_streams = n;
    return ET_OK;
}

static enum et_status map_taps(struct trial *t)
{
    struct et_recording *r = t->c->r;
    r->n_tap_of = t->c->n_glances;
    r->tap_of = et_arena_array(r->arena, r->n_tap_of, sizeof *r->tap_of);
    if (!r->tap_of)
        return full(t->c);
    for (size_t i = 0; i < r->n_tap_of; i++) {
        for (size_t k = 0; k < t->n_taps; k++) {
            if (t->taps[k].n_streams > 0 && is_same_topic(t->c, t->taps[k].i_channel, i))
                r->tap_of[i] = k + 1;
        }
    }
    return ET_OK;
}

/* Topics that no rule takes are told, so that a profile can be made whole. */
static enum et_status list_remarks(struct trial *t)
{
    struct et_recording *r = t->c->r;
    const struct et_recording_info *info = &r->source->info;
    const char **remarks =
        et_arena_array(r->arena, t->binding.n_remarks + r->n_tap_of, sizeof *remarks);
    size_t n = 0;
    if (!remarks)
        return full(t->c);
    for (; n < t->binding.n_remarks; n++)
        remarks[n] = t->binding.remarks[n];
    for (size_t i = 0; i < r->n_tap_of; i++) {
        const size_t k = t->c->robot_of[i];
        if (r->tap_of[i] || (k != SIZE_MAX && t->c->robots[k].is_rival))
            continue; // robots that are left out are told by name
        const struct et_channel *channel = &info->channels[i];
        const char *why = channel->n_messages == 0 ? "has no messages" : "is taken by no rule";
        remarks[n] = et_arena_printf(r->arena, "%s (%.*s) %s", channel->topic,
                                     (int)channel->schema.name.n, channel->schema.name.p, why);
        if (!remarks[n++])
            return full(t->c);
    }
    r->binding.remarks = remarks;
    r->binding.n_remarks = n;
    return ET_OK;
}

static enum et_status take_over(struct trial *t, const struct et_profile *profile)
{
    struct et_recording *r = t->c->r;
    enum et_status st = list_streams(t);
    if (st == ET_OK)
        st = map_taps(t);
    if (st == ET_OK)
        st = list_remarks(t);
    if (st != ET_OK)
        return st;
    r->taps = t->taps;
    r->n_taps = t->n_taps;
    t->n_taps = 0; // they are the recording's now
    r->binding.profile = profile;
    return ET_OK;
}

/* ---- for whoever chooses ---- */

enum et_status et__choose_define(struct et__choosing *c)
{
    enum et_status st = ET_OK;
    for (size_t i = 0; i < c->n_glances && !et__is_of_system(st); i++)
        st = c->glances[i].n_samples > 0 ? define(c, i) : ET_OK;
    return et__is_of_system(st) ? st : ET_OK;
}

static enum et_status add_offer(struct et__offer *offer, const struct et_binding *binding,
                                struct et_err *err)
{
    offer->n = offer->n_words = offer->n_joints = 0;
    if (binding->n_streams > offer->cap) {
        free(offer->streams);
        offer->streams = calloc(binding->n_streams, sizeof *offer->streams);
        offer->cap = offer->streams ? binding->n_streams : 0;
    }
    if (binding->n_streams > offer->cap)
        return et_fail(err, ET_ENOMEM, -1, "no memory for the streams of a profile");
    for (size_t i = 0; i < binding->n_streams; i++) {
        const struct et_stream *stream = &binding->streams[i].stream;
        if (stream->quantity == ET_QUANTITY_POSITION && !stream->is_command)
            offer->n_joints += stream->n_values;
        if (is_text(stream->quantity))
            offer->n_words++;
        else
            offer->streams[offer->n++] = et_hash64(stream->name, strlen(stream->name));
    }
    return ET_OK;
}

enum et_status et__choose_try(struct et__choosing *c, const struct et_profile *profile,
                              struct et__offer *offer)
{
    const struct et_arena_mark mark = et_arena_mark(c->arena);
    struct trial t = {.c = c};
    c->is_trial = true;
    enum et_status st = try_profile(&t, profile);
    offer->n = offer->n_words = offer->n_joints = 0;
    if (st == ET_OK)
        st = add_offer(offer, &t.binding, c->err);
    trial_close(&t);
    et_arena_rewind(c->arena, mark);
    c->is_trial = false;
    for (size_t i = 0; i < c->n_glances; i++)
        c->has_def[i] = c->has_def[i] == ET__TRIAL_DEF ? ET__NO_DEF : c->has_def[i];
    return et__is_of_system(st) ? st : ET_OK;
}

enum et_status et__choose_bind(struct et__choosing *c, const struct et_profile *profile)
{
    struct trial t = {.c = c};
    enum et_status st = try_profile(&t, profile);
    if (st == ET_OK)
        st = take_over(&t, profile);
    trial_close(&t);
    return st;
}
