package fix

import (
	"bytes"
	"fmt"
	"math/big"
	"math/rand"
	"testing"
	"time"

	"exchange/book"
)

// sampleOrder is a NewOrderSingle of 167 bytes.
func sampleOrder() []byte {
	return seal("8=FIX.4.4|9=?|35=D|34=123456|49=TRADER1|52=20240229-23:59:58.123|56=EXCHANGE|11=order-00001234|38=100|40=2|44=101.25|54=1|55=ABC|59=0|60=20240229-23:59:58.123|10=?|")
}

func sampleFill() *book.Event {
	ev := &book.Event{Kind: book.Filled, Instrument: 1, Session: 7, OutSeq: 123456, Index: 9876543, Time: storyStart, OrderID: 4711, Match: 99,
		Price: 10125, Qty: 100, LastPrice: 10125, LastQty: 40, Cum: 40, Leaves: 60, Notional: 405000}
	copy(ev.ClientID[:], "order-00001234")
	return ev
}

func sampleContext() *EncodeContext {
	return &EncodeContext{Version: FIX44, Sender: "EXCHANGE", Target: "TRADER1", SendingTime: storyStart, Instruments: newFloor()}
}

func TestCheckSum(t *testing.T) {
	rng := rand.New(rand.NewSource(1))
	for n := 0; n < 4000; n++ {
		b := make([]byte, rng.Intn(3000))
		rng.Read(b)
		if n%3 == 0 {
			for i := range b {
				b[i] = 0xff
			}
		}
		var want uint8
		for _, c := range b {
			want += c
		}
		if got := checkSum(b); got != want {
			t.Fatalf("%d bytes: %d, want %d", len(b), got, want)
		}
	}
}

func TestDecimals(t *testing.T) {
	for _, c := range []struct {
		text   string
		scale  int
		units  int64
		status decimalStatus
	}{
		{"10.05", 4, 100500, decimalExact},
		{"10", 4, 100000, decimalExact},
		{"010.0500000", 4, 100500, decimalExact},
		{".5", 4, 5000, decimalExact},
		{"5.", 4, 50000, decimalExact},
		{"-1.25", 4, -12500, decimalExact},
		{"0", 4, 0, decimalExact},
		{"1.00001", 4, 10000, decimalInexact},
		{"100.0", 0, 100, decimalExact},
		{"1.5", 0, 1, decimalInexact},
		{"999999999999999999", 0, 999999999999999999, decimalExact},
		{"9999999999999999999", 0, 0, decimalTooLarge},
		{"99999999999999.9999", 4, 999999999999999999, decimalExact},
		{"100000000000000", 4, 0, decimalTooLarge},
		{"100000000000000000000000000", 4, 0, decimalTooLarge},
		{"", 4, 0, decimalMalformed},
		{".", 4, 0, decimalMalformed},
		{"-", 4, 0, decimalMalformed},
		{"+1", 4, 0, decimalMalformed},
		{"1e5", 4, 0, decimalMalformed},
		{"1.2.3", 4, 0, decimalMalformed},
		{"--1", 4, 0, decimalMalformed},
	} {
		units, status := parseDecimal([]byte(c.text), c.scale)
		if status != c.status || status == decimalExact && units != c.units {
			t.Errorf("parseDecimal(%q, %d) = %d, %d; want %d, %d", c.text, c.scale, units, status, c.units, c.status)
		}
		if (status != decimalMalformed) != wellFormedFloat([]byte(c.text)) {
			t.Errorf("wellFormedFloat(%q) disagrees with parseDecimal", c.text)
		}
	}
	for _, c := range []struct {
		units      int64
		scale, min int
		want       string
	}{
		{100500, 4, 2, "10.05"}, {100000, 4, 2, "10.00"}, {100000, 4, 0, "10"}, {1, 4, 2, "0.0001"}, {-12500, 4, 2, "-1.25"},
		{0, 4, 0, "0"}, {1003666667, 8, 2, "10.03666667"}, {9223372036854775807, 18, 0, "9.223372036854775807"},
	} {
		if got := string(appendDecimal(nil, c.units, c.scale, c.min)); got != c.want {
			t.Errorf("appendDecimal(%d, %d, %d) = %s, want %s", c.units, c.scale, c.min, got, c.want)
		}
	}
}

func TestDecimalRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewSource(2))
	for n := 0; n < 20000; n++ {
		units := rng.Int63n(1e18) >> rng.Intn(60)
		if rng.Intn(2) == 0 {
			units = -units
		}
		min := rng.Intn(5)
		text := appendDecimal(nil, units, 4, min)
		if back, status := parseDecimal(text, 4); status != decimalExact || back != units {
			t.Fatalf("%d written as %s is read as %d (%d)", units, text, back, status)
		}
	}
}

func TestAverageUnits(t *testing.T) {
	rng := rand.New(rand.NewSource(3))
	for n := 0; n < 20000; n++ {
		notional := int64(rng.Uint64() >> (1 + rng.Intn(63)))
		multiplier, quantity := rng.Uint64()>>(20+rng.Intn(44)), 1+rng.Uint64()>>(1+rng.Intn(62))
		q := new(big.Int).SetUint64(quantity)
		// Half up: (2n + q) / 2q.
		want := new(big.Int).Mul(big.NewInt(2), new(big.Int).Mul(big.NewInt(notional), new(big.Int).SetUint64(multiplier)))
		want.Add(want, q).Quo(want, q.Lsh(q, 1))
		got := averageUnits(notional, multiplier, quantity)
		if want.IsInt64() && got != want.Int64() || !want.IsInt64() && got != 0 {
			t.Fatalf("averageUnits(%d, %d, %d) = %d, want %s", notional, multiplier, quantity, got, want)
		}
	}
	if averageUnits(5, 1, 0) != 0 || averageUnits(-5, 1, 1) != 0 {
		t.Error("an average over nothing, or of less than nothing, is not 0")
	}
}

func TestTimestamps(t *testing.T) {
	var day dayRead
	rng := rand.New(rand.NewSource(4))
	for n := 0; n < 20000; n++ {
		ns := rng.Int63n(1 << 62)
		at := time.Unix(0, ns).UTC()
		for precision, layout := range map[TimePrecision]string{Milliseconds: "20060102-15:04:05.000", Microseconds: "20060102-15:04:05.000000"} {
			got := string(appendTimestamp(nil, ns, precision))
			if want := at.Format(layout); got != want {
				t.Fatalf("%d: %s, want %s", ns, got, want)
			}
			unit := map[TimePrecision]int64{Milliseconds: 1e6, Microseconds: 1e3}[precision]
			if back, ok := parseTimestamp([]byte(got), &day); !ok || back != ns/unit*unit {
				t.Fatalf("%s is read as %d, want %d", got, back, ns/unit*unit)
			}
		}
	}
	for _, text := range []string{"20240229-23:59:60", "20240101-00:00:00", "20240101-00:00:00.123456789", "20240101-00:00:00.123456789012"} {
		if _, ok := parseTimestamp([]byte(text), &day); !ok {
			t.Errorf("%s is refused", text)
		}
	}
	for _, text := range []string{"", "20230229-00:00:00", "20240001-00:00:00", "20241301-00:00:00", "20240100-00:00:00", "20240132-00:00:00", "20240101-24:00:00",
		"20240101-00:60:00", "20240101-00:00:61", "20240101 00:00:00", "20240101-00.00:00", "20240101-00:00:00.", "20240101-00:00:00.12", "20240101-00:00:00.1x3", "20240101-00:00:00.12345678901x", "20240101-00:00:00.1234567890123",
		"20240101-00:00:00:123", "2024010a-00:00:00", "19691231-23:59:59", "20240431-00:00:00", "21000229-00:00:00"} {
		if _, ok := parseTimestamp([]byte(text), &day); ok {
			t.Errorf("%s is taken", text)
		}
	}
}

