/* A place on the network: a participant in a domain whose settings are ours.
 *
 * Domains belong to the process, and Cyclone keeps the table of them: who asks for one that is
 * there takes part in it as it is, and who leaves it last ends it. */
#include "record/record__dds.h"

#include <dds/ddsrt/log.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONFIG_BYTES_MAX ((size_t)64 << 10)
#define PARTICIPANTS_MAX 32 // of one computer, where they have to find each other by numbers

static pthread_mutex_t domains = PTHREAD_MUTEX_INITIALIZER; // one joins or leaves at a time

uint64_t et__dds_buffer_max(void)
{
    unsigned long long n = 0;
    FILE *f = fopen("/proc/sys/net/core/rmem_max", "re");
    if (f && fscanf(f, "%llu", &n) != 1)
        n = 0;
    if (f)
        (void)fclose(f);
    return n;
}

static bool is_loopback(const char *interface)
{
    struct ifreq request = {.ifr_flags = 0};
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    const bool is = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_LOOPBACK);
    (void)close(fd);
    return is;
}

/* Loopback is said to know no multicast and does; where it does not, or others do not use it, all
 * are found by their numbers. */
static void put_places(struct et_buf *xml, const struct et__dds_net *net)
{
    const bool is_here = net->interface && is_loopback(net->interface);
    if (net->interface)
        et_buf_printf(xml,
                      "<General><Interfaces><NetworkInterface name=\"%s\"%s/></Interfaces>"
                      "</General>",
                      net->interface, is_here ? " multicast=\"true\"" : "");
    if (!is_here && net->n_peers == 0)
        return;
    et_buf_printf(xml,
                  "<Discovery><ParticipantIndex>auto</ParticipantIndex>"
                  "<MaxAutoParticipantIndex>%d</MaxAutoParticipantIndex><Peers>",
                  PARTICIPANTS_MAX - 1);
    if (is_here)
        et_buf_puts(xml, "<Peer address=\"127.0.0.1\"/>");
    for (size_t i = 0; i < net->n_peers; i++)
        et_buf_printf(xml, "<Peer address=\"%s\"/>", net->peers[i]);
    et_buf_puts(xml, "</Peers></Discovery>");
}

/* What the environment says counts where the settings say nothing of places. A buffer that is asked
 * for as the most is given as far as the system lets it; as the least it would be a condition. */
static enum et_status make_config(struct et_buf *xml, const struct et__dds_net *net,
                                  struct et_err *err)
{
    const char *own = getenv("CYCLONEDDS_URI");
    if (own && *own && !net->interface && net->n_peers == 0)
        et_buf_printf(xml, "%s,", own);
    et_buf_puts(xml, "<CycloneDDS><Domain id=\"any\">");
    put_places(xml, net);
    et_buf_printf(xml,
                  "<Internal><SocketReceiveBufferSize max=\"%" PRIu64 "B\"/></Internal>"
                  "</Domain></CycloneDDS>",
                  net->receive_buffer_bytes);
    return et_buf_check(xml, "settings of DDS", err);
}

// The library prints nothing; what Cyclone says while it joins is part of the error.
static void hear_log(void *ctx, const dds_log_data_t *data)
{
    struct et_buf *text = ctx;
    if (!text || !data->message)
        return;
    const struct et_str said = et_str_trim((struct et_str){data->message, data->size});
    if (text->n > 0)
        et_buf_puts(text, "; ");
    et_buf_putstr(text, said);
}

static enum et_status join(dds_entity_t *participant, const struct et__dds_net *net,
                           const char *xml, struct et_err *err)
{
    const dds_entity_t domain = dds_create_domain(net->domain, xml);
    if (domain < 0 && domain != DDS_RETCODE_PRECONDITION_NOT_MET)
        return et_fail(err, ET_EIO, -1, "DDS domain %u: %s", net->domain, dds_strretcode(domain));
    *participant = dds_create_participant(net->domain, NULL, NULL);
    if (*participant > 0)
        return ET_OK;
    const dds_return_t why = *participant;
    *participant = 0;
    if (domain > 0)
        (void)dds_delete(domain);
    return et_fail(err, ET_EIO, -1, "a place in DDS domain %u: %s", net->domain,
                   dds_strretcode(why));
}

enum et_status et__dds_join(dds_entity_t *participant, const struct et__dds_net *net,
                            struct et_err *err)
{
    struct et_buf xml = et_buf(CONFIG_BYTES_MAX), said = et_buf(ET_ERR_TEXT_BYTES);
    *participant = 0;
    if (net->interface && if_nametoindex(net->interface) == 0)
        return et_fail(err, ET_AGAIN, -1, "there is no interface %s", net->interface);
    enum et_status st = make_config(&xml, net, err);
    if (st == ET_OK) {
        (void)pthread_mutex_lock(&domains);
        dds_set_log_sink(hear_log, &said);
        st = join(participant, net, et_buf_text(&xml), err);
        dds_set_log_sink(hear_log, NULL);
        (void)pthread_mutex_unlock(&domains);
        if (st != ET_OK && said.n > 0 && err) {
            const size_t n = strlen(err->text);
            (void)snprintf(err->text + n, sizeof err->text - n, " (%s)", et_buf_text(&said));
        }
    }
    et_buf_free(&xml);
    et_buf_free(&said);
    return st;
}

void et__dds_leave(dds_entity_t participant)
{
    if (participant <= 0)
        return;
    (void)pthread_mutex_lock(&domains);
    const dds_entity_t domain = dds_get_parent(participant);
    (void)dds_delete(participant);
    if (domain > 0 && dds_get_children(domain, NULL, 0) == 0)
        (void)dds_delete(domain);
    (void)pthread_mutex_unlock(&domains);
}
