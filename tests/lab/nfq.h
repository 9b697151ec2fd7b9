/*
 * A netfilter queue, for the lab's programs: opened, read, closed.  The
 * programs decide packet by packet, now or later.
 */
#ifndef RSTHOP_LAB_NFQ_H
#define RSTHOP_LAB_NFQ_H

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netlink.h>

#define NFQ_ROOM  32768	    /* packets that may wait in the kernel */
#define NFQ_FRAME 0xffff    /* bytes of each that are copied to us */
#define NFQ_BYTES (8 << 20) /* of socket buffer */

struct nfq {
	struct nfq_handle *handle;
	struct nfq_q_handle *queue;
	int fd;
};

/* mode: NFQNL_COPY_META or NFQNL_COPY_PACKET. */
static inline void
nfq_start(
    struct nfq *q, uint16_t number, uint8_t mode, nfq_callback *cb, void *ctx)
{
	int one = 1;

	q->handle = nfq_open();
	if (q->handle == NULL)
		err(3, "netfilter queue: not root, or not in this kernel");
	q->queue = nfq_create_queue(q->handle, number, cb, ctx);
	if (q->queue == NULL)
		err(3, "netfilter queue %u: taken by another program?", number);
	if (nfq_set_mode(q->queue, mode, NFQ_FRAME) < 0 ||
	    nfq_set_queue_maxlen(q->queue, NFQ_ROOM) < 0)
		err(3, "netfilter queue %u", number);
	nfnl_rcvbufsiz(nfq_nfnlh(q->handle), NFQ_BYTES);
	q->fd = nfq_fd(q->handle);
	/* A burst beyond the buffer loses packets; it must not end us. */
	setsockopt(q->fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof(one));
}

/* One message of the kernel's to the callback; false once that is over. */
static inline bool
nfq_read(struct nfq *q)
{
	static char buf[NFQ_FRAME + 4096]
	    __attribute__((aligned(__BIGGEST_ALIGNMENT__)));
	ssize_t n;

	n = recv(q->fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN || errno == ENOBUFS;
	nfq_handle_packet(q->handle, buf, (int)n);
	return true;
}

static inline uint32_t
nfq_id(struct nfq_data *data)
{
	const struct nfqnl_msg_packet_hdr *h = nfq_get_msg_packet_hdr(data);

	return h == NULL ? 0 : ntohl(h->packet_id);
}

static inline void
nfq_stop(struct nfq *q)
{
	if (q->queue != NULL)
		nfq_destroy_queue(q->queue);
	if (q->handle != NULL)
		nfq_close(q->handle);
}

#endif
