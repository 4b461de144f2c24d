package bench

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"time"

	"exchange/book"
	"exchange/fix"
)

// fixPipe is a session on one connection: orders made from a template, answers counted without being understood, so that the client takes as little as it can of
// the machine that both share.
type fixPipe struct {
	*pipeline
	sender  string
	seq     uint64
	next    uint64 // of client ids
	body    []byte
	prefix  string // of client ids, different in each run
	stamp   string
	stamped time.Time
	seen    fixLengths
}

// fixLengths is how many orders and reports went over a connection, and their bytes.
type fixLengths struct{ orders, orderBytes, reports, reportBytes int }

var (
	errFIXEnded = errors.New("the session has ended")
	fixSymbols  = ouchSymbols
)

const soh = "\x01"

func newFIXPipe(n int) *fixPipe {
	return &fixPipe{sender: fixSender(n), seq: 1, prefix: strconv.FormatInt(time.Now().UnixNano()/1e6%1e9, 36) + "-"}
}

// message appends a message under the session's next number.
func (p *fixPipe) message(dst []byte, msgType string, body []byte) []byte {
	now := time.Now()
	if now.Sub(p.stamped) > time.Millisecond {
		p.stamp, p.stamped = now.UTC().Format("20060102-15:04:05.000"), now
	}
	var head [160]byte
	b := append(head[:0], "35="...)
	b = append(append(append(b, msgType...), "\x0134="...), []byte(nil)...)
	b = strconv.AppendUint(b, p.seq, 10)
	b = append(append(append(b, "\x0149="...), p.sender...), "\x0152="...)
	b = append(append(append(append(b, p.stamp...), "\x0156="...), fixBenchTarget...), soh...)
	p.seq++
	start := len(dst)
	dst = append(dst, "8=FIX.4.4\x019="...)
	dst = strconv.AppendInt(dst, int64(len(b)+len(body)), 10)
	dst = append(append(append(dst, soh...), b...), body...)
	sum := byte(0)
	for _, c := range dst[start:] {
		sum += c
	}
	return append(dst, '1', '0', '=', '0'+sum/100, '0'+sum/10%10, '0'+sum%10, 1)
}

// order appends a NewOrderSingle that rests.
func (p *fixPipe) order(dst []byte) []byte {
	b := append(p.body[:0], "11="...)
	b = append(append(b, p.prefix...), p.sender...)
	b = append(b, '-')
	b = strconv.AppendUint(b, p.next, 10)
	b = append(b, "\x0138=100\x0140=2\x0144=1."...)
	b = append(b, '0'+byte(p.next&63)/10, '0'+byte(p.next&63)%10)
	b = append(append(b, "\x0154=1\x0155="...), fixSymbols[p.next/64%uint64(len(fixSymbols))]...)
	b = append(append(append(b, "\x0159=0\x0160="...), "20260102-10:00:00.000"...), soh...)
	p.next++
	p.body = b
	before := len(dst)
	dst = p.message(dst, "D", b)
	p.seen.orders, p.seen.orderBytes = p.seen.orders+1, p.seen.orderBytes+len(dst)-before
	return dst
}

var (
	frameEnd   = []byte("\x0110=")
	isReport   = []byte("\x0135=8\x01")
	isNew      = []byte("\x01150=0\x01")
	isRejected = []byte("\x01150=8\x01")
	isMassDone = []byte("\x0135=r\x01")
	isLogon    = []byte("\x0135=A\x01")
	isLogout   = []byte("\x0135=5\x01")
)

// take counts the messages that hold both marks.
func (p *fixPipe) take(b []byte, kind, mark []byte) (answers, done int, err error) {
	for {
		rest := b[done:]
		at := bytes.Index(rest, frameEnd)
		if at < 0 || len(rest) < at+8 {
			return answers, done, nil
		}
		frame := rest[:at+8]
		done += at + 8
		switch {
		case bytes.Contains(frame[:40], kind) && (mark == nil || bytes.Contains(frame, mark)):
			answers++
		case bytes.Contains(frame[:40], isLogout):
			return answers, done, fmt.Errorf("%w: %s", errFIXEnded, fix.Readable(frame))
		case bytes.Contains(frame, isRejected):
			return answers, done, fmt.Errorf("an order was rejected: %s", fix.Readable(frame))
		}
	}
}

// wait reads until so many messages of a kind have come.
func (p *fixPipe) wait(count int, kind []byte) error {
	_ = p.conn.SetDeadline(time.Now().Add(pipelinePatience))
	for count > 0 {
		n, err := p.conn.Read(p.in[p.have:])
		if err != nil {
			return err
		}
		p.have += n
		answers, done, err := p.take(p.in[:p.have], kind, nil)
		if err != nil {
			return err
		}
		p.have = copy(p.in, p.in[done:p.have])
		count -= answers
	}
	return nil
}

