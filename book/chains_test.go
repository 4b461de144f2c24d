package book

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// However a client makes its ids, about half an order stands before one in its chain, as if they were spread by chance.
func TestChainsAreShort(t *testing.T) {
	for form, id := range map[string]func(n int, r *rand.Rand) string{
		"numbers":        func(n int, _ *rand.Rand) string { return fmt.Sprint(n) },
		"zeros in front": func(n int, _ *rand.Rand) string { return fmt.Sprintf("ORD-%012d", n) },
		"date in front":  func(n int, _ *rand.Rand) string { return fmt.Sprintf("20261124-%d", n) },
		"letter behind":  func(n int, _ *rand.Rand) string { return fmt.Sprintf("%dA", n) },
		"hexadecimal":    func(n int, _ *rand.Rand) string { return fmt.Sprintf("%08x", n) },
		"chance":         func(_ int, r *rand.Rand) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) },
	} {
		t.Run(form, func(t *testing.T) {
			const orders, stay = 120_000, 20_000
			p, r := newOrderPool(orders), rand.New(rand.NewPCG(1, 5))
			var live []uint32
			for n := range orders {
				slot, name := p.take(), name(id(n, r))
				p.name(slot, 1, &name)
				if live = append(live, slot); len(live) > stay {
					k := r.IntN(len(live))
					p.release(live[k])
					live[k] = live[len(live)-1]
					live = live[:len(live)-1]
				}
			}
			wrong := 0
			for _, slot := range live {
				at := p.byName.heads[p.byName.at(p.orders[slot].hash)]
				for ; at != slot; at = p.orders[at].sameChain {
					wrong++
				}
			}
			if mean := float64(wrong) / float64(len(live)); mean > 1 {
				t.Errorf("%.2f other orders stand before one in its chain", mean)
			} else {
				t.Logf("%.2f", mean)
			}
		})
	}
}
