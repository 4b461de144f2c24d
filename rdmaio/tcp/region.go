package tcp

import (
	"errors"
	"sync"

	"exchange/rdmaio"
)

// region is memory of ours that peers reach. Its lock is the fence: whoever places anything holds it, and so does who changes a right.
type region struct {
	pd   rdmaio.PD
	mem  []byte // whole words
	size uint64 // of which this much is the region

	mu     sync.Mutex
	rights [rdmaio.MaxNodes + 1]right
}

// right is what one peer may do, and through which connection.
type right struct {
	access      rdmaio.Access
	incarnation uint64 // whose right it is
	epoch       uint64 // counts revocations of RemoteWrite
	via         *inbound
}

// Bytes is the owner's view.
func (r *region) Bytes() []byte { return r.mem[:r.size] }

// PD is the region's protection domain.
func (r *region) PD() rdmaio.PD { return r.pd }

var (
	errDenied   = errors.New("the owner does not allow it")
	errReplaced = errors.New("a newer connection took this one's place")
)

// allowed is asked with the lock held.
func (r *region) allowed(in *inbound, need rdmaio.Access, offset, length uint64) error {
	t := &r.rights[in.from]
	switch {
	case t.via != in:
		return errReplaced
	case t.access&need == 0 || t.incarnation != in.incarnation:
		return errDenied
	case offset > r.size || length > r.size-offset:
		return errDenied
	}
	return nil
}

// write places one piece of a write.
func (r *region) write(in *inbound, q *request, src []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.allowed(in, rdmaio.RemoteWrite, q.offset, uint64(len(src))); err != nil {
		return err
	}
	if q.epoch != r.rights[in.from].epoch {
		return errDenied
	}
	place(r.mem, q.offset, src)
	return nil
}

// read fetches one piece of a read. whole is the length of all of it: what lies partly outside brings nothing.
func (r *region) read(in *inbound, offset, whole uint64, dst []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.allowed(in, rdmaio.RemoteRead, offset, whole); err != nil {
		return err
	}
	fetch(dst, r.mem, offset)
	return nil
}

// admit makes a connection the pair's current one and gives the epoch it begins in. What came on the one before is not placed any more.
func (r *region) admit(in *inbound) (epoch uint64, before *inbound) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.rights[in.from]
	before, t.via = t.via, in
	return t.epoch, before
}

// set changes a peer's right, and gives the connection to be told of a new epoch, if there is one.
func (r *region) set(peer rdmaio.NodeID, incarnation uint64, a rdmaio.Access) (tell *inbound, epoch uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.rights[peer]
	if t.access&rdmaio.RemoteWrite != 0 && (a&rdmaio.RemoteWrite == 0 || t.incarnation != incarnation) {
		t.epoch++
		tell = t.via
	}
	t.access, t.incarnation = a, incarnation
	return tell, t.epoch
}
