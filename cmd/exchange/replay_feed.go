package main

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"exchange/book"
	"exchange/cmd/exchange/server"
	"exchange/marketdata/itch"
	"exchange/ouch/soupbin"
)

// dayWriter writes down what a day played through one book looks like from outside: the feed as a client gets it over SoupBinTCP, and the engine's books, for
// a decoder that knows neither.
type dayWriter struct {
	feed   *bufio.Writer // nil: not wanted
	books  *bufio.Writer // nil: not wanted
	every  int           // commands between two moments at which the books are taken
	files  []*os.File
	core   soupbin.Server
	specs  []itch.InstrumentInfo // by instrument number
	packet []byte
	text   []byte
	last   uint64 // feed number
	count  int    // commands
	market *book.Market
	err    error
}

// openDay begins the files; an empty name is one that is not wanted.
func openDay(feed, books string, every int) (*dayWriter, error) {
	d := &dayWriter{every: every, core: soupbin.MakeServer(0)}
	for name, w := range map[string]**bufio.Writer{feed: &d.feed, books: &d.books} {
		if name == "" {
			continue
		}
		f, err := os.Create(name)
		if err != nil {
			return nil, errors.Join(err, d.close())
		}
		d.files = append(d.files, f)
		*w = bufio.NewWriterSize(f, 1<<16)
	}
	if d.feed == nil {
		return d, nil
	}
	// The login of a client that wants the day from its first message.
	session, err := soupbin.MakeSession("REPLAY")
	if err != nil {
		return nil, err
	}
	client := soupbin.MakeClient(session, 1)
	if _, _, err := d.core.Receive(client.Login(nil, "", "", 0), 0); err != nil {
		return nil, err
	}
	_, d.err = d.feed.Write(d.core.Accept(nil, session, 1, 0))
	return d, nil
}

// observe takes in what one command did.
func (d *dayWriter) observe(m *book.Market, events []book.Event) {
	d.market = m
	for i := range events {
		e := &events[i]
		if e.Kind == book.InstrumentListed {
			for len(d.specs) <= int(e.Instrument) {
				d.specs = append(d.specs, itch.InstrumentInfo{})
			}
			in := m.Instrument(e.Instrument)
			d.specs[e.Instrument] = itch.MakeInstrumentInfo(in.Symbol, in.Tick, in.Lot)
		}
		if e.FeedSeq == 0 {
			continue
		}
		d.last = e.FeedSeq
		if d.feed != nil {
			var info itch.InstrumentInfo
			if e.Instrument != 0 {
				info = d.specs[e.Instrument]
			}
			d.text = itch.AppendEvent(d.text[:0], e, info)
			d.packet = d.core.AppendSequenced(d.packet[:0], d.text, 0)
			d.write(d.feed, d.packet)
		}
	}
	if d.count++; d.books != nil && d.every > 0 && d.count%d.every == 0 {
		d.text = server.AppendBooks(d.text[:0], m)
		d.write(d.books, fmt.Appendf(nil, "# after %d %d %08x\n", d.last, lines(d.text), crc32.ChecksumIEEE(d.text)))
	}
}

func lines(text []byte) (n int) {
	for _, c := range text {
		if c == '\n' {
			n++
		}
	}
	return n
}

func (d *dayWriter) write(w io.Writer, b []byte) {
	if d.err == nil {
		_, d.err = w.Write(b)
	}
}

// finish writes the end of the session, and the books at it.
func (d *dayWriter) finish() error {
	if d.feed != nil {
		d.write(d.feed, d.core.EndOfSession(nil, 0))
	}
	if d.books != nil {
		d.write(d.books, server.AppendBooks(nil, d.market))
	}
	return errors.Join(d.err, d.close())
}

func (d *dayWriter) close() (err error) {
	for _, w := range []*bufio.Writer{d.feed, d.books} {
		if w != nil {
			err = errors.Join(err, w.Flush())
		}
	}
	for _, f := range d.files {
		err = errors.Join(err, f.Close())
	}
	return err
}
