//go:build verbs && linux && cgo

package verbs

/*
#cgo LDFLAGS: -libverbs
#include <stdlib.h>
#include "device.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// softVendor is what Soft-RoCE, which is a part of the kernel and no card, says of itself.
const softVendor = 0xffffff

// port is an opened device and the port of it that we speak from.
type port struct {
	c    *C.struct_x_port
	soft bool // the kernel's Soft-RoCE: see quiesce
}

func openPort(cfg *Config) (*port, error) {
	name := C.CString(cfg.Device)
	defer C.free(unsafe.Pointer(name))
	p := &port{c: (*C.struct_x_port)(C.calloc(1, C.sizeof_struct_x_port))}
	if C.x_open(p.c, name, C.int(cfg.Port), C.int(cfg.GIDIndex)) != 0 {
		err := fmt.Errorf("verbs: device %q port %d: %s: %w: look what ibv_devinfo -v says of devices, ports and GIDs",
			cfg.Device, cfg.Port, C.GoString(p.c.failed), syscall.Errno(p.c.error))
		C.free(unsafe.Pointer(p.c))
		return nil, err
	}
	p.soft = p.c.vendor == softVendor
	return p, nil
}

// Probe tells whether the system has a device that a provider could open by default.
func Probe() error {
	switch n := int(C.x_devices()); {
	case n < 0:
		return fmt.Errorf("verbs: list RDMA devices: %w: is the module ib_uverbs loaded?", syscall.Errno(-n))
	case n == 0:
		return errors.New("verbs: no RDMA device: put in a card, or add Soft-RoCE with `rdma link add rxe0 type rxe netdev DEVICE`")
	}
	p, err := openPort(&Config{})
	if err == nil {
		p.close()
	}
	return err
}

func (p *port) close() {
	if p.c != nil {
		C.ibv_close_device(p.c.context)
		C.free(unsafe.Pointer(p.c))
		p.c = nil
	}
}

func (p *port) describe() string {
	layer := "RoCE"
	if p.c.infiniband != 0 {
		layer = "InfiniBand"
	}
	return fmt.Sprintf("%s port %d GID %d (%s)", C.GoString(&p.c.device[0]), int(p.c.port), int(p.c.gid_index), layer)
}

// end is our address, for a queue pair of ours.
func (p *port) end(qpn, psn uint32) endpoint {
	e := endpoint{qpn: qpn, psn: psn, lid: uint16(p.c.lid), mtu: uint8(p.c.mtu), reads: uint8(p.c.reads)}
	for i := range e.gid {
		e.gid[i] = byte(p.c.gid[i])
	}
	return e
}

// rcPair is a queue pair of the card, of the type reliable connection.
type rcPair struct {
	c    *C.struct_ibv_qp
	port *port
	pd   *C.struct_ibv_pd
	cq   *C.struct_ibv_cq
	size int
}

func newRCPair(p *port, pd *C.struct_ibv_pd, cq *C.struct_ibv_cq, slots int) (*rcPair, error) {
	q := &rcPair{port: p, pd: pd, cq: cq, size: slots}
	return q, q.create()
}

func (q *rcPair) create() error {
	var errno C.int
	q.c = C.x_create(q.pd, q.cq, C.int(q.size), &errno)
	if q.c == nil {
		return fmt.Errorf("verbs: create a queue pair of %d work requests: %w", q.size, syscall.Errno(errno))
	}
	return nil
}

func (q *rcPair) destroy() error {
	if q.c == nil {
		return nil
	}
	if e := C.ibv_destroy_qp(q.c); e != 0 {
		return syscall.Errno(e)
	}
	q.c = nil
	return nil
}

// number is the queue pair's number; 0, which no such pair has, if it could not be made again.
func (q *rcPair) number() uint32 {
	if q.c == nil {
		return 0
	}
	return uint32(q.c.qp_num)
}

func accessFlags(a rdmaio.Access) C.int {
	flags := C.int(0)
	if a&rdmaio.RemoteRead != 0 {
		flags |= C.IBV_ACCESS_REMOTE_READ
	}
	if a&rdmaio.RemoteWrite != 0 {
		flags |= C.IBV_ACCESS_REMOTE_WRITE
	}
	return flags
}

func result(what string, errno C.int) error {
	if errno == 0 {
		return nil
	}
	return fmt.Errorf("%s: %w", what, syscall.Errno(errno))
}

func (q *rcPair) toInit(a rdmaio.Access) error {
	if q.c == nil {
		if err := q.create(); err != nil {
			return err
		}
	}
	return result("queue pair to INIT", C.x_to_init(q.c, q.port.c, accessFlags(a)))
}

// toReady takes the pair from INIT to RTS.
func (q *rcPair) toReady(remote endpoint, psn uint32, a rdmaio.Access, timeout uint8) error {
	r := C.struct_x_end{
		qpn: C.uint32_t(remote.qpn), psn: C.uint32_t(remote.psn), lid: C.uint16_t(remote.lid), mtu: C.int(remote.mtu), reads: C.int(remote.reads),
	}
	for i, b := range remote.gid {
		r.gid[i] = C.uint8_t(b)
	}
	return result("queue pair to RTR and RTS",
		C.x_to_ready(q.c, q.port.c, &r, C.uint32_t(psn), accessFlags(a), C.int(timeout), retryCount, rnrRetries))
}

func (q *rcPair) toError() error { return result("queue pair to ERROR", C.x_to_error(q.c)) }
func (q *rcPair) toReset() error { return result("queue pair to RESET", C.x_to_reset(q.c)) }

func (q *rcPair) setAccess(a rdmaio.Access) error {
	return result("access flags", C.x_set_access(q.c, accessFlags(a)))
}

// piece is memory that this provider gave out, known to the card in every protection domain.
//
// It is shared, anonymous memory, so that no fork ever moves it away from the card by copy on write.
type piece struct {
	mem  []byte // whole pages
	size int
	mrs  [rdmaio.MaxPDs]*C.struct_ibv_mr
	pd   rdmaio.PD // of a region
}

func (r *piece) Bytes() []byte { return r.mem[:r.size:r.size] }
func (r *piece) PD() rdmaio.PD { return r.pd }

func newPiece(size int) (*piece, error) {
	page := unix.Getpagesize()
	mem, err := unix.Mmap(-1, 0, (size+page-1)/page*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS|unix.MAP_POPULATE)
	if err != nil {
		return nil, fmt.Errorf("%d bytes of memory: %w: free some or ask for less", size, err)
	}
	return &piece{mem: mem, size: size}, nil
}

// register makes the piece known in a protection domain; reachable by peers only if it is that domain's region.
func (r *piece) register(pd rdmaio.PD, domain *C.struct_ibv_pd, reachable bool) error {
	access := C.int(C.IBV_ACCESS_LOCAL_WRITE)
	if reachable {
		access |= C.IBV_ACCESS_REMOTE_READ | C.IBV_ACCESS_REMOTE_WRITE
	}
	mr, err := C.x_register(domain, C.uint64_t(r.address()), C.uint64_t(r.size), access)
	if mr == nil {
		return fmt.Errorf("pin %d bytes for the card: %w: raise the limit of locked memory (ulimit -l) or register less", r.size, err)
	}
	r.mrs[pd] = mr
	return nil
}

func (r *piece) address() uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(r.mem)))) }

func (r *piece) unregister(pd rdmaio.PD) {
	if r.mrs[pd] != nil {
		C.ibv_dereg_mr(r.mrs[pd])
		r.mrs[pd] = nil
	}
}

func (r *piece) free() {
	for pd := range r.mrs {
		r.unregister(rdmaio.PD(pd))
	}
	if r.mem != nil {
		_ = unix.Munmap(r.mem)
		r.mem = nil
	}
}

func (r *piece) holds(b []byte) bool {
	first, start := uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(unsafe.Pointer(unsafe.SliceData(r.mem)))
	return len(r.mem) > 0 && first >= start && first-start+uintptr(len(b)) <= uintptr(r.size)
}
