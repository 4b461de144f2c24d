package trader

import (
	"fmt"

	"exchange/book"
	"exchange/fix"
)

// Order is a client's own view of one of its orders, from reports alone.
type Order struct {
	ID     book.ClientID // its present ClOrdID
	Symbol [8]byte
	Side   byte // '1' buy, '2' sell
	// Number is the exchange's OrderID.
	Number uint64
	// Price in 1/10,000, quantities in shares.
	Price, Qty, Cum, Leaves int64
	// Asked: a cancel or replace is under way.
	Asked bool
}

// Blotter follows a client's orders and counts what must not be. The zero value is empty.
type Blotter struct {
	Open map[book.ClientID]*Order
	// Answers counts, for each ClOrdID of a NewOrderSingle, its New and Rejected reports.
	Answers map[book.ClientID]int
	// Executions holds every ExecID seen.
	Executions map[string]struct{}
	// Faults are what contradicts itself, in words: at most maxFaults are kept, all are counted.
	Faults     []string
	FaultCount int

	Acknowledged, Rejected, Trades int
	Volume                         int64
}

const maxFaults = 20

// NewBlotter makes an empty blotter.
func NewBlotter() *Blotter {
	return &Blotter{Open: map[book.ClientID]*Order{}, Answers: map[book.ClientID]int{}, Executions: map[string]struct{}{}}
}

func (b *Blotter) fault(format string, args ...any) {
	b.FaultCount++
	if len(b.Faults) < maxFaults {
		b.Faults = append(b.Faults, fmt.Sprintf(format, args...))
	}
}

// Text is a client id without its padding.
func Text(id book.ClientID) string {
	n := 0
	for n < len(id) && id[n] != 0 {
		n++
	}
	return string(id[:n])
}

// ClientID pads a text to a client id; what is too long is cut.
func ClientID(text string) (id book.ClientID) {
	copy(id[:], text)
	return id
}

// Take follows one message. Messages that the initiator marks as duplicates are passed over.
func (b *Blotter) Take(r *fix.Received) {
	switch {
	case r.Duplicate:
	case r.Is("8"):
		b.report(r)
	case r.Is("9"):
		if o := b.Open[r.OrigClOrdID]; o != nil {
			o.Asked = false
		}
	}
}

func (b *Blotter) report(r *fix.Received) {
	exec := string(r.ExecID[:r.ExecIDLen])
	if _, seen := b.Executions[exec]; seen {
		b.fault("ExecID %s came twice (34=%d)", exec, r.Seq)
		return
	}
	b.Executions[exec] = struct{}{}
	switch r.ExecType {
	case '0':
		b.Acknowledged++
		b.Answers[r.ClOrdID]++
		b.Open[r.ClOrdID] = &Order{
			ID: r.ClOrdID, Symbol: r.Symbol, Side: r.Side, Number: r.OrderID, Price: r.Price, Qty: r.OrderQty, Leaves: r.LeavesQty,
		}
	case '8':
		b.Rejected++
		b.Answers[r.ClOrdID]++
	case 'F':
		b.trade(r)
	case '4', 'C':
		id := r.ClOrdID
		if b.Open[id] == nil {
			id = r.OrigClOrdID
		}
		o := b.Open[id]
		if o == nil {
			b.fault("cancelled order %s is not open", Text(id))
			return
		}
		if o.Cum != r.CumQty {
			b.fault("order %s cancelled with 14=%d after fills of %d", Text(id), r.CumQty, o.Cum)
		}
		delete(b.Open, id)
	case '5':
		o := b.Open[r.OrigClOrdID]
		if o == nil {
			b.fault("replaced order %s is not open", Text(r.OrigClOrdID))
			return
		}
		delete(b.Open, o.ID)
		o.ID, o.Price, o.Qty, o.Leaves, o.Asked = r.ClOrdID, r.Price, r.OrderQty, r.LeavesQty, false
		b.Open[o.ID] = o
	}
}

func (b *Blotter) trade(r *fix.Received) {
	b.Trades++
	b.Volume += r.LastQty
	o := b.Open[r.ClOrdID]
	if o == nil {
		b.fault("order %s was filled but is not open", Text(r.ClOrdID))
		return
	}
	o.Cum += r.LastQty
	o.Leaves -= r.LastQty
	if o.Cum != r.CumQty || o.Leaves != r.LeavesQty || o.Leaves < 0 {
		b.fault("order %s: fills add up to %d with %d left, the report says 14=%d 151=%d", Text(o.ID), o.Cum, o.Leaves, r.CumQty, r.LeavesQty)
	}
	if r.LeavesQty == 0 {
		delete(b.Open, o.ID)
	}
}
