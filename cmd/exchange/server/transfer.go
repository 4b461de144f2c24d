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
//
// The stores are most of it and only grow. So a replica takes them once, which may take longer than the log lasts, and then asks again for what was
// added since (query feed and reports); that is quick, and the log goes on from there.
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
	first, last uint64
	dir         *reportDir
}

// marketCopyPatience bounds the wait for another copy of the state to be finished.
const marketCopyPatience = 10 * time.Second

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

// copyState takes the state at one position, without what the asking replica has. The loop goes on with consensus meanwhile and only leaves off applying.
func (r *Replica) copyState(has since) (*stateCopy, error) {
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

// export refers to what is stored now, from behind what the other replica has where that is the same.
func (s *reportStore) export(has []lastReport) (all []reportsExport) {
	for session, r := range *s.sessions.Load() {
		x := reportsExport{last: r.last.Load(), dir: r.state.Load()}
		x.first = x.dir.first
		if session < len(has) && has[session].number >= x.first && has[session].number <= x.last {
			if e := x.dir.at(has[session].number); e.Index == has[session].command {
				x.first = has[session].number + 1
			}
		}
		all = append(all, x)
	}
	return all
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
		if r.last >= r.first && len(r.dir.chunks) > 0 {
			count = r.last - r.first + 1
		}
		word = binary.LittleEndian.AppendUint64(word[:0], r.first)
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
			bytes, err := r.takeOver(m.HTTP)
			if err == nil {
				r.log.Info().Int("from", m.ID).Int("bytes", bytes).Msg("state taken over")
				if err := r.feed.start(); err != nil {
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

// fresh is how old a state may be to be installed without another look, and retakes how often at most one that is older is followed by what was added
// since. An older one is installed all the same when the last look took nearly as long as the one before, which is how slow this machine is: if the log
// has gone on beyond it meanwhile, the replica asks again.
const (
	fresh   = 500 * time.Millisecond
	retakes = 8
)

// takeOver takes the state of the replica at the address: all of it, then what was added meanwhile until that is little.
func (r *Replica) takeOver(address string) (size int, err error) {
	staged := newOutbox(r.cfg, r.directory)
	last := transferTimeout
	for look := 1; ; look++ {
		has := since{feed: staged.feed.Next(), reports: staged.reports.has()}
		asked := time.Now()
		state, err := download(address, has.query())
		if err != nil {
			return 0, err
		}
		size += len(state)
		in, err := r.readState(state, &staged)
		if err != nil {
			return 0, fmt.Errorf("state: %w", err)
		}
		if took := time.Since(asked); took > fresh && took < last-last/4 && look < retakes {
			last = took
			continue
		}
		return size, r.takeIn(in)
	}
}

// takeIn restores the market of a state that is complete, and installs all of it.
func (r *Replica) takeIn(in *installed) (err error) {
	if in.market, err = book.RestoreMarket(r.host.limits, in.snapshot); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	in.outbox.relist(in.market)
	return r.install(in)
}

func download(address, query string) ([]byte, error) {
	client := http.Client{Timeout: transferTimeout}
	resp, err := client.Get("http://" + address + "/v1/state" + query)
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
	snapshot []byte // of the market; restored only when all is there
	market   *book.Market
	outbox   *outbox
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
		r.hashes.store(r.market.Index(), r.market.StreamHash())
	}) {
		return errors.New("the replica is stopping")
	}
	return err
}

// readState checks a state and takes its stores in behind what is staged.
func (r *Replica) readState(state []byte, staged *outbox) (*installed, error) {
	if len(state) < len(stateMagic)+4 || string(state[:len(stateMagic)]) != stateMagic {
		return nil, errors.New("not a state of this version")
	}
	body, sum := state[:len(state)-4], binary.LittleEndian.Uint32(state[len(state)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return nil, errors.New("checksum: the transfer was cut or damaged")
	}
	in := &installed{outbox: staged}
	position, rest, ok := consensus.DecodePosition(body[len(stateMagic):])
	in.position = position
	if !ok || len(rest) < 8 || uint64(len(rest)-8) < binary.LittleEndian.Uint64(rest) {
		return nil, io.ErrUnexpectedEOF
	}
	n := binary.LittleEndian.Uint64(rest)
	in.snapshot = rest[8 : 8+n]
	var err error
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
			if have, _ := s.last(e.Session); have+1 != e.OutSeq && e.OutSeq != 1 {
				s.restart(e.Session, e.OutSeq) // what lies between is no longer kept
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
