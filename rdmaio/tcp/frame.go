package tcp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"exchange/rdmaio"
)

// All integers are little-endian.
//
//	hello     writer -> owner  magic 4, version 1, from 1, to 1, pd 1, incarnation 8, length of name 1, cluster name
//	answer    owner -> writer  verdict 1, length of text 1, 6 unused, incarnation 8, region size 8, epoch 8, text
//	request   writer -> owner  kind 1, last 1, 2 unused, length 4, offset 8, epoch 8, and the bytes of a write
//	response  owner -> writer  kind 1, 3 unused, length 4, value 8, and the bytes of a read
//
// A write longer than MaxPiece is several requests, of which the last says so. A read is one request, answered by as many data responses as it
// needs. Requests are answered in order: done counts those completed on this connection since it began.
const (
	magic   = uint32(0x51_4d_44_52)
	version = 1

	helloBytes    = 17
	answerBytes   = 32
	requestBytes  = 24
	responseBytes = 16
)

// Verdicts on a hello.
const (
	welcome = iota
	notYet  // the other end is not made, or still bound to an earlier incarnation
	refused // for a reason that time does not mend
)

// Kinds of request.
const (
	askWrite = 1 + iota
	askRead
	askPing // not counted; answered with done
	askBye  // the process closes
)

// Kinds of response.
const (
	tellDone = 1 + iota
	tellData
	tellDenied
	tellEpoch
	tellBye
)

type hello struct {
	from, to    rdmaio.NodeID
	pd          rdmaio.PD
	incarnation uint64
	cluster     string
}

func (h *hello) encode() []byte {
	b := make([]byte, helloBytes, helloBytes+len(h.cluster))
	binary.LittleEndian.PutUint32(b, magic)
	b[4], b[5], b[6], b[7] = version, byte(h.from), byte(h.to), byte(h.pd)
	binary.LittleEndian.PutUint64(b[8:], h.incarnation)
	b[16] = byte(len(h.cluster))
	return append(b, h.cluster...)
}

func readHello(r io.Reader) (h hello, err error) {
	var b [helloBytes]byte
	if _, err = io.ReadFull(r, b[:]); err != nil {
		return h, err
	}
	if binary.LittleEndian.Uint32(b[:]) != magic {
		return h, errors.New("not a member's greeting")
	}
	if b[4] != version {
		return h, fmt.Errorf("version %d of the protocol, this is %d", b[4], version)
	}
	h = hello{from: rdmaio.NodeID(b[5]), to: rdmaio.NodeID(b[6]), pd: rdmaio.PD(b[7]), incarnation: binary.LittleEndian.Uint64(b[8:])}
	name := make([]byte, b[16])
	if len(name) > maxClusterName {
		return h, fmt.Errorf("cluster name of %d bytes", len(name))
	}
	if _, err = io.ReadFull(r, name); err != nil {
		return h, err
	}
	h.cluster = string(name)
	return h, nil
}

type answer struct {
	verdict                  byte
	incarnation, size, epoch uint64
	text                     string
}

func (a *answer) encode() []byte {
	text := a.text[:min(len(a.text), 255)]
	b := make([]byte, answerBytes, answerBytes+len(text))
	b[0], b[1] = a.verdict, byte(len(text))
	binary.LittleEndian.PutUint64(b[8:], a.incarnation)
	binary.LittleEndian.PutUint64(b[16:], a.size)
	binary.LittleEndian.PutUint64(b[24:], a.epoch)
	return append(b, text...)
}

func readAnswer(r io.Reader) (a answer, err error) {
	var b [answerBytes]byte
	if _, err = io.ReadFull(r, b[:]); err != nil {
		return a, err
	}
	a = answer{
		verdict: b[0], incarnation: binary.LittleEndian.Uint64(b[8:]), size: binary.LittleEndian.Uint64(b[16:]), epoch: binary.LittleEndian.Uint64(b[24:]),
	}
	text := make([]byte, b[1])
	if _, err = io.ReadFull(r, text); err != nil {
		return a, err
	}
	a.text = string(text)
	return a, nil
}

type request struct {
	kind, last byte
	length     uint32
	offset     uint64
	epoch      uint64
}

func (q *request) put(b []byte) {
	b[0], b[1], b[2], b[3] = q.kind, q.last, 0, 0
	binary.LittleEndian.PutUint32(b[4:], q.length)
	binary.LittleEndian.PutUint64(b[8:], q.offset)
	binary.LittleEndian.PutUint64(b[16:], q.epoch)
}

func takeRequest(b []byte) request {
	return request{
		kind: b[0], last: b[1], length: binary.LittleEndian.Uint32(b[4:]), offset: binary.LittleEndian.Uint64(b[8:]), epoch: binary.LittleEndian.Uint64(b[16:]),
	}
}

type response struct {
	kind   byte
	length uint32
	value  uint64
}

func (r response) put(b []byte) {
	b[0], b[1], b[2], b[3] = r.kind, 0, 0, 0
	binary.LittleEndian.PutUint32(b[4:], r.length)
	binary.LittleEndian.PutUint64(b[8:], r.value)
}

func takeResponse(b []byte) response {
	return response{kind: b[0], length: binary.LittleEndian.Uint32(b[4:]), value: binary.LittleEndian.Uint64(b[8:])}
}
