package depth

// Change is what one message did, for whoever shows it or passes it on.
type Change struct {
	// Type is the ITCH message type.
	Type byte
	// Book that was meant; nil for a system event.
	Book *Book
	// Ref of the order, OldRef the one it had before a replace.
	Ref, OldRef uint64
	// Side of the order, or of the resting order of an execution: B or S.
	Side byte
	// Price of the order, or of the trade. OrderPrice is the resting order's in an execution, the one before in a replace.
	Price, OrderPrice uint32
	// Shares added, executed, taken off or deleted; of a replace the new ones, OldShares those before. Left is what the order has left.
	Shares, OldShares, Left uint64
	// LevelShares is what rests at Price on Side afterwards (at OrderPrice, in an execution).
	LevelShares uint64
	// Match numbers an execution or trade.
	Match uint64
	// Code is the event code or trading state.
	Code byte
	// Timestamp in nanoseconds since midnight UTC.
	Timestamp uint64
}

// Traded tells that the change was an execution or a trade.
func (c *Change) Traded() bool {
	switch c.Type {
	case 'E', 'C', 'P', 'Q':
		return true
	}
	return false
}
