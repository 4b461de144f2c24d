package itch

import (
	"encoding/binary"
	"fmt"
)

// Append appends the message. An unknown type, shares that do not fit the type's field, or a time beyond 48 bits are the
// caller's error and panic.
func Append(dst []byte, m *Message) []byte {
	dst = appendHeader(dst, m.Type, m.Locate, m.Tracking, m.Timestamp)
	switch m.Type {
	case SystemEvent:
		return append(dst, m.Code)
	case StockDirectory:
		return appendDirectory(append(dst, m.Stock[:]...), m.RoundLot, &m.Directory)
	case TradingAction:
		dst = append(dst, m.Stock[:]...)
		return append(dst, m.Code, ' ', m.Reason[0], m.Reason[1], m.Reason[2], m.Reason[3])
	case RegSHO:
		return append(append(dst, m.Stock[:]...), m.Code)
	case ParticipantPosition:
		dst = append(append(dst, m.MPID[:]...), m.Stock[:]...)
		return append(dst, m.Position.Primary, m.Position.Mode, m.Position.State)
	case AddOrder:
		return appendAdd(dst, m.Ref, m.Side, shares32(m.Shares), m.Stock, m.Price)
	case AddOrderMPID:
		return append(appendAdd(dst, m.Ref, m.Side, shares32(m.Shares), m.Stock, m.Price), m.MPID[:]...)
	case OrderExecuted:
		return appendExecuted(dst, m.Ref, shares32(m.Shares), m.Match)
	case ExecutedWithPrice:
		dst = append(appendExecuted(dst, m.Ref, shares32(m.Shares), m.Match), m.Printable)
		return binary.BigEndian.AppendUint32(dst, m.Price)
	case OrderCancel:
		dst = binary.BigEndian.AppendUint64(dst, m.Ref)
		return binary.BigEndian.AppendUint32(dst, shares32(m.Shares))
	case OrderDelete:
		return binary.BigEndian.AppendUint64(dst, m.Ref)
	case OrderReplace:
		return appendReplace(dst, m.Ref, m.NewRef, shares32(m.Shares), m.Price)
	case Trade:
		dst = appendAdd(dst, m.Ref, m.Side, shares32(m.Shares), m.Stock, m.Price)
		return binary.BigEndian.AppendUint64(dst, m.Match)
	case CrossTrade:
		dst = append(binary.BigEndian.AppendUint64(dst, m.Shares), m.Stock[:]...)
		dst = binary.BigEndian.AppendUint32(dst, m.Price)
		return append(binary.BigEndian.AppendUint64(dst, m.Match), m.Code)
	case BrokenTrade:
		return binary.BigEndian.AppendUint64(dst, m.Match)
	case Imbalance:
		return appendImbalance(dst, m)
	}
	panic(fmt.Sprintf("itch: no message type %q", m.Type))
}

func appendHeader(dst []byte, messageType byte, locate, tracking uint16, timestamp uint64) []byte {
	if timestamp >= 1<<48 {
		panic(fmt.Sprintf("itch: timestamp of %d ns needs more than 48 bits", timestamp))
	}
	return append(dst, messageType, byte(locate>>8), byte(locate), byte(tracking>>8), byte(tracking),
		byte(timestamp>>40), byte(timestamp>>32), byte(timestamp>>24), byte(timestamp>>16), byte(timestamp>>8), byte(timestamp))
}

func shares32(shares uint64) uint32 {
	if shares > 1<<32-1 {
		panic(fmt.Sprintf("itch: %d shares need more than 32 bits", shares))
	}
	return uint32(shares)
}

func appendDirectory(dst []byte, roundLot uint32, d *Directory) []byte {
	dst = append(dst, d.MarketCategory, d.FinancialStatus)
	dst = binary.BigEndian.AppendUint32(dst, roundLot)
	dst = append(dst, d.RoundLotsOnly, d.Classification, d.SubType[0], d.SubType[1],
		d.Authenticity, d.ShortSaleThreshold, d.IPO, d.LULDTier, d.ETP)
	return append(binary.BigEndian.AppendUint32(dst, d.ETPLeverage), d.Inverse)
}

func appendAdd(dst []byte, ref uint64, side byte, shares uint32, stock Symbol, price uint32) []byte {
	dst = append(binary.BigEndian.AppendUint64(dst, ref), side)
	dst = append(binary.BigEndian.AppendUint32(dst, shares), stock[:]...)
	return binary.BigEndian.AppendUint32(dst, price)
}

func appendExecuted(dst []byte, ref uint64, shares uint32, match uint64) []byte {
	dst = binary.BigEndian.AppendUint64(dst, ref)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(dst, shares), match)
}

func appendReplace(dst []byte, ref, newRef uint64, shares, price uint32) []byte {
	dst = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, ref), newRef)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, shares), price)
}

func appendImbalance(dst []byte, m *Message) []byte {
	dst = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(dst, m.Paired), m.Unpaired)
	dst = append(append(dst, m.Side), m.Stock[:]...)
	dst = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, m.Far), m.Near)
	return append(binary.BigEndian.AppendUint32(dst, m.Reference), m.Code, m.Variation)
}
