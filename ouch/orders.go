package ouch

import (
	"encoding/binary"
	"strings"

	"exchange/book"
)

// commandOf turns a request into the command that the state machine gets. What is wrong with an order is a Reason in it, and the reject code in RefTag:
// the refusal too is the state machine's, since it uses up the number.
func (a *Acceptor) commandOf(now int64, r *Request) *book.Command {
	a.cmds = append(a.cmds, book.Command{Protocol: book.OUCH, Session: a.account.Session, Epoch: a.epoch})
	c := &a.cmds[len(a.cmds)-1]
	switch r.Type {
	case EnterOrder:
		c.Kind, c.InSeq, c.ClientID = book.Enter, uint64(r.UserRefNum), carry(r, a.account.Firm)
		a.enter(now, c, r)
		a.limitRate(now, c)
	case ReplaceOrder:
		// Side and capacity are the order's; a zero says so.
		r.Side, r.Capacity = 0, 0
		c.Kind, c.InSeq, c.ClientID, c.OrigID = book.Replace, uint64(r.UserRefNum), carry(r, Firm{}), r.origID()
		a.replace(now, c, r)
		a.limitRate(now, c)
	case CancelOrder:
		c.Kind, c.OrigID, c.Qty = book.Cancel, r.id(), int64(r.Quantity)
	case ModifyOrder:
		c.Kind, c.OrigID, c.Code, c.Qty = book.Reduce, r.id(), r.Side, int64(r.Quantity)
	case MassCancel:
		c.Kind, c.Code, c.InSeq, c.ClientID, c.OrigID = book.SessionMessage, 'C', uint64(r.UserRefNum), r.id(), pattern(r)
		copy(c.ClientID[carriedFirm:], r.Firm[:])
		a.massCancel(c, r)
	case DisableEntry, EnableEntry:
		c.Kind, c.Code, c.InSeq, c.ClientID = book.SessionMessage, byte(r.Type), uint64(r.UserRefNum), r.id()
		copy(c.ClientID[carriedFirm:], r.Firm[:])
	case AccountQuery:
		c.Kind, c.Code = book.SessionMessage, 'Q'
		if channel := r.Tags.UserRefIdx(); channel != 0 {
			c.ClientID = book.ChannelID(channel, 0)
		}
	}
	return c
}

// limitRate refuses an order, not cancelling what it would have replaced, when too many come.
func (a *Acceptor) limitRate(now int64, c *book.Command) {
	if !a.throttle.take(now) {
		c.Reason, c.RefTag = book.NotAuthorized, uint16(RejectTooManyMessages)
	}
}

// fault notes the first thing that is wrong.
func fault(c *book.Command, why book.Reason, code RejectReason) {
	if c.Reason == book.NoReason {
		c.Reason, c.RefTag = why, uint16(code)
	}
}

func (a *Acceptor) enter(now int64, c *book.Command, r *Request) {
	instrument, known := a.dir.Instrument(r.Symbol)
	if !known {
		fault(c, book.UnknownInstrument, RejectSymbol)
		instrument = Instrument{Tick: 1, Lot: 1}
	}
	c.Instrument, c.SelfTrade = instrument.Number, a.account.SelfTrade
	switch r.Side {
	case SideBuy:
	case SideSell, SideSellShort, SideSellShortExempt:
		c.Side = book.Sell
	default:
		fault(c, book.UnsupportedOrder, RejectSide)
	}
	if r.Price == MarketPrice || r.Price == LargePrice {
		c.Type = book.MarketOrder
	} else {
		price(c, r, &instrument)
	}
	quantity(c, r, &instrument)
	switch r.Capacity {
	case CapacityAgency, CapacityPrincipal, CapacityRiskless, CapacityOther:
	default:
		fault(c, book.UnsupportedOrder, RejectOther)
	}
	if r.Cross != CrossNone {
		fault(c, book.UnsupportedOrder, RejectCross)
	}
	expire := timeInForce(now, c, r)
	conditions(c, r, &instrument)
	if minimum := r.Tags.Number(TagMinQty); minimum != 0 {
		c.MinQty = int64(minimum) / instrument.Lot
		if c.MinQty > c.Qty || c.MinQty == 0 {
			fault(c, book.UnsupportedOrder, RejectMinQuantity)
		}
	}
	switch r.Tags.Letter(TagPostOnly) {
	case 'P':
		c.Conditions |= book.PostOnly
	case 0, 'N', ' ':
	default:
		fault(c, book.UnsupportedOrder, RejectOther)
	}
	be := binary.BigEndian
	be.PutUint32(c.OrigID[carriedMinQty:], uint32(r.Tags.Number(TagMinQty)))
	be.PutUint32(c.OrigID[carriedMaxFloor:], uint32(r.Tags.Number(TagMaxFloor)))
	be.PutUint32(c.OrigID[carriedExpireTime:], expire)
	if c.Reason != book.NoReason {
		c.Conditions, c.SelfTrade, c.MinQty, c.Display, c.Expire = 0, 0, 0, 0, 0
	}
}

