package depth

import (
	"math/rand/v2"
	"testing"

	"exchange/marketdata/itch"
)

// BenchmarkApply is a feed of additions and deletions with 50,000 orders at rest at 4,000 prices, most of them near the middle.
func BenchmarkApply(b *testing.B) {
	const resting = 50_000
	random := rand.New(rand.NewPCG(1, 1))
	build := NewBuilder()
	apply := func(m *itch.Message) {
		if _, err := build.Apply(m); err != nil {
			b.Fatal(err)
		}
	}
	apply(&itch.Message{Type: 'R', Locate: 1, Stock: abc, RoundLot: 1})
	live := make([]uint64, 0, resting)
	ref := uint64(0)
	enter := func() uint64 {
		ref++
		away := uint32(random.ExpFloat64() * 300)
		m := itch.Message{Type: 'A', Locate: 1, Ref: ref, Side: 'B', Shares: 100, Stock: abc, Price: 1_000_000 - 100*(away%2000)}
		if ref%2 == 0 {
			m.Side, m.Price = 'S', 1_000_100+100*(away%2000)
		}
		apply(&m)
		return ref
	}
	for range resting {
		live = append(live, enter())
	}
	for b.Loop() {
		i := random.IntN(len(live))
		apply(&itch.Message{Type: 'D', Locate: 1, Ref: live[i]})
		live[i] = enter()
	}
}
