package book

import "math"

// Limits are the bounds of a market. All tables are made for them at start, and what does not fit is refused with a Reason, never grown for. They
// are part of the replicated state's meaning: every replica of a market must have the same.
type Limits struct {
	// Orders is how many orders may rest at one time, all instruments together; beyond it: BookFull.
	Orders int
	// ClientIDs is how many client order ids are remembered in one day, all sessions together; beyond it: ClientIDsFull.
	ClientIDs int
	// PriceNodes is how many nodes (64 neighbouring prices, or 64 neighbouring nodes) the ladders of all instruments may have together;
	// beyond it: BookFull. A level far from all others costs at most ladderHeight of them.
	PriceNodes int
	// Instruments, Participants and Sessions are how many of each may be added, at most 65,535.
	Instruments  int
	Participants int
	Sessions     int
	// Channels is how many sessions of OUCH may use channels besides 0, ever; what the others ask for in one is Rejected: ClientIDsFull. Each takes 4 KB.
	Channels int
	// MaxQty is the largest quantity of an order in lots; what the feed can carry (MaxShares) bounds it too.
	MaxQty int64
}

const (
	// MaxShares is the largest quantity of an order in shares: the feed carries 32 bits.
	MaxShares = math.MaxUint32
	// MaxFeedPrice is the highest price in 1/10,000: the feed's 200,000.0000.
	MaxFeedPrice = 2_000_000_000
	// MaxIcebergParts is into how many parts an iceberg may be divided: its display is at least this fraction of its quantity. Each part that trades is
	// a fill of its own, with its events, so without it one order could ask every replica for four thousand million of them.
	MaxIcebergParts = 1000
	// MaxSymbol is the longest symbol in bytes.
	MaxSymbol = 8
)

// The sum of price times quantity over the fills of one order fits an int64, since an order never fills more than its quantity.
const _ uint64 = math.MaxInt64 - MaxFeedPrice*MaxShares

// DefaultLimits hold a quarter of a million resting orders and one and a half million orders a day in about 100 MB.
func DefaultLimits() Limits {
	return Limits{
		Orders: 1 << 18, ClientIDs: 3 << 19, PriceNodes: 1 << 16,
		Instruments: 4096, Participants: 1024, Sessions: 4096, Channels: 4096, MaxQty: MaxShares,
	}
}

// clamp brings limits that make no sense to the nearest that do, so that the zero Limits are a very small market and not a panic.
func (l Limits) clamp() Limits {
	l.Orders = min(max(l.Orders, 1), 1<<30)
	l.ClientIDs = min(max(l.ClientIDs, 1), 1<<30)
	l.PriceNodes = min(max(l.PriceNodes, 2*ladderHeight), 1<<30)
	l.Instruments = min(max(l.Instruments, 1), math.MaxUint16)
	l.Participants = min(max(l.Participants, 1), math.MaxUint16)
	l.Sessions = min(max(l.Sessions, 1), math.MaxUint16)
	l.Channels = min(max(l.Channels, 1), l.Sessions)
	if l.MaxQty <= 0 || l.MaxQty > MaxShares {
		l.MaxQty = MaxShares
	}
	return l
}
