package book

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// What the hot path's structures were chosen from: `go test -bench Alternatives ./book`. Each does the same work on the same keys, and says the same.

// priceIndex finds the level of a price, and the next better one when a level is new.
type priceIndex interface {
	find(key uint64) uint32
	insert(key uint64, level uint32) (better uint32)
	remove(key uint64)
}

type radixIndex struct {
	nodes nodePool
	l     ladder
}

func (x *radixIndex) find(key uint64) uint32             { return x.nodes.find(&x.l, key) }
func (x *radixIndex) insert(key uint64, v uint32) uint32 { return x.nodes.insert(&x.l, key, v) }
func (x *radixIndex) remove(key uint64)                  { x.nodes.remove(&x.l, key) }

// flatIndex is an array over all prices there may be, and a bitmap of those that there are: memory in proportion to the distance of prices.
type flatIndex struct {
	base   uint64
	levels []uint32
	there  []uint64
}

func (x *flatIndex) find(key uint64) uint32 { return x.levels[key-x.base] }

func (x *flatIndex) insert(key uint64, v uint32) uint32 {
	i := key - x.base
	x.levels[i] = v
	x.there[i/64] |= 1 << (i % 64)
	w := x.there[i/64] & (1<<(i%64) - 1)
	for at := int(i / 64); ; w = x.there[at] {
		if w != 0 {
			return x.levels[at*64+63-bits.LeadingZeros64(w)]
		}
		if at--; at < 0 {
			return 0
		}
	}
}

func (x *flatIndex) remove(key uint64) {
	i := key - x.base
	x.levels[i] = 0
	x.there[i/64] &^= 1 << (i % 64)
}

// sortedIndex is a sorted slice, best last, so that what happens near the best moves little.
type sortedIndex struct {
	keys   []uint64 // inverted
	levels []uint32
}

func (x *sortedIndex) at(key uint64) (int, bool) { return slices.BinarySearch(x.keys, ^key) }

func (x *sortedIndex) find(key uint64) uint32 {
	if i, ok := x.at(key); ok {
		return x.levels[i]
	}
	return 0
}

func (x *sortedIndex) insert(key uint64, v uint32) uint32 {
	i, _ := x.at(key)
	x.keys, x.levels = slices.Insert(x.keys, i, ^key), slices.Insert(x.levels, i, v)
	if i+1 < len(x.levels) {
		return x.levels[i+1]
	}
	return 0
}

func (x *sortedIndex) remove(key uint64) {
	i, _ := x.at(key)
	x.keys, x.levels = slices.Delete(x.keys, i, i+1), slices.Delete(x.levels, i, i+1)
}

// mapIndex is Go's map beside a sorted slice of the prices, which the next better one is looked for in.
type mapIndex struct {
	levels map[uint64]uint32
	sorted sortedIndex
}

func (x *mapIndex) find(key uint64) uint32 { return x.levels[key] }

func (x *mapIndex) insert(key uint64, v uint32) uint32 {
	x.levels[key] = v
	return x.sorted.insert(key, v)
}

func (x *mapIndex) remove(key uint64) {
	delete(x.levels, key)
	x.sorted.remove(key)
}

func BenchmarkAlternativesForPrices(b *testing.B) {
	const base, steps = uint64(1) << 40, 1 << 16
	for _, levels := range []int{100, 1_000, 20_000} {
		// Orders come near the best more often than far from it; the best wanders. Each price is looked up, and its level made or taken away.
		r := rand.New(rand.NewPCG(1, 3))
		keys, mid := make([]uint64, steps), levels
		for i := range keys {
			mid = max(levels/8, mid+r.IntN(3)-1)
			keys[i] = base + uint64(mid) + uint64(min(r.IntN(2*levels), r.IntN(2*levels), r.IntN(4*levels)))
		}
		for _, kind := range []struct {
			name string
			make func() priceIndex
		}{
			{"radix", func() priceIndex { return &radixIndex{nodes: newNodePool(1 << 14)} }},
			{"flat", func() priceIndex { return &flatIndex{base, make([]uint32, 1<<18), make([]uint64, 1<<12)} }},
			{"sorted", func() priceIndex { return &sortedIndex{} }},
			{"map", func() priceIndex { return &mapIndex{levels: map[uint64]uint32{}} }},
		} {
			b.Run(fmt.Sprintf("%d/%s", levels, kind.name), func(b *testing.B) {
				x, sum := kind.make(), uint32(0)
				for n := range b.N {
					key := keys[n%steps]
					for k := range uint64(3) { // most orders stand at prices where others do
						sum += x.find(key + k)
					}
					if x.find(key) != 0 {
						x.remove(key)
					} else {
						sum += x.insert(key, uint32(n%steps)+1)
					}
				}
				alternativesSum = sum
			})
		}
	}
}

