package itch

import (
	"encoding/binary"
	"fmt"

	"exchange/book"
)

const nanosPerDay = 24 * 60 * 60 * 1_000_000_000

// InstrumentInfo is what the feed needs of an instrument beside its events.
type InstrumentInfo struct {
	Symbol Symbol
	// Tick is the tick size in 1/10,000, Lot the lot size in shares.
	Tick, Lot int64
}

// MakeInstrumentInfo takes a symbol of at most 8 bytes, a tick size in 1/10,000 and a lot size in shares.
func MakeInstrumentInfo(symbol string, tick, lot int64) InstrumentInfo {
	return InstrumentInfo{Symbol: MakeSymbol(symbol), Tick: tick, Lot: lot}
}

// listedDirectory is what every instrument's directory message says beside symbol and lot: a live instrument of no NASDAQ tier.
var listedDirectory = Directory{
	MarketCategory: ' ', FinancialStatus: ' ', RoundLotsOnly: 'Y', Classification: 'C', SubType: [2]byte{'Z', ' '},
	Authenticity: 'P', ShortSaleThreshold: ' ', IPO: ' ', LULDTier: ' ', ETP: 'N', ETPLeverage: 0, Inverse: 'N',
}

// AppendEvent appends the one message that an event with a feed number is on the feed. It is a pure function of the event and
// the instrument (zero for events about none), so every replica makes the same bytes. An event that is not on the
// feed, or a price or quantity that no message can carry, is a broken state machine and panics.
func AppendEvent(dst []byte, e *book.Event, info InstrumentInfo) []byte {
	dst = appendHeader(dst, e.Feed, e.Instrument, uint16(e.Index), sinceMidnight(e.Time))
	switch e.Feed {
	case SystemEvent:
		return append(dst, e.Code)
	case StockDirectory:
		return appendDirectory(append(dst, info.Symbol[:]...), lots(1, info), &listedDirectory)
	case TradingAction:
		dst = append(dst, info.Symbol[:]...)
		return append(dst, e.Code, ' ', ' ', ' ', ' ', ' ')
	case AddOrder:
		return appendAdd(dst, e.Ref, sideLetter(e.Side), lots(shown(e, e.Leaves), info), info.Symbol, ticks(e.Price, info))
	case OrderExecuted:
		return appendExecuted(dst, e.Ref, lots(e.LastQty, info), e.Match)
	case ExecutedWithPrice:
		dst = append(appendExecuted(dst, e.Ref, lots(e.LastQty, info), e.Match), 'Y')
		return binary.BigEndian.AppendUint32(dst, ticks(e.LastPrice, info))
	case OrderCancel:
		dst = binary.BigEndian.AppendUint64(dst, e.Ref)
		return binary.BigEndian.AppendUint32(dst, lots(shown(e, e.LastQty), info))
	case OrderDelete:
		return binary.BigEndian.AppendUint64(dst, deletedRef(e))
	case OrderReplace:
		return appendReplace(dst, e.OldRef, e.Ref, lots(shown(e, e.Leaves), info), ticks(e.Price, info))
	case Trade: // of an order that was never shown: no reference, and always B, as the specification has it since 2014
		dst = appendAdd(dst, 0, 'B', lots(e.LastQty, info), info.Symbol, ticks(e.LastPrice, info))
		return binary.BigEndian.AppendUint64(dst, e.Match)
	}
	panic(fmt.Sprintf("itch: event of kind %d with feed type %q has no message", e.Kind, e.Feed))
}

// Attribute makes an addition, which is the whole of message, one with attribution.
func Attribute(message []byte, mpid [4]byte) []byte {
	if len(message) != AddOrderLen || message[0] != AddOrder {
		panic(fmt.Sprintf("itch: a message of type %q cannot be attributed", message[:1]))
	}
	message[0] = AddOrderMPID
	return append(message, mpid[:]...)
}

// shown is what the feed tells of a quantity: less than all of it for an order that shows a part.
func shown(e *book.Event, all int64) int64 {
	if e.Shown != 0 {
		return e.Shown
	}
	return all
}

// deletedRef is the reference that left the book: that of a cancelled order, and the old one of an order that was replaced by
// one that traded.
func deletedRef(e *book.Event) uint64 {
	if e.Kind == book.Replaced {
		return e.OldRef
	}
	return e.Ref
}

// sinceMidnight turns time since the epoch into time of the day, UTC.
func sinceMidnight(t int64) uint64 {
	t %= nanosPerDay
	if t < 0 {
		t += nanosPerDay
	}
	return uint64(t)
}

func sideLetter(s book.Side) byte {
	if s == book.Buy {
		return 'B'
	}
	return 'S'
}

// lots gives a quantity in shares.
func lots(quantity int64, info InstrumentInfo) uint32 {
	return field32("shares", quantity, info.Lot)
}

// ticks gives a price in 1/10,000.
func ticks(price int64, info InstrumentInfo) uint32 {
	return field32("price", price, info.Tick)
}

// field32 is n units as a field of 32 bits. The state machine's own limits keep it from overflowing.
func field32(what string, n, unit int64) uint32 {
	if n < 0 || unit <= 0 || n > (1<<32-1)/unit {
		panic(fmt.Sprintf("itch: %s of %d x %d does not fit 32 bits", what, n, unit))
	}
	return uint32(n * unit)
}
