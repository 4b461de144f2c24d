package itch

import (
	"encoding/binary"
	"errors"
	"fmt"
)

var (
	// ErrUnknownType is a message of a type that this package does not know. A reader of a longer feed may pass over it.
	ErrUnknownType = errors.New("unknown ITCH message type")
	// ErrLength is a message that is not as long as its type says, or empty.
	ErrLength = errors.New("wrong length of an ITCH message")
)

// Decode reads one message, the whole of b. Codes are not checked: unknown ones are for the reader to pass over.
func Decode(b []byte, m *Message) error {
	if len(b) == 0 {
		return fmt.Errorf("%w: empty", ErrLength)
	}
	switch want := Len(b[0]); {
	case want == 0:
		return fmt.Errorf("%w %q", ErrUnknownType, b[0])
	case want != len(b):
		return fmt.Errorf("%w: %d bytes of type %q, %d are right", ErrLength, len(b), b[0], want)
	}
	*m = Message{
		Type: b[0], Locate: binary.BigEndian.Uint16(b[1:]), Tracking: binary.BigEndian.Uint16(b[3:]),
		Timestamp: uint64(binary.BigEndian.Uint16(b[5:]))<<32 | uint64(binary.BigEndian.Uint32(b[7:])),
	}
	decodeBody(b, m)
	return nil
}

// decodeBody reads what follows the header; offsets are from the start of the message, as the specification counts them.
func decodeBody(b []byte, m *Message) {
	switch m.Type {
	case SystemEvent:
		m.Code = b[11]
	case StockDirectory:
		decodeDirectory(b, m)
	case TradingAction:
		m.Stock, m.Code, m.Reason = Symbol(b[11:19]), b[19], [4]byte(b[21:25])
	case RegSHO:
		m.Stock, m.Code = Symbol(b[11:19]), b[19]
	case ParticipantPosition:
		m.MPID, m.Stock = [4]byte(b[11:15]), Symbol(b[15:23])
		m.Position = Position{Primary: b[23], Mode: b[24], State: b[25]}
	case AddOrder:
		decodeAdd(b, m)
	case AddOrderMPID:
		decodeAdd(b, m)
		m.MPID = [4]byte(b[36:40])
	case OrderExecuted:
		decodeExecuted(b, m)
	case ExecutedWithPrice:
		decodeExecuted(b, m)
		m.Printable, m.Price = b[31], binary.BigEndian.Uint32(b[32:])
	case OrderCancel:
		m.Ref, m.Shares = binary.BigEndian.Uint64(b[11:]), uint64(binary.BigEndian.Uint32(b[19:]))
	case OrderDelete:
		m.Ref = binary.BigEndian.Uint64(b[11:])
	case OrderReplace:
		m.Ref, m.NewRef = binary.BigEndian.Uint64(b[11:]), binary.BigEndian.Uint64(b[19:])
		m.Shares, m.Price = uint64(binary.BigEndian.Uint32(b[27:])), binary.BigEndian.Uint32(b[31:])
	case Trade:
		decodeAdd(b, m)
		m.Match = binary.BigEndian.Uint64(b[36:])
	case CrossTrade:
		m.Shares, m.Stock, m.Price = binary.BigEndian.Uint64(b[11:]), Symbol(b[19:27]), binary.BigEndian.Uint32(b[27:])
		m.Match, m.Code = binary.BigEndian.Uint64(b[31:]), b[39]
	case BrokenTrade:
		m.Match = binary.BigEndian.Uint64(b[11:])
	case Imbalance:
		decodeImbalance(b, m)
	}
}

func decodeDirectory(b []byte, m *Message) {
	m.Stock, m.RoundLot = Symbol(b[11:19]), binary.BigEndian.Uint32(b[21:])
	m.Directory = Directory{
		MarketCategory: b[19], FinancialStatus: b[20], RoundLotsOnly: b[25], Classification: b[26], SubType: [2]byte(b[27:29]),
		Authenticity: b[29], ShortSaleThreshold: b[30], IPO: b[31], LULDTier: b[32], ETP: b[33],
		ETPLeverage: binary.BigEndian.Uint32(b[34:]), Inverse: b[38],
	}
}

func decodeAdd(b []byte, m *Message) {
	m.Ref, m.Side, m.Shares = binary.BigEndian.Uint64(b[11:]), b[19], uint64(binary.BigEndian.Uint32(b[20:]))
	m.Stock, m.Price = Symbol(b[24:32]), binary.BigEndian.Uint32(b[32:])
}

func decodeExecuted(b []byte, m *Message) {
	m.Ref, m.Shares = binary.BigEndian.Uint64(b[11:]), uint64(binary.BigEndian.Uint32(b[19:]))
	m.Match = binary.BigEndian.Uint64(b[23:])
}

func decodeImbalance(b []byte, m *Message) {
	m.Paired, m.Unpaired = binary.BigEndian.Uint64(b[11:]), binary.BigEndian.Uint64(b[19:])
	m.Side, m.Stock = b[27], Symbol(b[28:36])
	m.Far, m.Near = binary.BigEndian.Uint32(b[36:]), binary.BigEndian.Uint32(b[40:])
	m.Reference, m.Code, m.Variation = binary.BigEndian.Uint32(b[44:]), b[48], b[49]
}
