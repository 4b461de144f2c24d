package ouch

import (
	"encoding/binary"

	"exchange/book"
)

// What an order's client id carries behind its number, so that every report of it can say it again and a mass cancel can look for it. A zero is nothing;
// in a Replace it stands for what the order has.
//
//	8  side's letter   9 ClOrdID (14)   23 time in force   24 display   25 capacity   26 Firm (4)   30 GroupID (2)   32 customer type
const (
	carriedSide     = book.SideLetter
	carriedClOrdID  = carriedSide + 1
	carriedTIF      = carriedClOrdID + len(ClOrdID{})
	carriedDisplay  = carriedTIF + 1
	carriedCapacity = carriedDisplay + 1
	carriedFirm     = carriedCapacity + 1
	carriedGroup    = carriedFirm + len(Firm{})
	carriedCustomer = carriedGroup + 2
)

// What an Enter's OrigID carries, for its Accepted only: MinQty, MaxFloor and ExpireTime, 4 bytes each, zero: none.
const (
	carriedMinQty = iota * 4
	carriedMaxFloor
	carriedExpireTime
)

// id is a request's number as the book has it.
func (r *Request) id() book.ClientID { return book.ChannelID(r.Tags.UserRefIdx(), r.UserRefNum) }

// origID is that of the order which a Replace means: of the same channel.
func (r *Request) origID() book.ClientID {
	return book.ChannelID(r.Tags.UserRefIdx(), r.OrigUserRefNum)
}

// carry packs what a request wants to have back.
func carry(r *Request, firm Firm) (id book.ClientID) {
	id = r.id()
	id[carriedSide] = r.Side
	copy(id[carriedClOrdID:], r.ClOrdID[:])
	id[carriedTIF], id[carriedDisplay], id[carriedCapacity] = r.TimeInForce, r.Display, r.Capacity
	if r.Tags.Has(TagFirm) {
		firm = r.Tags.Text(TagFirm)
	}
	if len(Trim(firm[:])) > 0 {
		copy(id[carriedFirm:], firm[:])
	}
	binary.BigEndian.PutUint16(id[carriedGroup:], uint16(r.Tags.Number(TagGroupID)))
	id[carriedCustomer] = r.Tags.Letter(TagCustomerType)
	return id
}

// Attributed gives the firm that is to be shown with the order of the id on the feed: its client asked for that, and named one; false: none.
func Attributed(id *book.ClientID) (Firm, bool) {
	if id.Number() == 0 || id[carriedDisplay] != DisplayAttributable || id[carriedFirm] == 0 {
		return Firm{}, false
	}
	return Firm(id[carriedFirm:]), true
}

// pattern is what orders must carry to be meant by a mass cancel.
func pattern(r *Request) (id book.ClientID) {
	if len(Trim(r.Firm[:])) > 0 {
		copy(id[carriedFirm:], r.Firm[:])
	}
	binary.BigEndian.PutUint16(id[carriedGroup:], uint16(r.Tags.Number(TagGroupID)))
	id[carriedSide] = r.Tags.Letter(TagSide)
	id[book.ChannelAt] = r.Tags.UserRefIdx()
	return id
}

// carried fills a report's fields from an order's id.
func (r *Report) carried(id *book.ClientID) {
	r.UserRefNum = id.Number()
	copy(r.ClOrdID[:], id[carriedClOrdID:])
	r.Side, r.TimeInForce, r.Display, r.Capacity = id[carriedSide], id[carriedTIF], id[carriedDisplay], id[carriedCapacity]
	if id[carriedFirm] != 0 {
		r.Tags.SetText(TagFirm, Firm(id[carriedFirm:]))
	}
	if group := binary.BigEndian.Uint16(id[carriedGroup:]); group != 0 {
		r.Tags.Set(TagGroupID, uint64(group))
	}
	if id[carriedCustomer] != 0 {
		r.Tags.Set(TagCustomerType, uint64(id[carriedCustomer]))
	}
}
