package verbs

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"exchange/rdmaio"
)

// The exchange of queue pair numbers and keys. The caller sends hello, the host answers welcome or refusal; then
// the caller sends connect for each of its ways, and the host answers admitted or notYet, and sends gate whenever it has cut
// the ways that were admitted before. Every message is a frame of frameSize bytes, little-endian:
//
//	offset  size  field
//	     0     1  kind
//	     1     1  protection domain
//	     2     1  path MTU, as the verbs number it (1: 256 … 5: 4096)
//	     3     1  READs in flight that the sender takes
//	     4     4  attempt
//	     8     4  generation
//	    12     4  queue pair number
//	    16     4  packet sequence number to start from
//	    20     2  local identifier of the port (InfiniBand)
//	    24     4  remote key of the region
//	    32     8  address of the region
//	    40     8  size of the region
//	    48    16  GID
//
// In hello, welcome and refusal:
//
//	 1     1  version
//	 2     1  id of the sender
//	 3     1  id that the sender means
//	 4     4  magic
//	 8     8  incarnation of the sender
//	16    32  hash of the cluster's name
//	48    80  why it is refused, padded with zeros
const (
	frameSize  = 128
	version    = 1
	magic      = 0x53425256
	whyOffset  = 48
	clusterLen = 32
)

type kind uint8

const (
	kindHello kind = 1 + iota
	kindWelcome
	kindRefusal
	kindConnect
	kindAdmitted
	kindNotYet
	kindGate
)

type gid [16]byte

// endpoint is one queue pair's address.
type endpoint struct {
	qpn, psn uint32
	lid      uint16
	gid      gid
	mtu      uint8
	reads    uint8
}

// message is what any frame carries; which fields count depends on the kind.
type message struct {
	kind       kind
	pd         rdmaio.PD
	attempt    uint32
	generation uint32
	end        endpoint
	rkey       uint32
	address    uint64
	size       uint64
}

// greeting is a hello, a welcome or a refusal.
type greeting struct {
	kind        kind
	from, to    rdmaio.NodeID
	incarnation uint64
	cluster     [clusterLen]byte
	why         string
}

type frame [frameSize]byte

func clusterHash(name string) [clusterLen]byte {
	return sha256.Sum256([]byte("exchange cluster over verbs: " + name))
}

func (m *message) encode() (f frame) {
	f[0], f[1], f[2], f[3] = byte(m.kind), byte(m.pd), m.end.mtu, m.end.reads
	le := binary.LittleEndian
	le.PutUint32(f[4:], m.attempt)
	le.PutUint32(f[8:], m.generation)
	le.PutUint32(f[12:], m.end.qpn)
	le.PutUint32(f[16:], m.end.psn)
	le.PutUint16(f[20:], m.end.lid)
	le.PutUint32(f[24:], m.rkey)
	le.PutUint64(f[32:], m.address)
	le.PutUint64(f[40:], m.size)
	copy(f[48:64], m.end.gid[:])
	return f
}

func (f *frame) message() (m message, err error) {
	le := binary.LittleEndian
	m = message{
		kind: kind(f[0]), pd: rdmaio.PD(f[1]), attempt: le.Uint32(f[4:]), generation: le.Uint32(f[8:]),
		end:  endpoint{qpn: le.Uint32(f[12:]), psn: le.Uint32(f[16:]), lid: le.Uint16(f[20:]), gid: gid(f[48:64]), mtu: f[2], reads: f[3]},
		rkey: le.Uint32(f[24:]), address: le.Uint64(f[32:]), size: le.Uint64(f[40:]),
	}
	switch {
	case m.kind < kindConnect || m.kind > kindGate:
		return m, fmt.Errorf("message of kind %d: not of this protocol", m.kind)
	case m.pd >= rdmaio.MaxPDs:
		return m, fmt.Errorf("message for protection domain %d: there are only %d", m.pd, rdmaio.MaxPDs)
	case m.kind != kindConnect && m.kind != kindAdmitted:
		return m, nil
	case m.end.mtu < 1 || m.end.mtu > 5:
		return m, fmt.Errorf("path MTU number %d: known are 1 to 5", m.end.mtu)
	case m.end.qpn >= 1<<24 || m.end.psn >= 1<<24:
		return m, fmt.Errorf("queue pair %#x from packet %#x: both are numbers of 24 bits", m.end.qpn, m.end.psn)
	case m.kind == kindAdmitted && (m.size == 0 || m.size > MaxRegion || m.address+m.size < m.address):
		return m, fmt.Errorf("region of %d bytes at %#x: it cannot be", m.size, m.address)
	}
	return m, nil
}

func (g *greeting) encode() (f frame) {
	f[0], f[1], f[2], f[3] = byte(g.kind), version, byte(g.from), byte(g.to)
	binary.LittleEndian.PutUint32(f[4:], magic)
	binary.LittleEndian.PutUint64(f[8:], g.incarnation)
	copy(f[16:], g.cluster[:])
	copy(f[whyOffset:], g.why)
	return f
}

var errStranger = errors.New("something else than an exchange process answers there: check the address")

func (f *frame) greeting() (g greeting, err error) {
	if binary.LittleEndian.Uint32(f[4:]) != magic || kind(f[0]) < kindHello || kind(f[0]) > kindRefusal {
		return g, errStranger
	}
	if f[1] != version {
		return g, fmt.Errorf("it speaks version %d of the exchange of keys, we speak %d: run the same release on all", f[1], version)
	}
	why := f[whyOffset:]
	for len(why) > 0 && why[len(why)-1] == 0 {
		why = why[:len(why)-1]
	}
	return greeting{
		kind: kind(f[0]), from: rdmaio.NodeID(f[2]), to: rdmaio.NodeID(f[3]),
		incarnation: binary.LittleEndian.Uint64(f[8:]), cluster: [clusterLen]byte(f[16:48]), why: string(why),
	}, nil
}

func readFrame(r io.Reader) (f frame, err error) {
	_, err = io.ReadFull(r, f[:])
	return f, err
}

// splitAtWords gives the lengths of the pieces that a transfer to or from a remote offset is posted as, so that a piece either
// stays within one aligned 8-byte word or covers such words in full. The memory model promises whole words; a card that
// copies byte by byte from an odd address does not keep that, and Soft-RoCE is one.
func splitAtWords(offset uint64, length int) (pieces [maxPieces]int, count int) {
	add := func(n int) {
		if n > 0 {
			pieces[count] = n
			count++
		}
	}
	head := min(int(-offset&7), length)
	tail := (length - head) & 7
	add(head)
	add(length - head - tail)
	add(tail)
	return pieces, count
}
