package book

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"
)

// fields lists the settable parts of a struct, arrays by element.
func fields(v reflect.Value, path string, visit func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fields(v.Field(i), path+"."+v.Type().Field(i).Name, visit)
		}
	case reflect.Array:
		for i := range v.Len() {
			fields(v.Index(i), path+"[]", visit)
		}
	default:
		visit(path, v)
	}
}

func setRandom(v reflect.Value, r *rand.Rand) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) == 0)
	case reflect.Int64:
		v.SetInt(int64(r.Uint64()))
	default:
		v.SetUint(r.Uint64() >> (64 - v.Type().Bits()))
	}
}

func randomCommand(r *rand.Rand) (c Command) {
	fields(reflect.ValueOf(&c).Elem(), "", func(_ string, v reflect.Value) { setRandom(v, r) })
	c.Kind = CommandKind(1 + r.IntN(int(commandKinds)-1))
	clear(c.ClientID[r.IntN(ClientIDLen+1):])
	clear(c.OrigID[r.IntN(ClientIDLen+1):])
	return c
}

func randomEvent(r *rand.Rand) (e Event) {
	fields(reflect.ValueOf(&e).Elem(), "", func(_ string, v reflect.Value) { setRandom(v, r) })
	e.Kind = EventKind(1 + r.IntN(int(eventKinds)-1))
	clear(e.ClientID[r.IntN(ClientIDLen+1):])
	clear(e.OrigID[r.IntN(ClientIDLen+1):])
	return e
}

func TestCodecKeepsEveryField(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		c, e := randomCommand(r), randomEvent(r)
		b := c.AppendTo([]byte("before"))
		split := len(b)
		b = e.AppendTo(b)
		if split-6 > MaxCommandLen || len(b)-split > MaxEventLen {
			t.Fatalf("%d and %d bytes are longer than the bounds", split-6, len(b)-split)
		}
		b = append(b, "behind"...)
		var c2 Command
		var e2 Event
		if n, err := DecodeCommand(b[6:], &c2); err != nil || n != split-6 || c2 != c {
			t.Fatalf("%+v\ncame back as\n%+v, %d bytes, %v", c, c2, n, err)
		}
		if n, err := DecodeEvent(b[split:], &e2); err != nil || n != len(b)-split-6 || e2 != e {
			t.Fatalf("%+v\ncame back as\n%+v, %d bytes, %v", e, e2, n, err)
		}
	}
}

func TestCodecRefusesWhatIsCutOrWrong(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	c, e := randomCommand(r), randomEvent(r)
	full := [2][]byte{c.AppendTo(nil), e.AppendTo(nil)}
	decode := [2]func([]byte) (int, error){
		func(b []byte) (int, error) { return DecodeCommand(b, new(Command)) },
		func(b []byte) (int, error) { return DecodeEvent(b, new(Event)) },
	}
	for i, name := range []string{"command", "event"} {
		for n := range full[i] {
			if took, err := decode[i](full[i][:n]); !errors.Is(err, ErrShort) || took != 0 {
				t.Fatalf("%s cut at %d: %d, %v", name, n, took, err)
			}
		}
		for _, wrong := range []struct {
			what string
			at   int
			to   byte
			want error
		}{
			{"version", 0, 3, ErrVersion}, {"kind 0", 1, 0, ErrValue}, {"kind too high", 1, 200, ErrValue}, {"id too long", 2, 6, ErrValue},
			{"other id too long", 3, 255, ErrValue},
		} {
			b := bytes.Clone(full[i])
			b[wrong.at] = wrong.to
			if took, err := decode[i](b); !errors.Is(err, wrong.want) || took != 0 {
				t.Errorf("%s with wrong %s: %d, %v", name, wrong.what, took, err)
			}
		}
	}
	// An id written longer than it is would be a second spelling of the same command.
	short := Command{Kind: Tick, ClientID: name("id")}
	b := short.AppendTo(nil)
	b[2] = 2
	if _, err := DecodeCommand(append(b, make([]byte, 8)...), new(Command)); !errors.Is(err, ErrValue) {
		t.Errorf("id with zeros behind it: %v", err)
	}
}

func FuzzDecodeCommand(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 20 {
		c := randomCommand(r)
		f.Add(c.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var c Command
		n, err := DecodeCommand(b, &c)
		if err != nil {
			if n != 0 {
				t.Fatalf("%d bytes taken with %v", n, err)
			}
			return
		}
		if again := c.AppendTo(nil); !bytes.Equal(again, b[:n]) {
			t.Fatalf("%x decoded and encoded is %x", b[:n], again)
		}
	})
}

func FuzzDecodeEvent(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	for range 20 {
		e := randomEvent(r)
		f.Add(e.AppendTo(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var e Event
		n, err := DecodeEvent(b, &e)
		if err != nil {
			if n != 0 {
				t.Fatalf("%d bytes taken with %v", n, err)
			}
			return
		}
		if again := e.AppendTo(nil); !bytes.Equal(again, b[:n]) {
			t.Fatalf("%x decoded and encoded is %x", b[:n], again)
		}
	})
}
