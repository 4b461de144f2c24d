package book

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestLadder compares the ladder with a sorted slice, over prices near and as far apart as int64 allows.
func TestLadder(t *testing.T) {
	price := map[string]func(r *rand.Rand) int64{
		"near":     func(r *rand.Rand) int64 { return 1000 + int64(r.IntN(300)) },
		"far":      func(r *rand.Rand) int64 { return int64(r.Uint64()) },
		"clusters": func(r *rand.Rand) int64 { return int64(r.IntN(4))<<(r.IntN(4)*15) + int64(r.IntN(3)) - 1 },
		"ends": func(r *rand.Rand) int64 {
			return []int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64}[r.IntN(7)]
		},
	}
	for name, draw := range price {
		for _, side := range []Side{Buy, Sell} {
			t.Run(name+"/"+side.String(), func(t *testing.T) {
				r := rand.New(rand.NewPCG(11, uint64(side)))
				p := newNodePool(20_000)
				free := len(p.free)
				var l ladder
				var keys []uint64
				levels := map[uint64]uint32{}
				for i := range uint32(20_000) {
					key := priceKey(side, draw(r))
					at, there := slices.BinarySearch(keys, key)
					if p.find(&l, key) != levels[key] {
						t.Fatalf("find gives %d, should be %d", p.find(&l, key), levels[key])
					}
					if there && (len(keys) > 500 || r.IntN(2) == 0) {
						p.remove(&l, key)
						keys = slices.Delete(keys, at, at+1)
						delete(levels, key)
					} else if !there && len(keys) < 1000 {
						want := uint32(0)
						if at > 0 {
							want = levels[keys[at-1]]
						}
						if better := p.insert(&l, key, i+1); better != want {
							t.Fatalf("the next better level is %d, should be %d", better, want)
						}
						keys = slices.Insert(keys, at, key)
						levels[key] = i + 1
					}
					if l.reach = 0; len(keys) > 0 {
						l.reach = ^keys[0] // as the level's maker keeps it
					}
					if i%100 == 0 {
						leaves, nodes := p.countLeaves(&l)
						if leaves != len(keys) || nodes+len(p.free) != free || nodes > ladderHeight*max(leaves, 1) {
							t.Fatalf("%d keys: %d leaves, %d nodes, %d free of %d", len(keys), leaves, nodes, len(p.free), free)
						}
					}
				}
				// The shape follows from the keys alone, not from how they came.
				_, nodes := p.countLeaves(&l)
				q := newNodePool(20_000)
				var again ladder
				for _, i := range r.Perm(len(keys)) {
					q.insert(&again, keys[i], levels[keys[i]])
					again.reach = max(again.reach, ^keys[i])
				}
				if _, n := q.countLeaves(&again); n != nodes || again.height != l.height {
					t.Fatalf("%d nodes, height %d; built anew %d, %d", nodes, l.height, n, again.height)
				}
				for _, key := range keys {
					p.remove(&l, key)
				}
				if l.reach = 0; l != (ladder{}) || len(p.free) != free {
					t.Fatalf("emptied, it is %+v with %d of %d nodes free", l, len(p.free), free)
				}
			})
		}
	}
}

func TestPriceKeyOrdersBestFirst(t *testing.T) {
	prices := []int64{math.MinInt64, -5, -1, 0, 1, 7, math.MaxInt64}
	for i := range prices[1:] {
		if priceKey(Sell, prices[i]) >= priceKey(Sell, prices[i+1]) || priceKey(Buy, prices[i]) <= priceKey(Buy, prices[i+1]) {
			t.Errorf("%d and %d are in the wrong order", prices[i], prices[i+1])
		}
	}
}