func (p *fixPipe) round(count, window int, s *samples) error {
	return p.run(count, window, s, p.order, func(b []byte) (int, int, error) {
		answers, done, err := p.take(b, isReport, isNew)
		p.seen.reports, p.seen.reportBytes = p.seen.reports+answers, p.seen.reportBytes+done // the orders rest: nothing else comes
		return answers, done, err
	})
}

// cancelAll takes out all that rests, instrument by instrument.
func (p *fixPipe) cancelAll() error {
	for _, symbol := range fixSymbols {
		p.next++
		body := fmt.Sprintf("11=%s%s-q%d\x0155=%s\x0160=%s\x01530=1\x01", p.prefix, p.sender, p.next, symbol, "20260102-10:00:00.000")
		if _, err := p.conn.Write(p.message(nil, "q", []byte(body))); err != nil {
			return err
		}
		if err := p.wait(1, isMassDone); err != nil {
			return fmt.Errorf("mass cancel: %w", err)
		}
	}
	return nil
}

// fixFleet is sessions 1 to n, each on a connection of its own.
type fixFleet []*fixPipe

// dialFIX logs sessions on at the address among those that takes them. cleared: what rests of a run before is taken out.
func dialFIX(addresses []string, connections int, cleared bool) (fleet fixFleet, err error) {
	for n := 1; n <= connections; n++ {
		p := newFIXPipe(n)
		for _, address := range addresses {
			if p.pipeline, err = newPipeline(address); err != nil {
				continue
			}
			p.seq = 1
			if _, err = p.conn.Write(p.message(nil, "A", []byte("98=0\x01108=3600\x01141=Y\x01"))); err == nil {
				err = p.wait(1, isLogon)
			}
			if err == nil {
				break
			}
			p.conn.Close()
		}
		if err != nil {
			fleet.close()
			return nil, fmt.Errorf("no Logon over FIX: %w", err)
		}
		fleet = append(fleet, p)
	}
	if !cleared {
		return fleet, nil
	}
	if err = fleet.cancelAll(); err != nil {
		fleet.close()
		return nil, err
	}
	return fleet, nil
}

func (f fixFleet) close() {
	for _, p := range f {
		p.conn.Close()
	}
}

// round enters orders on all connections at once.
func (f fixFleet) round(count, window int) (*samples, error) {
	return roundOfAll(count, len(f), func(i, count int, s *samples) error { return f[i].round(count, window, s) })
}

// lengths gives how long an order and its report have been, in the mean.
func (f fixFleet) lengths() (order, report int) {
	var all fixLengths
	for _, p := range f {
		all.orders, all.orderBytes = all.orders+p.seen.orders, all.orderBytes+p.seen.orderBytes
		all.reports, all.reportBytes = all.reports+p.seen.reports, all.reportBytes+p.seen.reportBytes
	}
	return all.orderBytes / max(all.orders, 1), all.reportBytes / max(all.reports, 1)
}

func (f fixFleet) cancelAll() error {
	for _, p := range f {
		if err := p.cancelAll(); err != nil {
			return err
		}
	}
	time.Sleep(ouchBreath)
	return nil
}

// fixCodecFigures measures reading and checking an order, and writing its report.
func fixCodecFigures() []Figure {
	const stretch, stretches = 1000, 1000
	order := newFIXPipe(1).order(nil)
	var m fix.Message
	report := book.Event{
		Kind: book.Accepted, Session: 7, OutSeq: 123456, Index: 9876543, Time: 1709251198123456789, OrderID: 4711, Instrument: 1, Price: 10125, Qty: 100, Leaves: 100,
	}
	copy(report.ClientID[:], "order-00001234")
	ctx := &fix.EncodeContext{Version: fix.FIX44, Sender: fixBenchTarget, Target: fixSender(1), SendingTime: report.Time, Instruments: oneInstrument{}}
	buf := make([]byte, 0, 1024)
	parse, encode := newSamples(), newSamples()
	for range stretches {
		start := time.Now()
		for range stretch {
			if err := m.Parse(fix.FIX44, order); err != nil {
				panic("bench: its own order does not parse: " + err.Error())
			}
		}
		middle := time.Now()
		for range stretch {
			buf = fix.EncodeEvent(buf[:0], &report, ctx)
		}
		end := time.Now()
		for s, took := range map[*samples]time.Duration{parse: middle.Sub(start), encode: end.Sub(middle)} {
			s.record(int64(took) / stretch)
			s.stretch(stretch, took)
		}
	}
	return []Figure{parse.figure("parse", nil), encode.figure("encode", nil)}
}

// oneInstrument is an InstrumentTable of one.
type oneInstrument struct{}

func (oneInstrument) Instrument([]byte) (fix.Instrument, bool) {
	return oneInstrument{}.InstrumentByNumber(1)
}

func (oneInstrument) InstrumentByNumber(uint16) (fix.Instrument, bool) {
	return fix.Instrument{Symbol: "ABC", Number: 1, Tick: 100, Lot: 1}, true
}
