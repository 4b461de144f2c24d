package server

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"time"

	"exchange/book"
	"exchange/consensus"
	"exchange/marketdata/feed"
)

// State transfer: a replica that comes back without its memory (or fell so far behind that the log was recycled) takes a whole state from a
// living one, a follower if there is one, and then goes on from the log. What is carried, little endian:
//
//	"EXSTATE1"                       magic and version
//	position                         the log position that the state is at: index, offset, chain
//	u64 length, market snapshot      book.Market.AppendSnapshot
//	feed                             the feed store's export: every kept message with its number
//	reports                          u32 sessions; for each: u64 first number, u64 count, count encoded events
//	u32 CRC32C of all before
const stateMagic = "EXSTATE1"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// stateCopy is the state at one log position: the market copied, the stores by reference to what they held then.
type stateCopy struct {
	position consensus.Position
	market   []byte
	feed     feed.Export
	reports  []reportsExport
}

type reportsExport struct {
	last uint64
	dir  *reportDir
}

// marketCopyPatience bounds the wait for another copy of the state to be finished.
const marketCopyPatience = 10 * time.Second

// copyState takes the state at one position. The loop goes on with consensus meanwhile and only leaves off applying.
func (r *Replica) copyState() (*stateCopy, error) {
	s := new(stateCopy)
	refusal := errors.New("the replica is stopping")
	r.do(func() {
		switch {
		case r.frozen.Load():
			refusal = errors.New("the state is being copied for another replica; ask again")
		case !r.haveState:
			refusal = errors.New("this replica has no state itself yet")
		default:
			refusal = nil
			r.frozen.Store(true)
			s.position = r.applied
			s.feed = r.outbox.feed.Export()
			s.reports = r.outbox.reports.export()
		}
	})
	if refusal != nil {
		return nil, refusal
	}
	// Nobody but the loop changes the market, and the loop does not apply while frozen.
	s.market = r.market.AppendSnapshot(nil)
	r.frozen.Store(false)
	return s, nil
}

func (s *reportStore) export() (all []reportsExport) {
	for _, r := range *s.sessions.Load() {
		all = append(all, reportsExport{last: r.last.Load(), dir: r.state.Load()})
	}
	return all
}

// write carries the state out.
func (s *stateCopy) write(w io.Writer) error {
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	var word []byte
	word = append(word, stateMagic...)
	word = s.position.AppendTo(word)
	word = binary.LittleEndian.AppendUint64(word, uint64(len(s.market)))
	out.Write(word)
	out.Write(s.market)
	if _, err := s.feed.WriteTo(out); err != nil {
		return err
	}
	if err := s.writeReports(out); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := w.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	return err
}

// writeReports carries the reports out.
func (s *stateCopy) writeReports(out io.Writer) error {
	var word []byte
	out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s.reports))))
	for _, r := range s.reports {
		count := uint64(0)
		if r.last >= r.dir.first && len(r.dir.chunks) > 0 {
			count = r.last - r.dir.first + 1
		}
		word = binary.LittleEndian.AppendUint64(word[:0], r.dir.first)
		out.Write(binary.LittleEndian.AppendUint64(word, count))
		for at := range count {
			word = r.dir.chunks[at/reportChunk][at%reportChunk].AppendTo(word[:0])
			if _, err := out.Write(word); err != nil {
				return err
			}
		}
	}
	return nil
}

// fetchPause is how long a replica waits before it asks the others again.
const fetchPause = 50 * time.Millisecond

