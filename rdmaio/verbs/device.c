//go:build verbs

#include "device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static int fail(struct x_port *p, const char *what, int error)
{
	p->failed = what;
	p->error = error ? error : EIO;
	if (p->context) {
		ibv_close_device(p->context);
		p->context = NULL;
	}
	return -1;
}

// choose_gid prefers RoCEv2 over IPv4, then RoCEv2, then entry 0.
static int choose_gid(struct ibv_context *context, int port, int count)
{
	int any = -1;
	for (int i = 0; i < count; i++) {
		struct ibv_gid_entry e;
		static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
		if (ibv_query_gid_ex(context, port, i, &e, 0) || e.gid_type != IBV_GID_TYPE_ROCE_V2)
			continue;
		if (!memcmp(e.gid.raw, mapped, sizeof mapped))
			return i;
		if (any < 0)
			any = i;
	}
	return any < 0 ? 0 : any;
}

static int open_port(struct x_port *p, int port, int gid_index)
{
	struct ibv_device_attr device;
	struct ibv_port_attr attr;
	int first = port ? port : 1, last, error;

	if ((error = ibv_query_device(p->context, &device)))
		return fail(p, "query the device", error);
	last = port ? port : device.phys_port_cnt;
	for (port = first; port <= last; port++) {
		if ((error = ibv_query_port(p->context, port, &attr)))
			return fail(p, "query the port", error);
		if (attr.state == IBV_PORT_ACTIVE)
			break;
	}
	if (port > last)
		return fail(p, "find an active port", ENETDOWN);
	p->port = port;
	p->infiniband = attr.link_layer == IBV_LINK_LAYER_INFINIBAND;
	p->lid = attr.lid;
	p->mtu = attr.active_mtu;
	p->vendor = device.vendor_id;
	p->reads = device.max_qp_rd_atom < 16 ? device.max_qp_rd_atom : 16;
	p->max_cqe = device.max_cqe;
	p->max_wr = device.max_qp_wr;
	if (!gid_index && !p->infiniband)
		gid_index = choose_gid(p->context, port, attr.gid_tbl_len);
	if (gid_index >= attr.gid_tbl_len)
		return fail(p, "find the GID index in the port's table", ERANGE);
	p->gid_index = gid_index;
	union ibv_gid g;
	if (ibv_query_gid(p->context, port, gid_index, &g))
		return fail(p, "query the GID", errno);
	memcpy(p->gid, g.raw, 16);
	int flags = fcntl(p->context->async_fd, F_GETFL);
	if (flags < 0 || fcntl(p->context->async_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return fail(p, "set up the device's events", errno);
	return 0;
}

int x_open(struct x_port *p, const char *name, int port, int gid_index)
{
	int count = 0, result = -1;
	struct ibv_device **list = ibv_get_device_list(&count);

	memset(p, 0, sizeof *p);
	if (!list)
		return fail(p, "list the devices", errno);
	fail(p, "find an RDMA device of that name", ENODEV);
	for (int i = 0; i < count && result < 0; i++) {
		if (*name && strcmp(name, ibv_get_device_name(list[i])))
			continue;
		strncpy(p->device, ibv_get_device_name(list[i]), sizeof p->device - 1);
		p->context = ibv_open_device(list[i]);
		result = p->context ? open_port(p, port, gid_index) : fail(p, "open the device", errno);
	}
	ibv_free_device_list(list);
	return result;
}

int x_devices(void)
{
	int count = 0;
	struct ibv_device **list = ibv_get_device_list(&count);
	if (!list)
		return errno ? -errno : -EIO;
	ibv_free_device_list(list);
	return count;
}

struct ibv_qp *x_create(struct ibv_pd *pd, struct ibv_cq *cq, int slots, int *error)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = cq, .recv_cq = cq, .qp_type = IBV_QPT_RC, .sq_sig_all = 0,
		.cap = {.max_send_wr = slots, .max_recv_wr = 1, .max_send_sge = 1, .max_recv_sge = 1, .max_inline_data = slots > 1 ? X_INLINE : 0},
	};
	struct ibv_qp *qp = ibv_create_qp(pd, &attr);
	*error = qp ? 0 : errno;
	return qp;
}

int x_to_init(struct ibv_qp *qp, const struct x_port *p, int access)
{
	struct ibv_qp_attr attr = {.qp_state = IBV_QPS_INIT, .port_num = p->port, .qp_access_flags = access};
	return ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
}

