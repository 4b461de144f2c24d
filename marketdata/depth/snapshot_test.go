package depth

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"exchange/marketdata/itch"
)

// messagesOf gives a builder's snapshot as bytes.
func messagesOf(b *Builder) (all [][]byte) {
	for m := range b.Messages {
		all = append(all, itch.Append(nil, m))
	}
	return all
}

func TestASnapshotBuildsTheSameBooks(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	b := NewBuilder()
	var refs []uint64
	send := func(m itch.Message) {
		m.Timestamp = random.Uint64N(1 << 40)
		if _, err := b.Apply(&m); err != nil {
			t.Fatal(err)
		}
	}
	send(itch.Message{Type: 'S', Code: 'O'})
	for locate, name := range []string{"", "ABC", "XYZ", "QUIET"} {
		if locate > 0 {
			send(itch.Message{Type: 'R', Locate: uint16(locate), Stock: itch.MakeSymbol(name), RoundLot: uint32(locate), Directory: itch.Directory{Classification: 'C'}})
		}
	}
	send(itch.Message{Type: 'H', Locate: 1, Stock: abc, Code: 'T'})
	send(itch.Message{Type: 'H', Locate: 2, Stock: xyz, Code: 'H', Reason: [4]byte{'T', '1', ' ', ' '}})
	send(itch.Message{Type: 'S', Code: 'Q'})
	for ref := uint64(1); ref <= 2000; ref++ {
		if len(refs) > 200 {
			i := random.IntN(len(refs))
			locate := uint16(1 + refs[i]%2)
			if old := refs[i]; old%3 == 0 && ref%2 == old%2 {
				refs[i] = ref
				send(itch.Message{Type: 'U', Locate: locate, Ref: old, NewRef: ref, Shares: 5, Price: uint32(100 + ref%7)})
				continue
			}
			send(itch.Message{Type: 'D', Locate: locate, Ref: refs[i]})
			refs = slices.Delete(refs, i, i+1)
			continue
		}
		m := itch.Message{Type: "AF"[ref/2%2], Locate: uint16(1 + ref%2), Ref: ref, Side: "BS"[ref/4%2], Shares: 1 + ref%9, Stock: abc, Price: uint32(100 + ref%7)}
		if m.Type == 'F' {
			m.MPID = [4]byte{'F', 'I', 'R', 'M'}
		}
		if m.Locate == 2 {
			m.Stock = xyz
		}
		send(m)
		refs = append(refs, ref)
	}
	snapshot := messagesOf(b)
	if want := 1 + 3 + 2 + b.Orders(); len(snapshot) != want || b.Orders() < 100 {
		t.Fatalf("%d messages of %d orders, want %d", len(snapshot), b.Orders(), want)
	}
	again := NewBuilder()
	for _, m := range snapshot {
		if _, err := again.ApplyBytes(m); err != nil {
			t.Fatalf("%q: %v", m, err)
		}
	}
	if !reflect.DeepEqual(messagesOf(again), snapshot) {
		t.Error("the snapshot of what a snapshot built is another one")
	}
	for _, k := range b.Books() {
		other := again.Book(k.Symbol)
		if other.State != k.State || other.RoundLot != k.RoundLot {
			t.Errorf("%s: state %c, lot %d; want %c, %d", k.Symbol, other.State, other.RoundLot, k.State, k.RoundLot)
		}
		for _, side := range "BS" {
			if !slices.Equal(other.AppendOrders(nil, byte(side)), k.AppendOrders(nil, byte(side))) {
				t.Errorf("%s, side %c: other orders", k.Symbol, side)
			}
		}
	}
	if again.Day() != 'Q' {
		t.Errorf("day %c", again.Day())
	}
}

func TestASnapshotEndsWhenNobodyWantsMore(t *testing.T) {
	b := listed(t)
	apply(t, b, add(1, 'B', 100, 99_0000))
	apply(t, b, add(2, 'S', 100, 101_0000))
	all := len(messagesOf(b))
	for want := 1; want < all; want++ {
		got := 0
		for range b.Messages {
			if got++; got == want {
				break
			}
		}
		if got != want {
			t.Errorf("%d messages, wanted %d", got, want)
		}
	}
}
