// The provider's hold on libibverbs. Every call into it that Go makes is one of these; Go hands over numbers and memory that C
// allocated, never memory of its own.
#ifndef EXCHANGE_VERBS_DEVICE_H
#define EXCHANGE_VERBS_DEVICE_H

#include <infiniband/verbs.h>
#include <stdint.h>

enum { X_STAGE = 96, X_INLINE = 64, X_DONE = 64 };

// x_port is an opened device with the port and the address to speak from.
struct x_port {
	struct ibv_context *context;
	char device[64];
	uint32_t vendor;
	int port, gid_index, infiniband;
	int mtu, reads, max_cqe, max_wr;
	uint16_t lid;
	uint8_t gid[16];
	int error; // errno of the call that failed
	const char *failed; // and which it was
};

// x_open opens the named device (or, name empty, the first with an active port). port and gid_index 0 choose.
int x_open(struct x_port *p, const char *name, int port, int gid_index);
int x_devices(void); // how many devices there are, or -errno

struct x_end {
	uint32_t qpn, psn;
	uint16_t lid;
	uint8_t gid[16];
	int mtu, reads;
};

// The steps of a queue pair's life. Each returns 0 or an errno.
struct ibv_qp *x_create(struct ibv_pd *pd, struct ibv_cq *cq, int slots, int *error);
int x_to_init(struct ibv_qp *qp, const struct x_port *p, int access);
int x_to_ready(struct ibv_qp *qp, const struct x_port *p, const struct x_end *remote, uint32_t psn, int access, int timeout, int retries, int rnr);
int x_to_error(struct ibv_qp *qp);
int x_to_reset(struct ibv_qp *qp);
int x_set_access(struct ibv_qp *qp, int access);

// x_post is one work request, filled in by Go.
struct x_post {
	uint64_t wr_id, remote, local;
	uint32_t rkey, lkey, length;
	uint16_t opcode, flags;
	uint8_t data[X_INLINE]; // what an inline WRITE carries
};

// x_lane is a queue pair's waiting room: the staged requests are the next to be posted.
struct x_lane {
	struct ibv_qp *qp;
	uint32_t staged;
	uint32_t refused; // of those, how many the last flush could not post
	int error; // and why
	struct x_post posts[X_STAGE];
};

// x_mark posts an empty WRITE that completes; in ERROR it is flushed behind everything before it.
int x_mark(struct ibv_qp *qp, uint64_t wr_id);

struct x_done {
	uint64_t wr_id;
	uint32_t status, vendor;
};

// x_flush posts what is staged and empties the lane.
void x_flush(struct x_lane *lane);
// x_round flushes the lanes and polls: the one call that a proposal to all peers costs.
int x_round(struct x_lane **lanes, int count, struct ibv_cq *cq, struct x_done *done, int room);

// x_plain is a WRITE of the same bytes to each of two peers.
struct x_plain {
	struct ibv_qp *qp[2];
	uint64_t remote[2], local;
	uint32_t rkey[2], lkey, length;
};

// x_write_both posts both and polls until both are complete, which must be all that is under way on the queue. Returns an errno, or the
// first bad completion's status, negative.
int x_write_both(struct ibv_cq *cq, const struct x_plain *plain);

// x_register makes memory known to the card, or returns NULL and sets errno.
struct ibv_mr *x_register(struct ibv_pd *pd, uint64_t address, uint64_t size, int access);

// x_event takes one asynchronous event of the device; returns its type, or -1 if there is none.
int x_event(struct ibv_context *context);

#endif