int x_to_ready(struct ibv_qp *qp, const struct x_port *p, const struct x_end *remote, uint32_t psn, int access, int timeout, int retries, int rnr)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = remote->mtu < p->mtu ? remote->mtu : p->mtu,
		.dest_qp_num = remote->qpn,
		.rq_psn = remote->psn,
		.max_dest_rd_atomic = p->reads,
		.min_rnr_timer = 12,
		.qp_access_flags = access,
		.ah_attr = {.dlid = remote->lid, .port_num = p->port},
	};
	if (!p->infiniband || p->gid_index) {
		attr.ah_attr.is_global = 1;
		memcpy(attr.ah_attr.grh.dgid.raw, remote->gid, 16);
		attr.ah_attr.grh.sgid_index = p->gid_index;
		attr.ah_attr.grh.hop_limit = 64;
	}
	int error = ibv_modify_qp(qp, &attr, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
			IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER | IBV_QP_ACCESS_FLAGS);
	if (error)
		return error;
	struct ibv_qp_attr rts = {
		.qp_state = IBV_QPS_RTS,
		.sq_psn = psn,
		.timeout = timeout,
		.retry_cnt = retries,
		.rnr_retry = rnr,
		.max_rd_atomic = remote->reads < p->reads ? remote->reads : p->reads,
	};
	return ibv_modify_qp(qp, &rts, IBV_QP_STATE | IBV_QP_SQ_PSN | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			IBV_QP_MAX_QP_RD_ATOMIC);
}

static int to_state(struct ibv_qp *qp, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = {.qp_state = state};
	return ibv_modify_qp(qp, &attr, IBV_QP_STATE);
}

int x_to_error(struct ibv_qp *qp) { return to_state(qp, IBV_QPS_ERR); }
int x_to_reset(struct ibv_qp *qp) { return to_state(qp, IBV_QPS_RESET); }

int x_set_access(struct ibv_qp *qp, int access)
{
	struct ibv_qp_attr attr = {.qp_access_flags = access};
	return ibv_modify_qp(qp, &attr, IBV_QP_ACCESS_FLAGS);
}

void x_flush(struct x_lane *lane)
{
	struct ibv_send_wr wr[X_STAGE], *bad = NULL;
	struct ibv_sge sge[X_STAGE];
	uint32_t n = lane->staged;

	lane->staged = lane->refused = 0;
	if (!n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		const struct x_post *post = &lane->posts[i];
		memset(&wr[i], 0, sizeof wr[i]);
		sge[i].addr = post->flags & IBV_SEND_INLINE ? (uintptr_t)post->data : post->local;
		sge[i].length = post->length;
		sge[i].lkey = post->lkey;
		wr[i].wr_id = post->wr_id;
		wr[i].next = i + 1 < n ? &wr[i + 1] : NULL;
		wr[i].sg_list = &sge[i];
		wr[i].num_sge = post->length ? 1 : 0;
		wr[i].opcode = post->opcode;
		wr[i].send_flags = post->flags;
		wr[i].wr.rdma.remote_addr = post->remote;
		wr[i].wr.rdma.rkey = post->rkey;
	}
	lane->error = ibv_post_send(lane->qp, wr, &bad);
	if (lane->error)
		lane->refused = bad ? n - (uint32_t)(bad - wr) : n;
}

int x_mark(struct ibv_qp *qp, uint64_t wr_id)
{
	struct ibv_send_wr wr = {.wr_id = wr_id, .opcode = IBV_WR_RDMA_WRITE, .send_flags = IBV_SEND_SIGNALED}, *bad;
	return ibv_post_send(qp, &wr, &bad);
}

int x_round(struct x_lane **lanes, int count, struct ibv_cq *cq, struct x_done *done, int room)
{
	struct ibv_wc wc[X_DONE];

	for (int i = 0; i < count; i++)
		x_flush(lanes[i]);
	if (room > X_DONE)
		room = X_DONE;
	int n = ibv_poll_cq(cq, room, wc);
	for (int i = 0; i < n; i++) {
		done[i].wr_id = wc[i].wr_id;
		done[i].status = wc[i].status;
		done[i].vendor = wc[i].vendor_err;
	}
	return n;
}

int x_write_both(struct ibv_cq *cq, const struct x_plain *plain)
{
	int bad_status = 0;

	for (int i = 0; i < 2; i++) {
		struct ibv_sge sge = {.addr = plain->local, .length = plain->length, .lkey = plain->lkey};
		struct ibv_send_wr wr = {.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE, .send_flags = IBV_SEND_SIGNALED}, *bad;
		if (plain->length <= X_INLINE)
			wr.send_flags |= IBV_SEND_INLINE;
		wr.wr.rdma.remote_addr = plain->remote[i];
		wr.wr.rdma.rkey = plain->rkey[i];
		int error = ibv_post_send(plain->qp[i], &wr, &bad);
		if (error)
			return error;
	}
	for (int done = 0; done < 2;) {
		struct ibv_wc wc[2];
		int n = ibv_poll_cq(cq, 2, wc);
		if (n < 0)
			return EIO;
		for (int i = 0; i < n; i++)
			if (wc[i].status != IBV_WC_SUCCESS && !bad_status)
				bad_status = -(int)wc[i].status;
		done += n;
	}
	return bad_status;
}

struct ibv_mr *x_register(struct ibv_pd *pd, uint64_t address, uint64_t size, int access)
{
	return ibv_reg_mr(pd, (void *)(uintptr_t)address, size, access);
}

int x_event(struct ibv_context *context)
{
	struct ibv_async_event event;
	if (ibv_get_async_event(context, &event))
		return -1;
	int type = event.event_type;
	ibv_ack_async_event(&event);
	return type;
}
