// Names, patterns and qualities of service, between DDS and ROS 2.
#include "record/record__dds.h"

#include <stdio.h>

static void copy(char name[ET__DDS_NAME_BYTES], const char *text)
{
    (void)snprintf(name, ET__DDS_NAME_BYTES, "%s", text);
}

void et__dds_topic_name(const char *dds_name, char name[ET__DDS_NAME_BYTES])
{
    copy(name, strncmp(dds_name, "rt/", 3) == 0 ? dds_name + 2 : dds_name);
}

// Only what has all the marks of ROS 2 is taken for it: package, kind, "dds_", and a last '_'.
void et__dds_type_name(const char *dds_type, char name[ET__DDS_NAME_BYTES])
{
    static const char *const KINDS[] = {"msg", "srv", "action"};
    const size_t n = strlen(dds_type);

    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        char middle[24];
        const int n_middle = snprintf(middle, sizeof middle, "::%s::dds_::", KINDS[i]);
        const char *at = strstr(dds_type, middle);
        if (!at || at == dds_type || dds_type[n - 1] != '_' || strstr(at + n_middle, "::"))
            continue;
        const char *last = at + n_middle;
        (void)snprintf(name, ET__DDS_NAME_BYTES, "%.*s/%s/%.*s", (int)(at - dds_type), dds_type,
                       KINDS[i], (int)(dds_type + n - 1 - last), last);
        return;
    }
    copy(name, dds_type);
}

void et__dds_name_of_topic(const char *topic, char dds_name[ET__DDS_NAME_BYTES])
{
    (void)snprintf(dds_name, ET__DDS_NAME_BYTES, "%s%s", topic[0] == '/' ? "rt" : "", topic);
}

void et__dds_name_of_type(const char *type, char dds_name[ET__DDS_NAME_BYTES])
{
    const char *first = strchr(type, '/'), *last = strrchr(type, '/');
    if (!first || first == last || strchr(first + 1, '/') != last)
        copy(dds_name, type);
    else
        (void)snprintf(dds_name, ET__DDS_NAME_BYTES, "%.*s::%.*s::dds_::%s_", (int)(first - type),
                       type, (int)(last - first - 1), first + 1, last + 1);
}

// The last '*' that was met takes as much as is needed, so that no step is made twice for another.
bool et__dds_fits(const char *pattern, const char *text)
{
    const char *star = NULL, *from = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            from = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++from;
        } else
            return false;
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

/* ---- qualities of service ---- */

static void put_duration(struct et_buf *buf, const char *key, dds_duration_t ns)
{
    // What rmw calls infinite.
    const bool is_infinite = ns == DDS_INFINITY;
    et_buf_printf(buf, "  %s:\n    sec: %" PRId64 "\n    nsec: %" PRId64 "\n", key,
                  is_infinite ? 9223372036 : ns / DDS_NSECS_IN_SEC,
                  is_infinite ? 854775807 : ns % DDS_NSECS_IN_SEC);
}

// Numbers are those of rmw_qos_*_policy_e, which every version of rosbag2 reads.
void et__dds_qos_text(const dds_qos_t *qos, char text[ET__DDS_QOS_BYTES])
{
    dds_history_kind_t history;
    dds_reliability_kind_t reliability = DDS_RELIABILITY_BEST_EFFORT;
    dds_durability_kind_t durability = DDS_DURABILITY_VOLATILE;
    dds_liveliness_kind_t liveliness = DDS_LIVELINESS_AUTOMATIC;
    dds_duration_t deadline = DDS_INFINITY, lifespan = DDS_INFINITY, lease = DDS_INFINITY;
    int32_t depth = 0;
    struct et_buf buf = et_buf(ET__DDS_QOS_BYTES - 1);

    const bool has_history = dds_qget_history(qos, &history, &depth);
    (void)dds_qget_reliability(qos, &reliability, NULL);
    (void)dds_qget_durability(qos, &durability);
    (void)dds_qget_deadline(qos, &deadline);
    (void)dds_qget_lifespan(qos, &lifespan);
    (void)dds_qget_liveliness(qos, &liveliness, &lease);
    et_buf_printf(&buf, "- history: %d\n  depth: %d\n  reliability: %d\n  durability: %d\n",
                  !has_history                       ? 3
                  : history == DDS_HISTORY_KEEP_LAST ? 1
                                                     : 2,
                  has_history ? depth : 0, reliability == DDS_RELIABILITY_RELIABLE ? 1 : 2,
                  durability == DDS_DURABILITY_VOLATILE ? 2 : 1);
    put_duration(&buf, "deadline", deadline);
    put_duration(&buf, "lifespan", lifespan);
    et_buf_printf(&buf, "  liveliness: %d\n",
                  liveliness == DDS_LIVELINESS_AUTOMATIC               ? 1
                  : liveliness == DDS_LIVELINESS_MANUAL_BY_PARTICIPANT ? 2
                                                                       : 3);
    put_duration(&buf, "liveliness_lease_duration", lease);
    et_buf_puts(&buf, "  avoid_ros_namespace_conventions: false\n");
    (void)snprintf(text, ET__DDS_QOS_BYTES, "%s", et_buf_text(&buf));
    et_buf_free(&buf);
}

const char *et__dds_policy_name(uint32_t policy)
{
    static const char *const NAMES[] = {
        [DDS_DURABILITY_QOS_POLICY_ID] = "durability",
        [DDS_PRESENTATION_QOS_POLICY_ID] = "presentation",
        [DDS_DEADLINE_QOS_POLICY_ID] = "deadline",
        [DDS_LATENCYBUDGET_QOS_POLICY_ID] = "latency budget",
        [DDS_OWNERSHIP_QOS_POLICY_ID] = "ownership",
        [DDS_LIVELINESS_QOS_POLICY_ID] = "liveliness",
        [DDS_PARTITION_QOS_POLICY_ID] = "partition",
        [DDS_RELIABILITY_QOS_POLICY_ID] = "reliability",
        [DDS_DESTINATIONORDER_QOS_POLICY_ID] = "destination order",
        [DDS_DATA_REPRESENTATION_QOS_POLICY_ID] = "data representation",
    };
    const bool is_known = policy < sizeof NAMES / sizeof *NAMES && NAMES[policy];
    return is_known ? NAMES[policy] : "a quality of service";
}
