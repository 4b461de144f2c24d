package book

import "encoding/binary"

func idWords(id *ClientID) (a, b, c, d, e uint64) {
	return binary.LittleEndian.Uint64(id[0:8]), binary.LittleEndian.Uint64(id[8:16]), binary.LittleEndian.Uint64(id[16:24]),
		binary.LittleEndian.Uint64(id[24:32]), binary.LittleEndian.Uint64(id[32:40])
}

func (id *ClientID) empty() bool {
	a, b, c, d, e := idWords(id)
	return a|b|c|d|e == 0
}

// hashID takes an id in; most are short.
func hashID(x uint64, id *ClientID) uint64 {
	a, b, c, d, e := idWords(id)
	x = fold(x^a, b^k1)
	if c|d|e != 0 {
		x = fold(x^c, d^k2)
		x = fold(x^e, k3)
	}
	return x
}

func (t *idText) hash() uint64 {
	id := t.clientID()
	return hashID(k4, &id)
}

// hashCommand takes every field of a command into a rolling hash. What is seldom there costs a look.
func hashCommand(h uint64, c *Command) uint64 {
	small := uint64(c.Kind) | uint64(c.Side)<<8 | uint64(c.Type)<<16 | uint64(c.TIF)<<24 | uint64(c.Flags)<<32 | uint64(c.Protocol)<<40 |
		uint64(c.Code)<<48 | uint64(c.Reason)<<56
	wide := uint64(c.Instrument) | uint64(c.Session)<<16 | uint64(c.Seconds)<<32 | uint64(c.RefTag)<<48
	last := uint64(c.RefMsgType[0]) | uint64(c.RefMsgType[1])<<8 | uint64(c.Conditions)<<16 | uint64(c.SelfTrade)<<24 | uint64(c.Epoch)<<32
	x := fold(small^k0, wide^k1)
	y := fold(last^k2, c.InSeq^k3)
	x = fold(x^c.NextIn, uint64(c.Time)^k4)
	y = fold(y^uint64(c.Price), uint64(c.Qty)^k5)
	x = hashID(x, &c.ClientID)
	if !c.OrigID.empty() {
		y = hashID(y, &c.OrigID)
	}
	if !c.plain() {
		x = hashWords(x, uint64(c.StopPrice), uint64(c.Trail), uint64(c.MinQty), uint64(c.Display), uint64(c.Expire))
	}
	return fold(h^x, y^k3) + k0
}

// hashEvent takes every field of an event into a rolling hash, except Index and Time: those are in the command's part.
func hashEvent(h uint64, e *Event) uint64 {
	resting := uint64(0)
	if e.Resting {
		resting = 1
	}
	small := uint64(e.Kind) | uint64(e.Feed)<<8 | uint64(e.Side)<<16 | uint64(e.Type)<<24 | uint64(e.TIF)<<32 | uint64(e.Code)<<40 |
		uint64(e.Reason)<<48 | resting<<56
	wide := uint64(e.Instrument) | uint64(e.Session)<<16 | uint64(e.Seconds)<<32 | uint64(e.RefTag)<<48
	last := uint64(e.RefMsgType[0]) | uint64(e.RefMsgType[1])<<8 | uint64(e.Flags)<<16 | uint64(e.Conditions)<<24 | uint64(e.Epoch)<<32
	x := fold(small^k0, wide^k1)
	y := fold(last^k2, e.OutSeq^k3)
	x = fold(x^e.FeedSeq, e.NextIn^k4)
	y = fold(y^e.InSeq, e.OrderID^k5)
	x = fold(x^e.Ref, uint64(e.Price)^k1)
	y = fold(y^uint64(e.Qty), uint64(e.Leaves)^k2)
	x = fold(x^uint64(e.Cum), e.NotionalLo^k3)
	y = hashID(y, &e.ClientID)
	if !e.OrigID.empty() {
		x = hashID(x, &e.OrigID)
	}
	if e.OldRef|e.Match|uint64(e.LastPrice|e.LastQty|e.NotionalHi|e.StopPrice|e.Shown) != 0 {
		x = fold(x^e.OldRef, e.Match^k4)
		y = fold(y^uint64(e.LastPrice), uint64(e.LastQty)^k5)
		if e.NotionalHi|e.StopPrice|e.Shown != 0 {
			x = hashWords(x, uint64(e.NotionalHi), uint64(e.StopPrice), uint64(e.Shown))
		}
	}
	return fold(h^x, y^k3) + k1
}

// hashBytes takes a string of bytes, and its length, into a rolling hash.
func hashBytes(h uint64, b []byte) uint64 {
	h = fold(h^uint64(len(b)), k5) + k2
	for len(b) >= 16 {
		h = fold(h^binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])^k1) + k3
		b = b[16:]
	}
	var tail [16]byte
	copy(tail[:], b)
	return fold(h^binary.LittleEndian.Uint64(tail[:]), binary.LittleEndian.Uint64(tail[8:])^k1) + k4
}

// hashWords takes numbers into a rolling hash.
func hashWords(h uint64, words ...uint64) uint64 {
	for _, w := range words {
		h = fold(h^w, k1) + k0
	}
	return h
}
