package orderflow

import (
	"strconv"

	"exchange/book"
)

// Opening gives the commands that bring a new market to where a file of so many symbols can be played: instruments S0 …, one participant, one
// session, market hours, a logon.
func Opening(symbols int) []book.Command {
	commands := []book.Command{{Kind: book.SystemEvent, Code: 'O'}}
	for s := range symbols {
		commands = append(commands, book.Command{Kind: book.ListInstrument, ClientID: clientID(Symbol(uint16(s))), Price: 100, Qty: 1})
	}
	return append(commands,
		book.Command{Kind: book.AddParticipant, ClientID: clientID("FLOW")},
		book.Command{Kind: book.AddSession, ClientID: clientID("FLOW>EXCHANGE"), OrigID: clientID("FLOW"), Protocol: book.FIX},
		book.Command{Kind: book.SystemEvent, Code: 'S'}, book.Command{Kind: book.SystemEvent, Code: 'Q'},
		book.Command{Kind: book.Logon, Session: 1, InSeq: 1, Seconds: 30})
}

func clientID(s string) (id book.ClientID) {
	copy(id[:], s)
	return id
}

// IDText is the ClOrdID of an order of a file; requests that enter no order have the record's number behind it.
func IDText(id uint64) string { return strconv.FormatUint(id, 10) }

// RequestText is the ClOrdID of the request in a record.
func RequestText(record int) string { return "r" + strconv.Itoa(record) }

// PutID writes the id's text into a client id without allocating.
func PutID(dst *book.ClientID, id uint64) {
	*dst = book.ClientID{}
	strconv.AppendUint(dst[:0], id, 10)
}

// PutRequest is PutID for RequestText.
func PutRequest(dst *book.ClientID, record int) {
	*dst = book.ClientID{}
	dst[0] = 'r'
	strconv.AppendInt(dst[:1], int64(record), 10)
}

// enter makes the command that enters a record's order under an id.
func enter(r *Record, id uint64, c *book.Command) {
	*c = book.Command{Kind: book.Enter, Session: 1, Instrument: r.Symbol + 1, Side: book.Side(r.Side), Price: r.Price, Qty: int64(r.Qty)}
	switch r.Op {
	case IOC:
		c.TIF = book.ImmediateOrCancel
	case Market:
		c.Type, c.Price = book.MarketOrder, 0
	}
	PutID(&c.ClientID, id)
}

// Requests fills dst with the commands that a record asks for and says how many: one, or for a replace two, of which the second is only to be applied
// if the first was not refused. Epoch, InSeq and Time are left to the caller. number is the record's in its file, from 0.
func Requests(number int, r *Record, dst *[2]book.Command) int {
	if r.Op == Add || r.Op == IOC || r.Op == Market {
		enter(r, r.ID, &dst[0])
		return 1
	}
	c := &dst[0]
	*c = book.Command{Kind: book.Cancel, Session: 1}
	PutID(&c.OrigID, r.ID)
	if r.Op == Reduce {
		c.Kind, c.Qty = book.Reduce, int64(r.Qty)
		return 1
	}
	PutRequest(&c.ClientID, number)
	if r.Op == Cancel {
		return 1
	}
	enter(r, r.Aux, &dst[1])
	return 2
}
