package book

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestStreamHashSeesEveryField changes one field at a time.
func TestStreamHashSeesEveryField(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	c, events := randomCommand(r), []Event{randomEvent(r), randomEvent(r)}
	before := roll(1, &c, events)
	look := func(path string, v reflect.Value) {
		for range 2 { // there and back
			switch v.Kind() {
			case reflect.Bool:
				v.SetBool(!v.Bool())
			case reflect.Int64:
				v.SetInt(v.Int() ^ 1)
			default:
				v.SetUint(v.Uint() ^ 1)
			}
			if now := roll(1, &c, events); now == before {
				t.Errorf("%s is not in the hash", path)
			}
			before = roll(1, &c, events)
		}
	}
	fields(reflect.ValueOf(&c).Elem(), "Command", look)
	fields(reflect.ValueOf(&events[0]).Elem(), "Event", look)
	fields(reflect.ValueOf(&events[1]).Elem(), "Event", look)
	if roll(2, &c, events) == before {
		t.Error("what came before is not in the hash")
	}
	if roll(1, &c, events[:1]) == before || roll(1, &c, nil) == before {
		t.Error("how many events there are is not in the hash")
	}
	if roll(1, &c, []Event{events[1], events[0]}) == before {
		t.Error("the order of the events is not in the hash")
	}
}

// TestStreamHashIsTheSameOnAllProcessors: with the processor's own rounds of AES and by table, and the values that it has always been.
func TestStreamHashIsTheSameOnAllProcessors(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	h := uint64(0)
	for range 1000 {
		c, events := randomCommand(r), make([]Event, r.IntN(5))
		for i := range events {
			events[i] = randomEvent(r)
		}
		was := h
		if h = roll(was, &c, events); h != rollSoft(was, &c, events) {
			t.Fatalf("%d events: %016x, by table %016x", len(events), h, rollSoft(was, &c, events))
		}
	}
	c := Command{Kind: Enter, Side: Sell, Instrument: 3, Session: 2, Price: 10125, Qty: 100, ClientID: name("an id")}
	e := Event{Kind: Accepted, Side: Sell, Instrument: 3, Session: 2, Price: 10125, Qty: 100, Leaves: 100, ClientID: name("an id")}
	if got := fmt.Sprintf("%016x %016x", roll(0, &c, nil), roll(0, &c, []Event{e})); got != "6663c6833acc72e8 ebbc0e45a8d18838" {
		t.Errorf("hashes are %s", got)
	}
}

// TestRoundOfAES against the first round of the example in FIPS 197, appendix B.
func TestRoundOfAES(t *testing.T) {
	if got := aesRound(blockOf("193de3bea0f4e22b9ac68d2ae9f84808"), blockOf("a0fafe1788542cb123a339392a6c7605")); got != blockOf("a49c7ff2689f352b6b5bea43026a5049") {
		t.Errorf("%x", got)
	}
}

func blockOf(hex string) (b block) {
	for i := range 16 {
		var v uint64
		fmt.Sscanf(hex[2*i:2*i+2], "%02x", &v)
		b[i/8] |= v << (i % 8 * 8)
	}
	return b
}
