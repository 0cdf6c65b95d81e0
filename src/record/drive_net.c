/* The way to a robot through DDS: its state, the commands, and who else writes either. */
#include "record/record__drive.h"

#include <stdio.h>

#define BATCH 16
#define OTHERS_MAX (sizeof((struct et__drive_net *)NULL)->others / sizeof(dds_instance_handle_t))

static const dds_data_representation_id_t FORMS[] = {DDS_DATA_REPRESENTATION_XCDR1,
                                                     DDS_DATA_REPRESENTATION_XCDR2};

// Only the newest counts; who writes reliably is heard, too.
static dds_entity_t make_reader(const struct et__drive_net *net)
{
    dds_qos_t *qos = dds_create_qos();
    const char *partitions[] = {"", "*"};
    dds_qset_reliability(qos, DDS_RELIABILITY_BEST_EFFORT, 0);
    dds_qset_durability(qos, DDS_DURABILITY_VOLATILE);
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, 1);
    dds_qset_data_representation(qos, 2, FORMS);
    dds_qset_partition(qos, 2, partitions);
    const dds_entity_t reader =
        dds_create_reader(net->participant, net->state_topic.topic, qos, NULL);
    dds_delete_qos(qos);
    return reader;
}

/* Reliable, for readers that ask for it; but a command that is late is worth nothing: the newest
 * alone is kept, and nobody is waited for. */
static dds_entity_t make_writer(const struct et__drive_net *net)
{
    dds_qos_t *qos = dds_create_qos();
    dds_qset_reliability(qos, DDS_RELIABILITY_RELIABLE, DDS_MSECS(1));
    dds_qset_durability(qos, DDS_DURABILITY_VOLATILE);
    dds_qset_history(qos, DDS_HISTORY_KEEP_LAST, 1);
    dds_qset_data_representation(qos, 1, FORMS);
    const dds_entity_t writer =
        dds_create_writer(net->participant, net->command_topic.topic, qos, NULL);
    dds_delete_qos(qos);
    return writer;
}

static enum et_status open_all(struct et__drive_net *net, const struct et_drive *drive,
                               struct et_err *err)
{
    char type[ET__DDS_NAME_BYTES];
    et__dds_name_of_topic(drive->state.topic, net->state_name);
    et__dds_name_of_type(drive->state.type, net->state_type);
    et__dds_name_of_topic(drive->command.topic, net->command_name);
    et__dds_name_of_type(drive->command.type, type);
    enum et_status st = et__dds_raw_open(&net->state_topic, net->participant, net->state_name,
                                         net->state_type, false, err);
    if (st == ET_OK)
        st = et__dds_raw_open(&net->command_topic, net->participant, net->command_name, type, false,
                              err);
    if (st != ET_OK)
        return st;
    net->reader = make_reader(net);
    net->writer = make_writer(net);
    net->writers =
        dds_create_reader(net->participant, DDS_BUILTIN_TOPIC_DCPSPUBLICATION, NULL, NULL);
    if (net->reader <= 0 || net->writer <= 0 || net->writers <= 0)
        return et_fail(err, ET_EIO, -1, "DDS makes no reader or writer: %s",
                       dds_strretcode(net->reader <= 0   ? net->reader
                                      : net->writer <= 0 ? net->writer
                                                         : net->writers));
    return dds_get_instance_handle(net->writer, &net->own) == DDS_RETCODE_OK
               ? ET_OK
               : et_fail(err, ET_EIO, -1, "DDS does not know its own writer");
}

enum et_status et__drive_net_open(struct et__drive_net *net, const struct et__dds_net *where,
                                  const struct et_drive *drive, struct et_err *err)
{
    *net = (struct et__drive_net){0};
    enum et_status st = et__dds_join(&net->participant, where, err);
    if (st != ET_OK)
        return st;
    st = open_all(net, drive, err);
    if (st != ET_OK)
        et__drive_net_close(net);
    return st;
}

void et__drive_net_close(struct et__drive_net *net)
{
    et__dds_leave(net->participant); // and all that is in it
    *net = (struct et__drive_net){0};
}

void et__drive_net_take(struct et__drive_net *net,
                        void (*hear)(void *ctx, const struct et__dds_sample *sample), void *ctx)
{
    et__dds_take(net->reader, hear, ctx);
}

bool et__drive_net_put(struct et__drive_net *net, const void *bytes, size_t n_bytes)
{
    return et__dds_raw_write(&net->command_topic, net->writer, bytes, n_bytes);
}

/* ---- who else is there ---- */

static void forget(struct et__drive_net *net, dds_instance_handle_t handle)
{
    for (size_t i = 0; i < net->n_others; i++)
        if (net->others[i] == handle) {
            net->others[i] = net->others[--net->n_others];
            return;
        }
}

static void meet(struct et__drive_net *net, const dds_builtintopic_endpoint_t *writer,
                 dds_instance_handle_t handle)
{
    if (strcmp(writer->topic_name, net->state_name) == 0 &&
        strcmp(writer->type_name, net->state_type) != 0) {
        net->has_other_type = true;
        et__dds_type_name(writer->type_name, net->other_type);
    }
    if (strcmp(writer->topic_name, net->command_name) != 0 || handle == net->own)
        return;
    forget(net, handle); // heard of it again
    if (net->n_others < OTHERS_MAX)
        net->others[net->n_others++] = handle;
}

void et__drive_net_look(struct et__drive_net *net)
{
    int32_t n;
    do {
        void *writers[BATCH] = {NULL};
        dds_sample_info_t info[BATCH];
        n = dds_take(net->writers, writers, info, BATCH, BATCH);
        for (int32_t i = 0; i < n; i++)
            if (info[i].valid_data && info[i].instance_state == DDS_IST_ALIVE)
                meet(net, writers[i], info[i].instance_handle);
            else
                forget(net, info[i].instance_handle);
        if (n > 0)
            (void)dds_return_loan(net->writers, writers, n);
    } while (n == BATCH);
}

size_t et__drive_net_n_readers(const struct et__drive_net *net)
{
    dds_publication_matched_status_t status;
    return dds_get_publication_matched_status(net->writer, &status) == DDS_RETCODE_OK
               ? status.current_count
               : 0;
}