// TestDataFieldsAreAnnounced: every field of data of every version may hold SOH and what looks like the end, since the field before it says how long it is.
func TestDataFieldsAreAnnounced(t *testing.T) {
	announced := map[int32]int32{}
	for tag := int32(1); tag < indexedTags; tag++ {
		if data := dataTagOf(tag); data != 0 {
			announced[data] = tag
		}
	}
	for _, v := range []*Version{FIX42, FIX44, FIX50SP2} {
		for tag := range v.fields {
			if !v.fields[tag].defined || v.fields[tag].format != formatData {
				continue
			}
			length := announced[int32(tag)]
			if length == 0 || v.fields[length].format != formatLength {
				t.Errorf("%s: no length announces %d", v.Name, tag)
				continue
			}
			frame := seal(fmt.Sprintf("8=%s|9=?|35=D|34=2|%d=10|%d=a|10=123|c|10=?|", v.BeginString, length, tag))
			var m Message
			if why := m.parse(frame); why != notGarbled || string(m.get(tag)) != "a\x0110=123\x01c" || !m.announces(int(m.first[length])-1) {
				t.Errorf("%s: %d: %s, %q", v.Name, tag, why, m.get(tag))
			}
		}
	}
}

// TestEncoderLengths covers every number of digits that BodyLength can have.
func TestEncoderLengths(t *testing.T) {
	var m Message
	for _, n := range []int{0, 1, 2, 10, 60, 70, 80, 90, 95, 96, 97, 900, 980, 990, 1000, 9980, 9990, 9999, 10000} {
		e := encoderOn([]byte("before"))
		header(&e, sampleContext(), "B", 1, 0, nil)
		if n > 0 {
			e.bytes(tagText, bytes.Repeat([]byte("x"), n))
		}
		out := e.finish()
		if !bytes.HasPrefix(out, []byte("before8=FIX.4.4\x019=")) {
			t.Fatalf("%d: begins %q", n, out[:30])
		}
		if why := m.parse(out[6:]); why != notGarbled {
			t.Fatalf("%d: what we write is garbled: %s: %q", n, why, out)
		}
	}
	e := encoderOn(nil)
	e.begin("F", "0")
	if out := e.finish(); string(out[:12]) != "8=F\x019=5\x0135=0" {
		t.Errorf("a BodyLength of one digit: %q", out)
	}
}

// TestReEncoding: sent again, a message differs in 9, 10, 43, 52 and 122 only.
func TestReEncoding(t *testing.T) {
	ctx := sampleContext()
	live := EncodeEvent(nil, sampleFill(), ctx)
	ctx.PossDup, ctx.SendingTime = true, storyStart+5e9
	again := EncodeEvent(nil, sampleFill(), ctx)
	if bytes.Equal(live, again) {
		t.Fatal("a message sent again is not marked")
	}
	if a, b := volatileFields.ReplaceAll(live, nil), volatileFields.ReplaceAll(again, nil); !bytes.Equal(a, b) {
		t.Errorf("differ:\n%s\n%s", Readable(a), Readable(b))
	}
	var m Message
	if why := m.parse(again); why != notGarbled {
		t.Fatal(why)
	}
	if string(m.get(tagOrigSendingTime)) != "20240229-23:59:58.123" || !m.is(tagPossDupFlag, 'Y') || string(m.get(tagSendingTime)) != "20240301-00:00:03.123" {
		t.Errorf("43, 52, 122: %s", Readable(again))
	}
}

// TestFieldOrder: header ascending after 8, 9, 35, body ascending, 10 last, and the client's own dictionary takes what we send.
func TestFieldOrder(t *testing.T) {
	for _, ev := range everyReport() {
		for _, possDup := range []bool{false, true} {
			ctx := sampleContext()
			ctx.PossDup = possDup
			var m Message
			frame := EncodeEvent(nil, ev, ctx)
			if why := m.parse(frame); why != notGarbled {
				t.Fatalf("%s: %s", why, Readable(frame))
			}
			last, where := int32(0), inHeader
			for i := 3; i < len(m.fields)-1; i++ {
				tag := m.fields[i].tag
				if p := FIX44.fields[tag].place; p != where {
					last, where = 0, p
				}
				if tag <= last {
					t.Errorf("tag %d after %d: %s", tag, last, Readable(frame))
				}
				last = tag
				if m.fields[i].start == m.fields[i].end {
					t.Errorf("tag %d is empty: %s", tag, Readable(frame))
				}
				if reason := FIX44.badValue(&FIX44.fields[tag], m.valueAt(i), &m.day); reason != 0 {
					t.Errorf("tag %d: %s: %s", tag, sessionRejectText(reason), Readable(frame))
				}
			}
			if where == inTrailer {
				t.Errorf("trailer in the middle: %s", Readable(frame))
			}
		}
	}
}

