package server

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"exchange/book"
	"exchange/consensus"
	"exchange/marketdata/feed"
)

// State transfer: a replica that comes back without its memory (or fell so far behind that the log was recycled) takes the state of a living one, a
// follower if there is one, and then goes on from the log. The stores are most of it and only grow, so they are taken first, in pieces, while the other
// goes on; the state machine's own part must be of one moment, and what was decided since that moment is asked for until it is so little that the
// log still holds what follows:
//
//	GET /v1/state/stores?feed=N&reports=…  at most storesPiece of what lies behind that; again until little comes
//	GET /v1/state?feed=N&reports=…         the state machine at one log position, and the rest of the stores up to there
//	GET /v1/state/entries?after=INDEX      the entries decided since (transfer_tail.go); again until little comes
//
// What was staged of the stores is kept when a source dies: another one is asked for what is missing. What is carried, little endian:
//
//	"EXSTATE2"                       magic and version; of a piece of the stores "EXSTORE2", and the next two are left out
//	position                         the log position that the state is at: index, offset, chain
//	u64 length, market snapshot      book.Market.AppendSnapshot
//	feed                             the feed store's export: messages with their numbers
//	reports                          u32 sessions; for each: u64 first number, with reportsAnew if what the other has is not continued, u64 count,
//	                                 count encoded events
//	u32 CRC32C of all before
const (
	stateMagic  = "EXSTATE2"
	storesMagic = "EXSTORE2"
	// storesPiece bounds a piece of the stores, roughly: so much of the feed, and so much of all reports.
	storesPiece = 4 << 20
	reportsAnew = 1 << 63
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// stateCopy is the state at one log position: the market copied, the stores by reference to what they held then.
type stateCopy struct {
	position consensus.Position
	market   []byte
	feed     feed.Export
	reports  []reportsExport
}

type reportsExport struct {
	first, last uint64 // first above last: none
	anew        bool   // they do not continue what the other has
	dir         *reportDir
}

// since is what a replica that asks has already: the feed's next number, and of each session's reports the last one's number and command.
type since struct {
	feed    uint64
	reports []lastReport // by session
}

type lastReport struct{ number, command uint64 }

// query is since as a URL's query.
func (s *since) query() string {
	b := fmt.Appendf(nil, "?feed=%d&reports=", s.feed)
	for session, l := range s.reports {
		if l.number > 0 {
			b = fmt.Appendf(b, "%d.%d.%d-", session, l.number, l.command)
		}
	}
	return string(b)
}

func parseSince(feed int, reports []byte) (s since) {
	s.feed = uint64(max(feed, 0))
	for _, part := range bytes.Split(reports, []byte("-")) {
		var session, number, command uint64
		if n, _ := fmt.Sscanf(string(part), "%d.%d.%d", &session, &number, &command); n != 3 || session >= maxSessions {
			continue
		}
		for len(s.reports) <= int(session) {
			s.reports = append(s.reports, lastReport{})
		}
		s.reports[session] = lastReport{number, command}
	}
	return s
}

// newest is the highest command that the asking replica has a report of.
func (s *since) newest() (command uint64) {
	for _, l := range s.reports {
		command = max(command, l.command)
	}
	return command
}

// refuse tells why this replica has nothing for one that has so much; nil: it has. The loop's.
func (r *Replica) refuse(has *since) error {
	switch {
	case !r.haveState:
		return errors.New("this replica has no state itself yet")
	case has.feed > r.outbox.feed.Next() || has.newest() > r.market.Index():
		return errors.New("this replica is not as far as what is there already; ask again")
	}
	return nil
}

// copyStores takes a piece of the stores, from behind what the asking replica has.
func (r *Replica) copyStores(has since) (*stateCopy, error) {
	s := new(stateCopy)
	refusal := errStopping
	r.do(func() {
		if refusal = r.refuse(&has); refusal == nil {
			s.feed = r.outbox.feed.Export().From(has.feed)
			s.reports = r.outbox.reports.export(has.reports)
		}
	})
	if refusal != nil {
		return nil, refusal
	}
	s.feed = s.feed.Within(storesPiece)
	room := uint64(storesPiece / book.MaxEventLen)
	for i := range s.reports {
		x := &s.reports[i]
		x.last = min(x.last, x.first+room-1)
		room -= x.count()
	}
	return s, nil
}

var errStopping = errors.New("the replica is stopping")

// copyState takes the state at one position, without what the asking replica has, and begins to keep the entries that follow it. The loop goes on with
// consensus meanwhile and only leaves off applying.
func (r *Replica) copyState(has since) (*stateCopy, error) {
	s := new(stateCopy)
	refusal := errStopping
	r.do(func() {
		refusal = r.refuse(&has)
		switch {
		case refusal != nil:
		case r.frozen.Load():
			refusal = errors.New("the state is being copied for another replica; ask again")
		default:
			r.frozen.Store(true)
			r.tail.begin(r.applied.Index, r.host.monotonic())
			s.position = r.applied
			if planted("snapshot without its index") {
				s.position = consensus.Position{}
			}
			s.feed = r.outbox.feed.Export().From(has.feed)
			s.reports = r.outbox.reports.export(has.reports)
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

// export refers to what is stored now, from behind what the other replica has where that is the same. The writer's.
func (s *reportStore) export(has []lastReport) (all []reportsExport) {
	for session, r := range *s.sessions.Load() {
		x := reportsExport{last: r.last.Load(), dir: r.state.Load(), anew: true}
		x.first = x.dir.first
		r.shared = x.last
		if session < len(has) && has[session].number >= x.first && has[session].number <= x.last {
			if e := x.dir.at(has[session].number); e.Index == has[session].command {
				x.first, x.anew = has[session].number+1, false
			}
		}
		all = append(all, x)
	}
	return all
}

// count is how many reports it holds.
func (x *reportsExport) count() uint64 {
	if x.last < x.first || len(x.dir.chunks) == 0 {
		return 0
	}
	return x.last - x.first + 1
}

// at gives a stored event.
func (d *reportDir) at(number uint64) *book.Event {
	at := number - d.first
	return &d.chunks[at/reportChunk][at%reportChunk]
}

// has tells what is stored, for the query of a transfer.
func (s *reportStore) has() (all []lastReport) {
	for _, r := range *s.sessions.Load() {
		l := lastReport{number: r.last.Load()}
		if l.number > 0 {
			l.command = r.state.Load().at(l.number).Index
		}
		all = append(all, l)
	}
	return all
}

// write carries the state out, or the piece of the stores.
func (s *stateCopy) write(w io.Writer) error {
	sum := crc32.New(castagnoli)
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	if s.market == nil {
		out.WriteString(storesMagic)
	} else {
		word := s.position.AppendTo([]byte(stateMagic))
		out.Write(binary.LittleEndian.AppendUint64(word, uint64(len(s.market))))
		out.Write(s.market)
	}
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
		first, count := r.first, r.count()
		if r.anew {
			first |= reportsAnew
		}
		word = binary.LittleEndian.AppendUint64(word[:0], first)
		out.Write(binary.LittleEndian.AppendUint64(word, count))
		for number := r.first; count > 0 && number <= r.last; number++ {
			word = r.dir.at(number).AppendTo(word[:0])
			if _, err := out.Write(word); err != nil {
				return err
			}
		}
	}
	return nil
}

// installed is a state read and checked, not yet the replica's own.
type installed struct {
	position consensus.Position
	snapshot []byte // of the market; restored only when all is there
	market   *book.Market
	outbox   *outbox
}

// restore makes the market of a state that is complete.
func (r *Replica) restore(in *installed) (err error) {
	if in.market, err = book.RestoreMarket(r.host.limits, in.snapshot); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	in.outbox.relist(in.market)
	return nil
}

// install lets the loop change over to the state.
func (r *Replica) install(in *installed) (err error) {
	if !r.do(func() {
		if err = r.node.InstallSnapshot(in.position); err != nil {
			return
		}
		if err = r.outbox.adopt(in.outbox); err != nil {
			return
		}
		r.market = in.market
		r.applied, r.haveState = in.position, true
		r.lastTime = max(r.lastTime, r.market.Time())
		r.hashes.store(r.market.Index(), r.market.StreamHash())
	}) {
		return errStopping
	}
	return err
}

// readState checks a state and takes its stores in behind what is staged.
func (r *Replica) readState(state []byte, staged *outbox) (*installed, error) {
	body, err := checked(state, stateMagic)
	if err != nil {
		return nil, err
	}
	in := &installed{outbox: staged}
	position, rest, ok := consensus.DecodePosition(body)
	in.position = position
	if !ok || len(rest) < 8 || uint64(len(rest)-8) < binary.LittleEndian.Uint64(rest) {
		return nil, io.ErrUnexpectedEOF
	}
	n := binary.LittleEndian.Uint64(rest)
	in.snapshot = rest[8 : 8+n]
	return in, staged.loadStores(rest[8+n:])
}

// checked gives what lies between the magic and the checksum.
func checked(b []byte, magic string) ([]byte, error) {
	if len(b) < len(magic)+4 || string(b[:len(magic)]) != magic {
		return nil, errors.New("not a state of this version: run the same program on all replicas")
	}
	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, errors.New("checksum: the transfer was cut or damaged")
	}
	return body[len(magic):], nil
}

// errStaged: what came does not fit what is staged, which is of no use any more.
var errStaged = errors.New("what is staged is not continued")

// loadStores takes in what writes of a stateCopy carry of the stores.
func (o *outbox) loadStores(b []byte) error {
	rest, err := o.feed.Load(b)
	if err == nil {
		err = o.reports.load(rest)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errStaged, err)
	}
	return nil
}

func (s *reportStore) load(rest []byte) error {
	if len(rest) < 4 {
		return io.ErrUnexpectedEOF
	}
	sessions := binary.LittleEndian.Uint32(rest)
	rest = rest[4:]
	var e book.Event
	for session := range sessions {
		if len(rest) < 16 || sessions > maxSessions {
			return io.ErrUnexpectedEOF
		}
		first, count := binary.LittleEndian.Uint64(rest), binary.LittleEndian.Uint64(rest[8:])
		rest = rest[16:]
		next := first &^ reportsAnew
		if first != next {
			s.restart(uint16(session), next)
		} else if have, _ := s.last(uint16(session)); count > 0 && have+1 != next {
			return fmt.Errorf("reports of session %d from %d do not follow %d", session, next, have)
		}
		for ; count > 0; count-- {
			n, err := book.DecodeEvent(rest, &e)
			if err != nil {
				return err
			}
			if uint32(e.Session) != session || e.OutSeq != next {
				return fmt.Errorf("report %d of session %d where report %d of session %d belongs", e.OutSeq, e.Session, next, session)
			}
			s.append(&e)
			next++
			rest = rest[n:]
		}
	}
	if len(rest) != 0 {
		return fmt.Errorf("%d bytes too many", len(rest))
	}
	return nil
}
