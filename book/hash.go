package book

import (
	"encoding/binary"
	"math/bits"
)

func idWords(id *ClientID) (a, b, c, d, e uint64) {
	return binary.LittleEndian.Uint64(id[0:8]), binary.LittleEndian.Uint64(id[8:16]), binary.LittleEndian.Uint64(id[16:24]),
		binary.LittleEndian.Uint64(id[24:32]), binary.LittleEndian.Uint64(id[32:40])
}

// hashID has each word of an id in a product of its own, so that the products run side by side.
func hashID(id *ClientID) uint64 {
	a, b, c, d, e := idWords(id)
	return fold(a^k0, b^k1) ^ bits.RotateLeft64(fold(c^k2, d^k3), 17) ^ bits.RotateLeft64(fold(e^k4, k5), 31)
}

// hashCommand takes every field of a command into a rolling hash.
func hashCommand(h uint64, c *Command) uint64 {
	small := uint64(c.Kind) | uint64(c.Side)<<8 | uint64(c.Type)<<16 | uint64(c.TIF)<<24 | uint64(c.Flags)<<32 | uint64(c.Protocol)<<40 |
		uint64(c.Code)<<48 | uint64(c.Reason)<<56
	wide := uint64(c.Instrument) | uint64(c.Session)<<16 | uint64(c.Seconds)<<32 | uint64(c.RefTag)<<48
	last := uint64(c.RefMsgType[0]) | uint64(c.RefMsgType[1])<<8 | uint64(c.Conditions)<<16 | uint64(c.SelfTrade)<<24 | uint64(c.Epoch)<<32
	x := fold(small^k0, wide^k1) ^
		bits.RotateLeft64(fold(last^k2, c.InSeq^k3), 7) ^
		bits.RotateLeft64(fold(c.NextIn^k4, uint64(c.Time)^k5), 14) ^
		bits.RotateLeft64(fold(uint64(c.Price)^k1, uint64(c.Qty)^k3), 21) ^
		bits.RotateLeft64(hashID(&c.ClientID), 28) ^
		bits.RotateLeft64(hashID(&c.OrigID), 35)
	if c.StopPrice|c.Trail|c.MinQty|c.Display|c.Expire != 0 {
		x ^= hashWords(x, uint64(c.StopPrice), uint64(c.Trail), uint64(c.MinQty), uint64(c.Display), uint64(c.Expire))
	}
	return fold(h^x, k3) + k0
}

// hashEvent takes every field of an event into a rolling hash.
func hashEvent(h uint64, e *Event) uint64 {
	resting := uint64(0)
	if e.Resting {
		resting = 1
	}
	small := uint64(e.Kind) | uint64(e.Feed)<<8 | uint64(e.Side)<<16 | uint64(e.Type)<<24 | uint64(e.TIF)<<32 | uint64(e.Code)<<40 |
		uint64(e.Reason)<<48 | resting<<56
	wide := uint64(e.Instrument) | uint64(e.Session)<<16 | uint64(e.Seconds)<<32 | uint64(e.RefTag)<<48
	last := uint64(e.RefMsgType[0]) | uint64(e.RefMsgType[1])<<8 | uint64(e.Flags)<<16 | uint64(e.Conditions)<<24 | uint64(e.Epoch)<<32
	x := fold(small^k0, wide^k1) ^
		bits.RotateLeft64(fold(last^k2, e.OutSeq^k3), 5) ^
		bits.RotateLeft64(fold(e.FeedSeq^k4, e.Index^k5), 10) ^
		bits.RotateLeft64(fold(uint64(e.Time)^k1, e.NextIn^k3), 15) ^
		bits.RotateLeft64(fold(e.InSeq^k0, e.OrderID^k5), 20) ^
		bits.RotateLeft64(fold(e.Ref^k2, e.OldRef^k4), 25) ^
		bits.RotateLeft64(fold(e.Match^k1, uint64(e.Price)^k4), 30) ^
		bits.RotateLeft64(fold(uint64(e.Qty)^k0, uint64(e.LastPrice)^k3), 35) ^
		bits.RotateLeft64(fold(uint64(e.LastQty)^k2, uint64(e.Cum)^k5), 40) ^
		bits.RotateLeft64(fold(uint64(e.Leaves)^k1, e.NotionalLo^k2), 45) ^
		bits.RotateLeft64(fold(uint64(e.NotionalHi)^k3, k4), 50) ^
		bits.RotateLeft64(hashID(&e.ClientID), 55) ^
		bits.RotateLeft64(hashID(&e.OrigID), 60)
	if e.StopPrice|e.Shown != 0 {
		x ^= hashWords(x, uint64(e.StopPrice), uint64(e.Shown))
	}
	return fold(h^x, k3) + k1
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