// fetchState asks the other replicas for their state until one gives it, and installs it. Followers are asked before the leader.
func (r *Replica) fetchState() {
	if !r.fetching.CompareAndSwap(false, true) {
		return
	}
	defer r.fetching.Store(false)
	last := ""
	for !r.stopping.Load() {
		for _, m := range r.sources() {
			state, err := download(m.HTTP)
			if err == nil {
				err = r.install(state)
			}
			if err == nil {
				r.log.Info().Int("from", m.ID).Int("bytes", len(state)).Msg("state taken over")
				if err := r.feed.line.start(); err != nil {
					r.fail(err)
				}
				return
			}
			if text := err.Error(); text != last {
				last = text
				r.log.Info().Int("from", m.ID).Err(err).Msg("no state from this replica yet")
			}
		}
		time.Sleep(fetchPause)
	}
}

// sources lists the other members, the leader last.
func (r *Replica) sources() (all []Member) {
	leader := 0
	if s := r.status.Load(); s != nil {
		leader = s.Leader
	}
	var leading []Member
	for _, m := range r.cfg.Members {
		switch m.ID {
		case r.cfg.ID:
		case leader:
			leading = append(leading, m)
		default:
			all = append(all, m)
		}
	}
	return append(all, leading...)
}

// transferTimeout bounds one download of a state.
const transferTimeout = time.Minute

func download(address string) ([]byte, error) {
	client := http.Client{Timeout: transferTimeout}
	resp, err := client.Get("http://" + address + "/v1/state")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s", bytes.TrimSpace(body))
	}
	return body, nil
}

// installed is a state read and checked, not yet the replica's own.
type installed struct {
	position consensus.Position
	market   *book.Market
	outbox   outbox
}

// install checks the state, rebuilds everything from it beside the loop, and lets the loop change over.
func (r *Replica) install(state []byte) error {
	in, err := r.readState(state)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if !r.do(func() {
		if err = r.node.InstallSnapshot(in.position); err != nil {
			return
		}
		if err = r.outbox.adopt(&in.outbox); err != nil {
			return
		}
		r.market = in.market
		r.applied, r.haveState = in.position, true
		r.hashes.store(r.market.Index(), r.market.StreamHash())
	}) {
		return errors.New("the replica is stopping")
	}
	return err
}

func (r *Replica) readState(state []byte) (*installed, error) {
	if len(state) < len(stateMagic)+4 || string(state[:len(stateMagic)]) != stateMagic {
		return nil, errors.New("not a state of this version")
	}
	body, sum := state[:len(state)-4], binary.LittleEndian.Uint32(state[len(state)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, errors.New("checksum: the transfer was cut or damaged")
	}
	in := &installed{outbox: newOutbox(r.cfg, r.directory)}
	position, rest, ok := consensus.DecodePosition(body[len(stateMagic):])
	in.position = position
	if !ok || len(rest) < 8 || uint64(len(rest)-8) < binary.LittleEndian.Uint64(rest) {
		return nil, io.ErrUnexpectedEOF
	}
	n := binary.LittleEndian.Uint64(rest)
	var err error
	if in.market, err = book.RestoreMarket(r.cfg.limits(), rest[8:8+n]); err != nil {
		return nil, err
	}
	in.outbox.relist(in.market)
	if rest, err = in.outbox.feed.Load(rest[8+n:]); err != nil {
		return nil, err
	}
	return in, in.outbox.reports.load(rest)
}

func (s *reportStore) load(rest []byte) error {
	if len(rest) < 4 {
		return io.ErrUnexpectedEOF
	}
	sessions := binary.LittleEndian.Uint32(rest)
	rest = rest[4:]
	var e book.Event
	for session := range sessions {
		if len(rest) < 16 {
			return io.ErrUnexpectedEOF
		}
		first, count := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
		rest = rest[16:]
		for range count {
			n, err := book.DecodeEvent(rest, &e)
			if err != nil {
				return err
			}
			if uint32(e.Session) != session || e.OutSeq < first {
				return fmt.Errorf("report %d of session %d among those of session %d", e.OutSeq, e.Session, session)
			}
			s.append(&e)
			rest = rest[n:]
		}
	}
	if len(rest) != 0 {
		return fmt.Errorf("%d bytes too many", len(rest))
	}
	return nil
}
