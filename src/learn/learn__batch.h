/* Batches where a device sees them: a copy in its memory, for a network to be trained on. */
#ifndef LEARN__BATCH_H
#define LEARN__BATCH_H

#include "learn/learn__net.h"

struct et__sent_batch {
    struct et__net_batch batch; // whose pointers are the device's
    const struct et__net *net;
    const struct et__kernels *kernels;
    void *device;
    bool has_mask; // some of what is to be learned is not given
};

/* Room for the samples of `like`, a batch of the network's, in the device's memory, and for a mask
   where it has one. ET_ENOMEM. */
ET_MUST_USE enum et_status et__sent_batch_open(struct et__sent_batch *sent,
                                               const struct et__net *net,
                                               const struct et__kernels *kernels, void *device,
                                               const struct et__net_batch *like,
                                               struct et_err *err);
void et__sent_batch_close(struct et__sent_batch *sent); // zeroed is allowed
/* Samples first … last − 1 of a batch, with a mask if `like` had one, go there, to their places. */
void et__batch_send(struct et__sent_batch *sent, const struct et__net_batch *batch, size_t first,
                    size_t last);

#endif
