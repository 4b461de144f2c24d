package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sort"
	"time"

	"exchange/book"
	"exchange/consensus"
)

// entryTail keeps the entries decided since a state was copied, for the replica that was given it: taking a state in takes longer than the log, which
// is written over again and again, holds what follows. An entry is
//
//	position behind it, u32 length, payload
//
// little endian. The loop's own; what a chunk holds never changes, so that others may read what they were given of it.
type entryTail struct {
	chunks []tailChunk // the oldest first; nil: nothing is kept
	first  uint64      // index of the first entry that is kept, or will be
	asked  int64       // monotonic ns when it was last asked for
}

type tailChunk struct {
	first uint64 // index of its first entry
	data  []byte // never grows beyond its room
}

const (
	tailChunkBytes = 1 << 20
	// tailChunks bounds what is kept; what is older is dropped, and who still needs it has to take a newer state.
	tailChunks = 128
	// tailPatience is how long nobody may ask for it before it is given up.
	tailPatience = 30 * time.Second
	// tailPiece bounds what one answer carries, but for one entry.
	tailPiece  = 4 << 20
	tailHeader = 20 + 4
	tailMagic  = "EXENTRY2"
)

// errTailGone: the entries that are asked for are not kept.
var errTailGone = errors.New("entries that far back are not kept; take a newer state")

// begin keeps what follows the entry with the index, if it is not being kept already.
func (t *entryTail) begin(index uint64, now int64) {
	t.asked = now
	if t.chunks == nil {
		*t = entryTail{chunks: []tailChunk{{first: index + 1, data: make([]byte, 0, tailChunkBytes)}}, first: index + 1, asked: now}
	}
}

// add keeps an entry, if anything is kept: its payload, and the position behind it.
func (t *entryTail) add(after consensus.Position, payload []byte) {
	if t.chunks == nil {
		return
	}
	last := &t.chunks[len(t.chunks)-1]
	if need := tailHeader + len(payload); len(last.data)+need > cap(last.data) {
		if len(t.chunks) == tailChunks {
			t.chunks = append(t.chunks[:0:0], t.chunks[1:]...)
			t.first = t.chunks[0].first
		}
		t.chunks = append(t.chunks, tailChunk{first: after.Index, data: make([]byte, 0, max(tailChunkBytes, need))})
		last = &t.chunks[len(t.chunks)-1]
	}
	last.data = after.AppendTo(last.data)
	last.data = binary.LittleEndian.AppendUint32(last.data, uint32(len(payload)))
	last.data = append(last.data, payload...)
}

// expire gives it up if nobody asks for it any more.
func (t *entryTail) expire(now int64) {
	if t.chunks != nil && now-t.asked > int64(tailPatience) {
		*t = entryTail{}
	}
}

// behind gives the chunks that hold what follows the entry with the index.
func (t *entryTail) behind(index uint64, now int64) ([]tailChunk, error) {
	if t.chunks == nil || index+1 < t.first {
		return nil, errTailGone
	}
	t.asked = now
	i := sort.Search(len(t.chunks), func(i int) bool { return t.chunks[i].first > index+1 }) - 1
	return append([]tailChunk(nil), t.chunks[max(i, 0):]...), nil
}

// copyEntries takes what follows the entry with the index, as it is carried: whole entries, tailPiece at most.
func (r *Replica) copyEntries(index uint64) ([]byte, error) {
	var chunks []tailChunk
	refusal := errStopping
	if !r.do(func() {
		switch {
		case !r.haveState:
			refusal = errors.New("this replica has no state itself any more")
		default:
			chunks, refusal = r.tail.behind(index, r.host.monotonic())
		}
	}) || refusal != nil {
		return nil, refusal
	}
	out := append(make([]byte, 0, tailPiece+tailChunkBytes), tailMagic...)
	for _, c := range chunks {
		for at := 0; at < len(c.data); {
			end := at + tailHeader + int(binary.LittleEndian.Uint32(c.data[at+tailHeader-4:]))
			if binary.LittleEndian.Uint64(c.data[at:]) > index {
				if len(out)+end-at > tailPiece && len(out) > len(tailMagic) {
					return seal(out), nil
				}
				out = append(out, c.data[at:end]...)
			}
			at = end
		}
	}
	return seal(out), nil
}

// seal appends the checksum.
func seal(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)) }

// follow applies entries to a state that is being taken in; it gives how many bytes of them there were.
func (in *installed) follow(b []byte) (size int, err error) {
	rest, err := checked(b, tailMagic)
	if err != nil {
		return 0, err
	}
	size = len(rest)
	defer in.outbox.feed.Publish()
	var c book.Command
	for len(rest) > 0 {
		after, payload, ok := consensus.DecodePosition(rest)
		if !ok || len(payload) < 4 || len(payload)-4 < int(binary.LittleEndian.Uint32(payload)) {
			return size, io.ErrUnexpectedEOF
		}
		n := int(binary.LittleEndian.Uint32(payload))
		payload, rest = payload[4:4+n], payload[4+n:]
		if after.Index <= in.position.Index || after.Offset <= in.position.Offset {
			return size, fmt.Errorf("entry %d follows entry %d", after.Index, in.position.Index)
		}
		for len(payload) > 0 {
			n, err := book.DecodeCommand(payload, &c)
			if err != nil {
				return size, fmt.Errorf("entry %d: %w", after.Index, err)
			}
			payload = payload[n:]
			in.outbox.apply(in.market, &c)
			in.outbox.touched = in.outbox.touched[:0]
		}
		in.position = after
	}
	return size, nil
}