var alternativesSum uint32

// nameIndex finds an order by its client's id.
type nameIndex interface {
	add(id *ClientID, slot uint32)
	find(id *ClientID) uint32
	remove(id *ClientID, slot uint32)
}

type chainIndex struct{ p orderPool }

func (x *chainIndex) add(id *ClientID, slot uint32) {
	x.p.used++
	x.p.name(slot, 1, id)
	x.p.orders[slot].session = 1
}
func (x *chainIndex) find(id *ClientID) uint32 { return x.p.find(1, id) }
func (x *chainIndex) remove(_ *ClientID, slot uint32) {
	x.p.unname(slot)
	x.p.used--
}

// openIndex is an open-addressed table of hash and slot with linear probing, ids shifted back when one goes; the id itself is compared at the order.
type openIndex struct {
	entries []struct{ hash, slot uint32 }
	orders  []order
}

func (x *openIndex) home(id *ClientID) (hash, at uint32) {
	hash = chainHash(1, id)
	return hash, hash * 0x9e3779b1 & uint32(len(x.entries)-1)
}

func (x *openIndex) add(id *ClientID, slot uint32) {
	hash, at := x.home(id)
	for x.entries[at].slot != 0 {
		at = (at + 1) & uint32(len(x.entries)-1)
	}
	x.entries[at].hash, x.entries[at].slot = hash, slot
	x.orders[slot].name.set(id)
}

func (x *openIndex) at(id *ClientID) uint32 {
	hash, at := x.home(id)
	for ; ; at = (at + 1) & uint32(len(x.entries)-1) {
		e := &x.entries[at]
		if e.slot == 0 || e.hash == hash && x.orders[e.slot].name.is(id) {
			return at
		}
	}
}

func (x *openIndex) find(id *ClientID) uint32 { return x.entries[x.at(id)].slot }

func (x *openIndex) remove(id *ClientID, _ uint32) {
	mask := uint32(len(x.entries) - 1)
	hole := x.at(id)
	for at := (hole + 1) & mask; x.entries[at].slot != 0; at = (at + 1) & mask {
		if home := x.entries[at].hash * 0x9e3779b1 & mask; (at-home)&mask >= (at-hole)&mask {
			x.entries[hole] = x.entries[at]
			hole = at
		}
	}
	x.entries[hole].slot = 0
}

// goIndex is Go's map from id to slot.
type goIndex struct{ slots map[ClientID]uint32 }

func (x *goIndex) add(id *ClientID, slot uint32) { x.slots[*id] = slot }
func (x *goIndex) find(id *ClientID) uint32      { return x.slots[*id] }
func (x *goIndex) remove(id *ClientID, _ uint32) { delete(x.slots, *id) }

func BenchmarkAlternativesForNames(b *testing.B) {
	for _, live := range []int{1_000, 10_000, 200_000, 1_000_000} {
		for _, kind := range []struct {
			name string
			make func() nameIndex
		}{
			{"chains", func() nameIndex { return &chainIndex{newOrderPool(live)} }},
			{"open", func() nameIndex {
				x := &openIndex{orders: make([]order, live+2)}
				x.entries = make([]struct{ hash, slot uint32 }, 1<<bits.Len(uint(2*live)))
				return x
			}},
			{"map", func() nameIndex { return &goIndex{map[ClientID]uint32{}} }},
		} {
			b.Run(fmt.Sprintf("%d/%s", live, kind.name), func(b *testing.B) {
				x, r := kind.make(), rand.New(rand.NewPCG(1, 4))
				ids := make([]ClientID, live+1) // by slot
				for slot := 1; slot <= live; slot++ {
					ids[slot] = name(fmt.Sprint(slot))
					x.add(&ids[slot], uint32(slot))
				}
				const ahead = 1 << 14
				var turn [ahead]uint32
				var fresh [ahead]ClientID
				b.ResetTimer()
				for n := range b.N {
					if n%ahead == 0 {
						b.StopTimer()
						for i := range turn {
							turn[i], fresh[i] = 1+r.Uint32N(uint32(live)), name(fmt.Sprint(live+n+i+1))
						}
						b.StartTimer()
					}
					slot := turn[n%ahead]
					if got := x.find(&ids[slot]); got != slot {
						b.Fatalf("id %d: slot %d", slot, got)
					}
					x.remove(&ids[slot], slot)
					ids[slot] = fresh[n%ahead]
					x.add(&ids[slot], slot)
				}
			})
		}
	}
}
