//go:build linux && (amd64 || arm64)

package shm

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"

	"exchange/rdmaio"
)

// What a caller and a porter say to each other, one fixed-size record to a packet, the caller beginning:
//
//	caller                         porter
//	hello (who I am)          ->
//	                          <-   welcome (who I am, my life page), or refused (why)
//	attach (domain)           ->
//	                          <-   region (size, the memory), once registered
//	fenced (address, the uffd)->
//	                          <-   ready, once the porter's owner loop has taken the fence
//	more (domain, where)      ->                                                              (if the right is a window)
type message struct {
	kind        messageKind
	id          rdmaio.NodeID
	pd          rdmaio.PD
	refusal     refusal
	incarnation uint64
	address     uint64 // of the armed mapping; of a region, the bytes of one part of it, 0 if it is opened as a whole; of more, the want
	size        uint64
	cluster     clusterHash
}

type messageKind uint8

const (
	msgHello messageKind = 1 + iota
	msgWelcome
	msgRefused
	msgAttach
	msgRegion
	msgFenced
	msgReady
	msgMore
)

// protocol is raised when processes of two builds could not understand each other.
const (
	protocol    = 0x53484d02
	messageSize = 48
)

type refusal uint8

const (
	refusedProtocol refusal = 1 + iota
	refusedCluster
	refusedStranger
	refusedUser
)

func (r refusal) Error() string {
	switch r {
	case refusedProtocol:
		return "it speaks another version of the shared-memory protocol: run the same build on both"
	case refusedCluster:
		return "it belongs to another cluster directory"
	case refusedStranger:
		return "it does not count this process among its peers: give all processes the same list of members"
	case refusedUser:
		return "it runs as another user: run all processes of a cluster as one"
	}
	return fmt.Sprintf("refused for reason %d", uint8(r))
}

// clusterHash stands for the absolute path of a cluster's directory.
type clusterHash [16]byte

func hashOf(dir string) (clusterHash, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return clusterHash{}, fmt.Errorf("shm: cluster directory: %w: create it first", err)
	}
	sum := sha256.Sum256([]byte(abs))
	return clusterHash(sum[:16]), nil
}

// name is the abstract socket where the process with this id listens.
func (h clusterHash) name(id rdmaio.NodeID) *unix.SockaddrUnix {
	return &unix.SockaddrUnix{Name: fmt.Sprintf("@exchange-shm-%s-%d", hex.EncodeToString(h[:]), id)}
}

func (m *message) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, protocol)
	b = append(b, byte(m.kind), byte(m.id), byte(m.pd), byte(m.refusal))
	b = le.AppendUint64(b, m.incarnation)
	b = le.AppendUint64(b, m.address)
	b = le.AppendUint64(b, m.size)
	return append(b, m.cluster[:]...)
}

func (m *message) decode(b []byte) error {
	le := binary.LittleEndian
	if len(b) != messageSize || le.Uint32(b) != protocol {
		return refusedProtocol
	}
	*m = message{kind: messageKind(b[4]), id: rdmaio.NodeID(b[5]), pd: rdmaio.PD(b[6]), refusal: refusal(b[7]),
		incarnation: le.Uint64(b[8:]), address: le.Uint64(b[16:]), size: le.Uint64(b[24:]), cluster: clusterHash(b[32:])}
	if m.pd >= rdmaio.MaxPDs {
		return refusedProtocol
	}
	return nil
}

// send puts a message, and a descriptor with it unless that is negative, into the socket. It never blocks: the few messages of
// a connection always find room, and a connection that has none is broken.
func send(socket int, m message, descriptor int) error {
	var rights []byte
	if descriptor >= 0 {
		rights = unix.UnixRights(descriptor)
	}
	return unix.Sendmsg(socket, m.append(make([]byte, 0, messageSize)), rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
}

// errHungUp: the other side closed the connection.
var errHungUp = errors.New("hung up")

// receive takes one message and the descriptor that came with it, or -1. The descriptor is the caller's to close.
func receive(socket int) (m message, descriptor int, err error) {
	var b [messageSize + 1]byte
	rights := make([]byte, unix.CmsgSpace(4))
	n, rn, _, _, err := unix.Recvmsg(socket, b[:], rights, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return m, -1, err
	}
	if n <= 0 {
		return m, -1, errHungUp
	}
	descriptor = -1
	if parts, err := unix.ParseSocketControlMessage(rights[:rn]); err == nil {
		for i := range parts {
			if fds, err := unix.ParseUnixRights(&parts[i]); err == nil && len(fds) == 1 {
				descriptor = fds[0]
			}
		}
	}
	if err := m.decode(b[:n]); err != nil {
		if descriptor >= 0 {
			unix.Close(descriptor)
		}
		return m, -1, err
	}
	return m, descriptor, nil
}

// waker lets a goroutine that waits in poll(2) be told to look.
type waker int

func newWaker() (waker, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	return waker(fd), err
}

func (w waker) wake() {
	one := [8]byte{1}
	_, _ = unix.Write(int(w), one[:]) // full means awake already
}

func (w waker) clear() {
	var b [8]byte
	_, _ = unix.Read(int(w), b[:])
}

// await waits until one of the descriptors has something (negative ones are skipped) or the time in milliseconds is over, and
// reports for each whether it has.
func await(milliseconds int, ready []bool, fds ...int) {
	set := make([]unix.PollFd, len(fds))
	for i, fd := range fds {
		set[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN}
	}
	for {
		n, err := unix.Poll(set, milliseconds)
		if err == unix.EINTR {
			continue
		}
		for i := range set {
			ready[i] = n > 0 && set[i].Revents != 0
		}
		return
	}
}