// replace leaves shares and 1/10,000 to the state machine: only that knows the order's instrument.
func (a *Acceptor) replace(now int64, c *book.Command, r *Request) {
	raw := Instrument{Tick: 1, Lot: 1}
	price(c, r, &raw)
	quantity(c, r, &raw)
	timeInForce(now, c, r)
	conditions(c, r, &raw)
	if r.Tags.Has(TagMinQty) || r.Tags.Letter(TagPostOnly) == 'P' {
		fault(c, book.UnsupportedOrder, RejectOther)
	}
}

// price turns 1/10,000 into ticks.
func price(c *book.Command, r *Request, instrument *Instrument) {
	switch {
	case r.Price == 0 || r.Price > MaxPrice:
		fault(c, book.PriceOutOfRange, RejectPrice)
	case int64(r.Price)%instrument.Tick != 0:
		fault(c, book.PriceOffTick, RejectPrice)
	default:
		c.Price = int64(r.Price) / instrument.Tick
	}
}

// quantity turns shares into lots.
func quantity(c *book.Command, r *Request, instrument *Instrument) {
	switch {
	case r.Quantity == 0 || r.Quantity > MaxQuantity:
		fault(c, book.QuantityOutOfRange, RejectQuantity)
	case int64(r.Quantity)%instrument.Lot != 0:
		fault(c, book.QuantityOffLot, RejectQuantity)
	default:
		c.Qty = int64(r.Quantity) / instrument.Lot
	}
}

// timeInForce also gives the seconds that the order asks for.
func timeInForce(now int64, c *book.Command, r *Request) (expire uint32) {
	seconds := r.Tags.Number(TagExpireTime)
	switch r.TimeInForce {
	case TIFDay:
	case TIFImmediate:
		c.TIF = book.ImmediateOrCancel
	case TIFTillTime:
		if seconds == 0 || seconds > MaxExpireTime {
			fault(c, book.ExpireTimePast, RejectOther)
			return 0
		}
		c.TIF, c.Expire = book.GoodTillDate, now+int64(seconds)*second
		return uint32(seconds)
	default:
		fault(c, book.UnsupportedOrder, RejectOther)
	}
	if seconds != 0 {
		fault(c, book.UnsupportedOrder, RejectOther)
	}
	return 0
}

// notOffered are tags that would change what an order means, and the values with which they do not.
var notOffered = [...]struct {
	tag      Tag
	harmless string
	code     RejectReason
}{
	{TagPriceType, "L", RejectPegging}, {TagPegOffset, "", RejectPegging}, {TagDiscretionPrice, "", RejectPegging}, {TagDiscretionPriceType, "", RejectPegging},
	{TagDiscretionPegOffset, "", RejectPegging}, {TagRandomReserves, "", RejectMaxFloor}, {TagRoute, "", RejectRouting}, {TagTradeNow, "N ", RejectOther},
	{TagHandleInst, " ", RejectOther},
}

// conditions are display, sweep and the tags.
func conditions(c *book.Command, r *Request, instrument *Instrument) {
	switch r.Display {
	case DisplayVisible, DisplayAttributable:
	case DisplayHidden:
		c.Conditions |= book.Hidden
	default:
		fault(c, book.UnsupportedOrder, RejectDisplay)
	}
	if r.Sweep != 'N' {
		fault(c, book.UnsupportedOrder, RejectSweep)
	}
	if r.Tags.Empty() {
		return
	}
	if floor := r.Tags.Number(TagMaxFloor); floor != 0 {
		c.Display = int64(floor) / instrument.Lot
		if int64(floor)%instrument.Lot != 0 || floor > uint64(r.Quantity) || r.Display == DisplayHidden {
			fault(c, book.UnsupportedOrder, RejectMaxFloor)
		}
	}
	for i := range notOffered {
		n := &notOffered[i]
		if !r.Tags.Has(n.tag) {
			continue
		}
		if tagLen[n.tag] != 1 || strings.IndexByte(n.harmless, r.Tags.Letter(n.tag)) < 0 {
			fault(c, book.UnsupportedOrder, n.code)
		}
	}
}

// massCancel names the instrument, if the request names one.
func (a *Acceptor) massCancel(c *book.Command, r *Request) {
	if len(Trim(r.Symbol[:])) == 0 {
		return
	}
	instrument, known := a.dir.Instrument(r.Symbol)
	if !known {
		fault(c, book.UnknownInstrument, RejectSymbol)
	}
	c.Instrument = instrument.Number
}