// everyReport gives an event of each kind with a report and each reason.
func everyReport() []*book.Event {
	var all []*book.Event
	for kind := book.Accepted; kind <= book.SessionMessageSent; kind++ {
		if kind == book.Rested {
			continue
		}
		for reason := book.NoReason; reason <= book.NotAuthorized; reason++ {
			ev := *sampleFill()
			ev.Kind, ev.Reason = kind, reason
			if kind == book.SessionMessageSent {
				ev.Code, ev.Reason = "A012345j"[int(reason)%8], reason%8
				ev.ClientID, ev.OrigID = book.ClientID{}, book.ClientID{}
				if ev.Code == '1' {
					copy(ev.ClientID[:], "TEST")
				}
			} else {
				copy(ev.OrigID[:], "order-00001233")
			}
			all = append(all, &ev)
		}
	}
	return all
}

func TestNothingAllocates(t *testing.T) {
	frame := sampleOrder()
	var m Message
	f := newFramer(MaxFrame, framerBuffer)
	check := func(what string, run func()) {
		t.Helper()
		if n := testing.AllocsPerRun(200, run); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
	check("framing, parsing and validating", func() {
		f.write(frame)
		got, status := f.next()
		if status != frameReady || m.parse(got) != notGarbled || FIX44.validate(&m).found {
			t.Fatal("the sample is not taken")
		}
	})
	ev, ctx := sampleFill(), sampleContext()
	buf := make([]byte, 0, 1024)
	check("encoding a report", func() { buf = EncodeEvent(buf[:0], ev, ctx) })
	reject := *ev
	reject.Kind, reject.OrderID, reject.Reason, reject.Code = book.CancelRejected, 0, book.UnknownOrder, 'F'
	check("encoding a cancel reject", func() { buf = EncodeEvent(buf[:0], &reject, ctx) })

	a, deliver := loggedOn(t)
	seq := uint64(2)
	order := make([]byte, 0, 256)
	check("an order through the acceptor and its report", func() {
		order = orderFrame(order[:0], seq)
		a.Receive(storyStart, order)
		cmds := a.Commands()
		if len(cmds) != 1 || cmds[0].InSeq != seq || cmds[0].Kind != book.Enter {
			t.Fatalf("commands %v", cmds)
		}
		ev.OutSeq = seq
		deliver(ev)
		a.Sent(len(a.Bytes()))
		seq++
	})
	client := NewInitiator(InitiatorConfig{Sender: "TW", Target: "ISLD"})
	o := &Order{ClOrdID: []byte("order-00001234"), Symbol: []byte("ABC"), Type: book.Limit, Price: 1012500, Qty: 100}
	client.state = initiatorActive
	check("an order from the initiator", func() {
		client.NewOrderSingle(storyStart, o)
		client.Sent(len(client.Bytes()))
	})
}

// loggedOn gives an acceptor with a session at number 2.
func loggedOn(t testing.TB) (*Acceptor, func(*book.Event)) {
	a := NewAcceptor(AcceptorConfig{}, newFloor())
	a.Receive(storyStart, seal("8=FIX.4.4|9=?|35=A|34=1|49=TW|52=20240229-23:59:58.123|56=ISLD|98=0|108=30|10=?|"))
	v := newVenue()
	for _, c := range a.Commands() {
		for _, ev := range v.apply(&c, storyStart) {
			a.Deliver(storyStart, &ev)
		}
	}
	if !a.Active() {
		t.Fatal("not logged on")
	}
	a.Sent(len(a.Bytes()))
	return a, func(ev *book.Event) { a.Deliver(storyStart, ev) }
}

func orderFrame(dst []byte, seq uint64) []byte {
	e := encoderOn(dst)
	ctx := EncodeContext{Version: FIX44, Sender: "TW", Target: "ISLD", SendingTime: storyStart}
	header(&e, &ctx, "D", seq, 0, nil)
	e.text(tagClOrdID, "order-00001234")
	e.uint(tagOrderQty, 100)
	e.char(tagOrdType, '2')
	e.text(tagPrice, "101.25")
	e.char(tagSide, '1')
	e.text(tagSymbol, "ABC")
	e.time(tagTransactTime, storyStart, Milliseconds, &dayText{})
	return e.finish()
}

// TestSplitAnywhere: the same bytes in any two pieces give the same frames.
func TestSplitAnywhere(t *testing.T) {
	stream := append(append(sampleOrder(), "junk8 =8"...), sampleOrder()...)
	stream = append(stream, seal("8=FIX.4.4|9=5|35=0|10=999|")...)
	stream = append(stream, sampleOrder()...)
	for cut := 0; cut <= len(stream); cut++ {
		f := newFramer(MaxFrame, framerBuffer)
		good := 0
		for _, part := range [][]byte{stream[:cut], stream[cut:]} {
			if n := f.write(part); n != len(part) {
				t.Fatal("no room")
			}
			for {
				frame, status := f.next()
				if status == frameMore {
					break
				}
				var m Message
				if status == frameReady && m.parse(frame) == notGarbled {
					good++
				}
			}
		}
		if good != 3 {
			t.Fatalf("cut at %d: %d frames, want 3", cut, good)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	frame := sampleOrder()
	var m Message
	f := newFramer(MaxFrame, framerBuffer)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		f.write(frame)
		got, _ := f.next()
		if m.parse(got) != notGarbled || FIX44.validate(&m).found {
			b.Fatal("not taken")
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	ev, ctx := sampleFill(), sampleContext()
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		buf = EncodeEvent(buf[:0], ev, ctx)
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkAcceptor(b *testing.B) {
	a, deliver := loggedOn(b)
	ev := sampleFill()
	order := make([]byte, 0, 256)
	seq := uint64(2)
	b.ReportAllocs()
	for b.Loop() {
		order = orderFrame(order[:0], seq)
		a.Receive(storyStart, order)
		if len(a.Commands()) != 1 {
			b.Fatal("no command")
		}
		ev.OutSeq = seq
		deliver(ev)
		a.Sent(len(a.Bytes()))
		seq++
	}
}

func ExampleEncodeEvent() {
	ev := sampleFill()
	fmt.Println(Readable(EncodeEvent(nil, ev, sampleContext())))
	// Output:
	// 8=FIX.4.4|9=229|35=8|34=123456|49=EXCHANGE|52=20240229-23:59:58.123|56=TRADER1|6=101.25|11=order-00001234|14=40|17=9876543-7-123456|31=101.25|32=40|37=4711|38=100|39=1|40=2|44=101.25|54=1|55=ABC|59=0|60=20240229-23:59:58.123|150=F|151=60|527=99|10=239|
}

// BenchmarkInitiator is an order out and its report in.
func BenchmarkInitiator(b *testing.B) {
	client := NewInitiator(InitiatorConfig{Sender: "TRADER1", Target: "EXCHANGE"})
	client.state = initiatorActive
	o := &Order{ClOrdID: []byte("order-00001234"), Symbol: []byte("ABC"), Type: book.Limit, Price: 1012500, Qty: 100}
	ev, ctx := sampleFill(), sampleContext()
	report := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		client.NewOrderSingle(storyStart, o)
		client.Sent(len(client.Bytes()))
		ev.OutSeq, _ = client.Numbers()
		report = EncodeEvent(report[:0], ev, ctx)
		client.Receive(storyStart, report)
		if len(client.Received()) != 1 {
			b.Fatal("no report")
		}
	}
}
