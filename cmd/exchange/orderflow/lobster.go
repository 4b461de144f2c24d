package orderflow

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// LOBSTER's message files are lines of seconds since midnight, type, order id, size, price x 10,000, and the direction of the resting order (1 buy, -1 sell).
const (
	lobsterAdd     = 1
	lobsterReduce  = 2
	lobsterDelete  = 3
	lobsterVisible = 4 // execution of a visible order
	lobsterHidden  = 5 // of a hidden one
	lobsterCross   = 6
	lobsterHalt    = 7

	lobsterTick = 100 // LOBSTER's price units in a cent
)

// ErrLobster: not a message file of LOBSTER's, or a damaged one.
var ErrLobster = errors.New("not a LOBSTER message file")

// Lobster is what a message file of LOBSTER's says, as flow.
type Lobster struct {
	*File
	// Reported has, for each record that stands for an execution, the id of the order that was executed, and 0 for the others.
	Reported []uint64
	// Unknown counts lines about orders that were in the book before the file begins, Unseen those about hidden executions and crosses. Both are left out.
	Unknown, Unseen int
	// Offset is what was added to the prices in ticks, so that the lowest is not below BasePrice.
	Offset int64
}

// lobsterLine is one line, read.
type lobsterLine struct {
	typ, direction int
	id, size       uint64
	price          int64
}

// DecodeLobster makes flow of a message file: an order added is a limit order, what is taken off is a reduce or a cancel, and the execution of a visible
// order stands for an immediate-or-cancel order of the other side at its price. It ends at a halt. Ids are numbered anew, from 1.
func DecodeLobster(r io.Reader) (*Lobster, error) {
	l := &Lobster{File: &File{Symbols: 1}}
	ids, last := map[uint64]uint64{}, 0.0
	next := uint64(0)
	lowest, highest := int64(1<<62), int64(0)
	in := bufio.NewScanner(r)
	for number := 1; in.Scan(); number++ {
		line, seconds, err := readLobsterLine(in.Text())
		if err == nil && seconds < last {
			err = errors.New("the time falls")
		}
		if err != nil {
			return nil, fmt.Errorf("%w: line %d: %w", ErrLobster, number, err)
		}
		last = seconds
		if line.typ == lobsterHalt {
			break
		}
		if line.typ == lobsterHidden || line.typ == lobsterCross {
			l.Unseen++
			continue
		}
		side := uint8(0)
		if line.direction < 0 {
			side = 1
		}
		id, known := ids[line.id]
		if known == (line.typ == lobsterAdd) {
			if known {
				return nil, fmt.Errorf("%w: line %d: order %d is added again", ErrLobster, number, line.id)
			}
			l.Unknown++
			continue
		}
		rec, reported := Record{Side: side, Qty: uint32(line.size), ID: id, Price: line.price}, uint64(0)
		switch line.typ {
		case lobsterAdd:
			next++
			ids[line.id] = next
			rec.Op, rec.ID = Add, next
		case lobsterReduce:
			rec.Op, rec.Price = Reduce, 0
		case lobsterDelete:
			delete(ids, line.id)
			rec.Op, rec.Price, rec.Qty = Cancel, 0, 0
		case lobsterVisible:
			next++
			rec.Op, rec.Side, rec.ID, reported = IOC, 1-side, next, id
		}
		if rec.Price != 0 {
			lowest, highest = min(lowest, rec.Price), max(highest, rec.Price)
		}
		l.Records, l.Reported = append(l.Records, rec), append(l.Reported, reported)
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if len(l.Records) == 0 {
		return nil, fmt.Errorf("%w: no line of it is about an order", ErrLobster)
	}
	l.Offset = max(0, BasePrice-lowest)
	for i := range l.Records {
		if rec := &l.Records[i]; rec.Price != 0 {
			rec.Price += l.Offset
		}
	}
	l.Span = int(highest + l.Offset - BasePrice + 1)
	return l, nil
}

// readLobsterLine reads a line; its price comes out in cents.
func readLobsterLine(text string) (line lobsterLine, seconds float64, err error) {
	fields := strings.Split(strings.TrimSuffix(text, "\r"), ",")
	if len(fields) < 6 { // some files have a seventh, of attributions
		return line, 0, fmt.Errorf("%d fields, there must be 6: time, type, order id, size, price, direction", len(fields))
	}
	if seconds, err = strconv.ParseFloat(fields[0], 64); err != nil || !(seconds >= 0 && seconds <= 86400) {
		return line, 0, fmt.Errorf("time %q: it is seconds since midnight", fields[0])
	}
	var v [5]int64
	for i := range v {
		if v[i], err = strconv.ParseInt(fields[i+1], 10, 64); err != nil {
			return line, 0, fmt.Errorf("field %d, %q: not a whole number", i+2, fields[i+1])
		}
	}
	line = lobsterLine{typ: int(v[0]), id: uint64(v[1]), size: uint64(v[2]), price: v[3], direction: int(v[4])}
	switch {
	case line.typ < lobsterAdd || line.typ > lobsterHalt:
		return line, 0, fmt.Errorf("type %d: there are 1 to %d", line.typ, lobsterHalt)
	case line.typ >= lobsterHidden: // of these only the type counts
		return line, seconds, nil
	case line.direction != 1 && line.direction != -1:
		return line, 0, fmt.Errorf("direction %d: it is 1 or -1", line.direction)
	case v[2] < 1 || v[2] > 1<<32-1:
		return line, 0, fmt.Errorf("size %d: it is 1 to %d", v[2], uint32(1<<32-1))
	case line.price < lobsterTick || line.price%lobsterTick != 0 || line.price/lobsterTick > 1<<31-1:
		return line, 0, fmt.Errorf("price %d: it is a multiple of a cent, %d", line.price, lobsterTick)
	}
	line.price /= lobsterTick
	return line, seconds, nil
}
