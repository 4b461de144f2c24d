package book

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"unsafe"
)

// rolled is the hash behind a command with its events at a time, by the processor's own way or by table.
func rolled(by func(*uint64, *behind), h uint64, c *Command, events []Event, time int64) uint64 {
	by(&h, &behind{c, unsafe.SliceData(events), len(events), time})
	return h
}

// TestStreamHashSeesEveryField changes one field at a time.
func TestStreamHashSeesEveryField(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	c, events := randomCommand(r), []Event{randomEvent(r), randomEvent(r)}
	before := rolled(roll, 1, &c, events, 5)
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
			if now := rolled(roll, 1, &c, events, 5); now == before {
				t.Errorf("%s is not in the hash", path)
			}
			before = rolled(roll, 1, &c, events, 5)
		}
	}
	fields(reflect.ValueOf(&c).Elem(), "Command", look)
	fields(reflect.ValueOf(&events[0]).Elem(), "Event", look)
	fields(reflect.ValueOf(&events[1]).Elem(), "Event", look)
	if rolled(roll, 2, &c, events, 5) == before {
		t.Error("what came before is not in the hash")
	}
	if rolled(roll, 1, &c, events[:1], 5) == before || rolled(roll, 1, &c, nil, 5) == before {
		t.Error("how many events there are is not in the hash")
	}
	if rolled(roll, 1, &c, []Event{events[1], events[0]}, 5) == before {
		t.Error("the order of the events is not in the hash")
	}
	if rolled(roll, 1, &c, events, 6) == before {
		t.Error("the market's time is not in the hash")
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
		time := r.Int64()
		h = rolled(roll, was, &c, events, time)
		if soft := rolled(rollSoft, was, &c, events, time); h != soft {
			t.Fatalf("%d events: %016x, by table %016x", len(events), h, soft)
		}
	}
	c := Command{Kind: Enter, Side: Sell, Instrument: 3, Session: 2, Price: 10125, Qty: 100, ClientID: name("an id")}
	e := Event{Kind: Accepted, Side: Sell, Instrument: 3, Session: 2, Price: 10125, Qty: 100, Leaves: 100, ClientID: name("an id")}
	if got := fmt.Sprintf("%016x %016x", rolled(roll, 0, &c, nil, 7), rolled(roll, 0, &c, []Event{e}, 7)); got != "ff718228f67250d1 c6910be5b58870c7" {
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
