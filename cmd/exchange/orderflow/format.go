package orderflow

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Op is what a record asks for.
type Op uint8

const (
	Add     Op = 1 // a limit order that rests
	IOC     Op = 2 // an immediate-or-cancel limit order
	Market  Op = 3
	Cancel  Op = 4
	Reduce  Op = 5 // Qty: what is taken off
	Replace Op = 6 // Aux: the new id
)

// Record is one line of flow.
type Record struct {
	Op     Op
	Side   uint8
	Symbol uint16
	Qty    uint32
	ID     uint64
	Price  int64
	Aux    uint64
}

const (
	magic      = "BKBENCH1"
	recordSize = 32
	// BasePrice is the lowest price of a file, ticks.
	BasePrice = 10000
	// MaxRecords bounds a file that is read.
	MaxRecords = 1 << 30
)

// File is a file in memory.
type File struct {
	Prefill int
	Symbols int
	Span    int
	Records []Record
}

// ErrFormat: not a file of this format, or a damaged one.
var ErrFormat = errors.New("not an order-flow file")

// Read reads a whole file, of this format or one of LOBSTER's messages, which begin with a digit.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<20)
	var flow *File
	if first, _ := in.Peek(1); len(first) == 1 && first[0] >= '0' && first[0] <= '9' {
		var l *Lobster
		if l, err = DecodeLobster(in); err == nil {
			flow = l.File
		}
	} else {
		flow, err = Decode(in)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return flow, nil
}

// Decode reads a file from r.
func Decode(r io.Reader) (*File, error) {
	var b [recordSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil || string(b[:8]) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %s", ErrFormat, magic)
	}
	le := binary.LittleEndian
	count, prefill := le.Uint64(b[8:]), le.Uint64(b[16:])
	f := &File{Prefill: int(prefill), Symbols: int(le.Uint32(b[24:])), Span: int(le.Uint32(b[28:]))}
	if count > MaxRecords || prefill > count || f.Symbols < 1 || f.Symbols > 1<<16 || f.Span < 1 {
		return nil, fmt.Errorf("%w: %d records, %d of them prefill, %d symbols, span %d", ErrFormat, count, prefill, f.Symbols, f.Span)
	}
	f.Records = make([]Record, 0, min(count, 1<<20))
	for i := range count {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, fmt.Errorf("%w: cut at record %d of %d", ErrFormat, i+1, count)
		}
		rec := Record{Op: Op(b[0]), Side: b[1], Symbol: le.Uint16(b[2:]), Qty: le.Uint32(b[4:]), ID: le.Uint64(b[8:]), Price: int64(le.Uint64(b[16:])), Aux: le.Uint64(b[24:])}
		if rec.Op < Add || rec.Op > Replace || rec.Side > 1 || int(rec.Symbol) >= f.Symbols || rec.ID == 0 {
			return nil, fmt.Errorf("%w: record %d: op %d, side %d, symbol %d, id %d", ErrFormat, i+1, rec.Op, rec.Side, rec.Symbol, rec.ID)
		}
		f.Records = append(f.Records, rec)
	}
	if n, _ := io.ReadFull(r, b[:1]); n != 0 {
		return nil, fmt.Errorf("%w: bytes behind record %d, the last that the header tells of", ErrFormat, count)
	}
	return f, nil
}

// Encode writes the file.
func (f *File) Encode(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<20)
	le := binary.LittleEndian
	b := append(make([]byte, 0, recordSize), magic...)
	b = le.AppendUint64(le.AppendUint64(b, uint64(len(f.Records))), uint64(f.Prefill))
	out.Write(le.AppendUint32(le.AppendUint32(b, uint32(f.Symbols)), uint32(f.Span)))
	for i := range f.Records {
		r := &f.Records[i]
		b = le.AppendUint32(le.AppendUint16(append(b[:0], byte(r.Op), r.Side), r.Symbol), r.Qty)
		if _, err := out.Write(le.AppendUint64(le.AppendUint64(le.AppendUint64(b, r.ID), uint64(r.Price)), r.Aux)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// Symbol is the symbol of a number: S0, S1, ….
func Symbol(number uint16) string { return fmt.Sprintf("S%d", number) }
