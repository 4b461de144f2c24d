package fix

import (
	"bytes"

	"exchange/book"
)

// newOrder turns a NewOrderSingle (D) into Enter.
func (a *Acceptor) newOrder(in *inbound) {
	if !a.clientIDs(in, tagClOrdID, tagSymbol) {
		return
	}
	m := in.m
	c := a.orderCommand(book.Enter, in)
	instrument, known := a.instrument(c, m)
	if !known {
		copy(c.OrigID[:], m.get(tagSymbol))
	}
	terms(c, m, &instrument)
}

// cancelRequest turns an OrderCancelRequest (F) into Cancel.
func (a *Acceptor) cancelRequest(in *inbound) {
	if !a.clientIDs(in, tagClOrdID, tagOrigClOrdID, tagSymbol) {
		return
	}
	c := a.orderCommand(book.Cancel, in)
	copy(c.OrigID[:], in.m.get(tagOrigClOrdID))
	c.Side, _ = sideOf(in.m)
	a.instrument(c, in.m)
}

// replaceRequest turns an OrderCancelReplaceRequest (G) into Replace.
func (a *Acceptor) replaceRequest(in *inbound) {
	if !a.clientIDs(in, tagClOrdID, tagOrigClOrdID, tagSymbol) {
		return
	}
	m := in.m
	c := a.orderCommand(book.Replace, in)
	copy(c.OrigID[:], m.get(tagOrigClOrdID))
	instrument, _ := a.instrument(c, m)
	terms(c, m, &instrument)
	// What a replace cannot change is the order's own; the report says what that is. Orders that never rest cannot be replaced.
	if c.Reason == book.NoReason && (c.Type == book.MarketOrder || c.TIF == book.ImmediateOrCancel || c.TIF == book.FillOrKill) {
		c.Reason = book.UnsupportedOrder
	}
	c.TIF, c.Expire, c.Conditions, c.SelfTrade, c.MinQty = book.Day, 0, 0, 0, 0
}

// statusRequest turns an OrderStatusRequest (H) into Status.
func (a *Acceptor) statusRequest(in *inbound) {
	if !a.clientIDs(in, tagClOrdID) || !a.shortIDs(in, book.ClientIDLen, tagOrdStatusReqID) {
		return
	}
	c := a.orderCommand(book.Status, in)
	c.Code, c.OrigID, c.ClientID = 'H', c.ClientID, book.ClientID{}
	copy(c.ClientID[:], in.m.get(tagOrdStatusReqID))
	if instrument, ok := a.dir.Instrument(in.m.get(tagSymbol)); ok { // for the answer that there is no such order
		c.Instrument = instrument.Number
	}
	if in.m.has(tagSide) {
		c.Side, _ = sideOf(in.m)
	}
}

// massStatusRequest turns an OrderMassStatusRequest (AF) into Status of all open orders.
func (a *Acceptor) massStatusRequest(in *inbound) {
	if !a.clientIDs(in, tagMassStatusReqID) {
		return
	}
	m := in.m
	c := a.orderCommand(book.Status, in)
	c.Code, c.ClientID = 'A', book.ClientID{}
	copy(c.ClientID[:], m.get(tagMassStatusReqID))
	switch string(m.get(tagMassStatusReqType)) {
	case "7":
	case "1":
		a.instrument(c, m)
	default:
		c.Reason = book.UnsupportedOrder
	}
	oneSide(c, m)
}

// massCancelRequest turns an OrderMassCancelRequest (q) into MassCancel of the session's orders.
func (a *Acceptor) massCancelRequest(in *inbound) {
	if !a.clientIDs(in, tagClOrdID) {
		return
	}
	m := in.m
	c := a.orderCommand(book.MassCancel, in)
	c.Code = 'S'
	asked := m.get(tagMassCancelRequestType)[0]
	switch asked {
	case '7':
	case '1':
		a.instrument(c, m)
	default:
		c.Reason = book.UnsupportedOrder
	}
	oneSide(c, m)
	if c.Reason != book.NoReason {
		c.Code = asked // for the answer: nothing is cancelled by it
	}
}

// oneSide fills Side if the request names one.
func oneSide(c *book.Command, m *Message) {
	if !m.has(tagSide) {
		return
	}
	side, ok := sideOf(m)
	if !ok {
		c.Reason = book.UnsupportedOrder
	}
	c.Side = side
	c.Flags |= book.OneSide
}

// orderCommand consumes the message's number with an order command.
func (a *Acceptor) orderCommand(kind book.CommandKind, in *inbound) *book.Command {
	a.expected++
	c := a.command(kind, in.seq)
	if in.possDup {
		c.Flags |= book.PossDup
	}
	if in.m.is(tagPossResend, 'Y') {
		c.Flags |= book.PossResend
	}
	copy(c.ClientID[:], in.m.get(tagClOrdID))
	return c
}

// clientIDs checks what must be there and fit a command as it is: a longer value cannot be answered truthfully, so it is a session reject.
func (a *Acceptor) clientIDs(in *inbound, tags ...int) bool {
	for _, tag := range tags {
		if in.m.get(tag) == nil { // FIX leaves some open, as Symbol, where they may be told by other means, which we do not take
			a.reject(in, faultOf(rejectRequiredMissing, int32(tag)))
			return false
		}
	}
	return a.shortIDs(in, book.ClientIDLen, tags...)
}

// shortIDs is clientIDs for values that may be left out, up to a length of their own.
func (a *Acceptor) shortIDs(in *inbound, longest int, tags ...int) bool {
	for _, tag := range tags {
		value := in.m.get(tag)
		if len(value) > longest || bytes.IndexByte(value, 0) >= 0 {
			a.reject(in, faultOf(rejectValueOutOfRange, int32(tag)))
			return false
		}
	}
	return true
}

// instrument fills Instrument, or the reason when the symbol is not known.
func (a *Acceptor) instrument(c *book.Command, m *Message) (Instrument, bool) {
	instrument, ok := a.dir.Instrument(m.get(tagSymbol))
	if !ok {
		c.Reason = book.UnknownInstrument
		return Instrument{Tick: 1, Lot: 1}, false
	}
	c.Instrument = instrument.Number
	return instrument, true
}
