package ouch

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
)

// The golden messages are written out by hand from the tables of the protocol: offset for offset, numbers big-endian, text padded with spaces.
func goldenBytes(t testing.TB, text string) []byte {
	t.Helper()
	var out []byte
	for _, word := range strings.Fields(text) {
		if s, quoted := strings.CutPrefix(word, "'"); quoted {
			out = append(out, strings.ReplaceAll(s, "_", " ")...)
			continue
		}
		b, err := hex.DecodeString(word)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}

var goldenRequests = []struct {
	bytes string
	size  int // in the tables, appendage length included where they have one
	is    Request
}{
	{"'O 00000102 'B 00000064 'ABC_____ 00000000000186A0 '0YPNN 'my-order______ 0000", 47, Request{
		Type: EnterOrder, UserRefNum: 0x102, Side: 'B', Quantity: 100, Symbol: MakeSymbol("ABC"), Price: 100_000, TimeInForce: '0', Display: 'Y', Capacity: 'P',
		Sweep: 'N', Cross: 'N', ClOrdID: MakeClOrdID("my-order"),
	}},
	{"'U 00000102 00000103 00000032 0000000000018704 '3NN 'again_________ 0000", 40, Request{
		Type: ReplaceOrder, OrigUserRefNum: 0x102, UserRefNum: 0x103, Quantity: 50, Price: 100_100, TimeInForce: '3', Display: 'N', Sweep: 'N', ClOrdID: MakeClOrdID("again"),
	}},
	{"'X 00000102 00000000", 9, Request{Type: CancelOrder, UserRefNum: 0x102}},
	{"'M 00000102 'T 0000000A", 10, Request{Type: ModifyOrder, UserRefNum: 0x102, Side: 'T', Quantity: 10}},
	{"'C 00000104 'LIME 'ABC_____", 17, Request{Type: MassCancel, UserRefNum: 0x104, Firm: MakeFirm("LIME"), Symbol: MakeSymbol("ABC")}},
	{"'D 00000105 'LIME", 9, Request{Type: DisableEntry, UserRefNum: 0x105, Firm: MakeFirm("LIME")}},
	{"'E 00000106 'LIME", 9, Request{Type: EnableEntry, UserRefNum: 0x106, Firm: MakeFirm("LIME")}},
	{"'Q", 1, Request{Type: AccountQuery}},
	// The same of a channel. Behind those that the tables give no appendage it is longer by that.
	{"'O 00000102 'B 00000064 'ABC_____ 00000000000186A0 '0YPNN 'my-order______ 0003 02 1C 07", 50, Request{
		Type: EnterOrder, UserRefNum: 0x102, Side: 'B', Quantity: 100, Symbol: MakeSymbol("ABC"), Price: 100_000, TimeInForce: '0', Display: 'Y', Capacity: 'P',
		Sweep: 'N', Cross: 'N', ClOrdID: MakeClOrdID("my-order"), Tags: ofChannel(7),
	}},
	{"'U 00000102 00000103 00000032 0000000000018704 '3NN 'again_________ 0003 02 1C 07", 43, Request{
		Type: ReplaceOrder, OrigUserRefNum: 0x102, UserRefNum: 0x103, Quantity: 50, Price: 100_100, TimeInForce: '3', Display: 'N', Sweep: 'N', ClOrdID: MakeClOrdID("again"),
		Tags: ofChannel(7),
	}},
	{"'X 00000102 00000000 0003 02 1C FF", 14, Request{Type: CancelOrder, UserRefNum: 0x102, Tags: ofChannel(255)}},
	{"'M 00000102 'T 0000000A 0003 02 1C 07", 15, Request{Type: ModifyOrder, UserRefNum: 0x102, Side: 'T', Quantity: 10, Tags: ofChannel(7)}},
	{"'C 00000104 'LIME 'ABC_____ 0003 02 1C 07", 22, Request{Type: MassCancel, UserRefNum: 0x104, Firm: MakeFirm("LIME"), Symbol: MakeSymbol("ABC"), Tags: ofChannel(7)}},
	{"'D 00000105 'LIME 0003 02 1C 07", 14, Request{Type: DisableEntry, UserRefNum: 0x105, Firm: MakeFirm("LIME"), Tags: ofChannel(7)}},
	{"'E 00000106 'LIME 0003 02 1C 07", 14, Request{Type: EnableEntry, UserRefNum: 0x106, Firm: MakeFirm("LIME"), Tags: ofChannel(7)}},
	{"'Q 0003 02 1C 07", 6, Request{Type: AccountQuery, Tags: ofChannel(7)}},
}

func ofChannel(index uint8) (t Tags) {
	t.Set(TagUserRefIdx, uint64(index))
	return t
}

const stamp = "00001F1A5C2E9C01 "

var goldenReports = []struct {
	bytes string
	size  int
	is    Report
}{
	{"'S " + stamp + "'S", 10, Report{Type: SystemEvent, Event: 'S'}},
	{"'A " + stamp + "00000102 'B 00000064 'ABC_____ 00000000000186A0 '0Y 00000000000000FF 'PNNL 'my-order______ 0000", 64, Report{
		Type: Accepted, UserRefNum: 0x102, Side: 'B', Quantity: 100, Symbol: MakeSymbol("ABC"), Price: 100_000, TimeInForce: '0', Display: 'Y', OrderRef: 255,
		Capacity: 'P', Sweep: 'N', Cross: 'N', State: 'L', ClOrdID: MakeClOrdID("my-order"),
	}},
	{"'U " + stamp + "00000102 00000103 'S 00000032 'ABC_____ 0000000000018704 '3N 0000000000000100 'PNND 'again_________ 0000", 68, Report{
		Type: Replaced, OrigUserRefNum: 0x102, UserRefNum: 0x103, Side: 'S', Quantity: 50, Symbol: MakeSymbol("ABC"), Price: 100_100, TimeInForce: '3', Display: 'N',
		OrderRef: 256, Capacity: 'P', Sweep: 'N', Cross: 'N', State: 'D', ClOrdID: MakeClOrdID("again"),
	}},
	{"'C " + stamp + "00000102 00000014 'U", 18, Report{Type: Canceled, UserRefNum: 0x102, Quantity: 20, Reason: 'U'}},
	{"'D " + stamp + "00000102 00000014 'Q 0000000A 00000000000186A0 'R", 31, Report{
		Type: AIQCanceled, UserRefNum: 0x102, Quantity: 20, Reason: 'Q', Prevented: 10, Price: 100_000, Liquidity: 'R',
	}},
	{"'E " + stamp + "00000102 00000014 00000000000186A0 'A 0000000000000007 0000", 36, Report{
		Type: Executed, UserRefNum: 0x102, Quantity: 20, Price: 100_000, Liquidity: 'A', Match: 7,
	}},
	{"'B " + stamp + "00000102 0000000000000007 'E 'my-order______", 36, Report{
		Type: BrokenTrade, UserRefNum: 0x102, Match: 7, Reason: 'E', ClOrdID: MakeClOrdID("my-order"),
	}},
	{"'F " + stamp + "00000102 00000014 00000000000186A0 'A 0000000000000007 'N 'my-order______", 49, Report{
		Type: TradeCorrection, UserRefNum: 0x102, Quantity: 20, Price: 100_000, Liquidity: 'A', Match: 7, Reason: 'N', ClOrdID: MakeClOrdID("my-order"),
	}},
	{"'J " + stamp + "00000102 0017 'my-order______", 29, Report{Type: Rejected, UserRefNum: 0x102, RejectReason: RejectSymbol, ClOrdID: MakeClOrdID("my-order")}},
	{"'P " + stamp + "00000102", 13, Report{Type: CancelPending, UserRefNum: 0x102}},
	{"'I " + stamp + "00000102", 13, Report{Type: CancelReject, UserRefNum: 0x102}},
	{"'T " + stamp + "00000102 00000000000186A0 'Y 0000000000000101", 30, Report{Type: PriorityUpdate, UserRefNum: 0x102, Price: 100_000, Display: 'Y', OrderRef: 257}},
	{"'M " + stamp + "00000102 'T 0000000A", 18, Report{Type: Modified, UserRefNum: 0x102, Side: 'T', Quantity: 10}},
	{"'R " + stamp + "00000102 'R 0000", 16, Report{Type: Restated, UserRefNum: 0x102, Reason: 'R'}},
	{"'X " + stamp + "00000104 'LIME 'ABC_____", 25, Report{Type: MassCancelAnswer, UserRefNum: 0x104, Firm: MakeFirm("LIME"), Symbol: MakeSymbol("ABC")}},
	{"'G " + stamp + "00000105 'LIME", 17, Report{Type: DisableAnswer, UserRefNum: 0x105, Firm: MakeFirm("LIME")}},
	{"'K " + stamp + "00000106 'LIME", 17, Report{Type: EnableAnswer, UserRefNum: 0x106, Firm: MakeFirm("LIME")}},
	{"'Q " + stamp + "00000107", 13, Report{Type: QueryAnswer, UserRefNum: 0x107}},
	{"'C " + stamp + "00000102 00000014 'U 0003 02 1C 07", 23, Report{Type: Canceled, UserRefNum: 0x102, Quantity: 20, Reason: 'U', Tags: ofChannel(7)}},
	{"'D " + stamp + "00000102 00000014 'Q 0000000A 00000000000186A0 'R 0003 02 1C 07", 36, Report{
		Type: AIQCanceled, UserRefNum: 0x102, Quantity: 20, Reason: 'Q', Prevented: 10, Price: 100_000, Liquidity: 'R', Tags: ofChannel(7),
	}},
	{"'E " + stamp + "00000102 00000014 00000000000186A0 'A 0000000000000007 0003 02 1C 07", 39, Report{
		Type: Executed, UserRefNum: 0x102, Quantity: 20, Price: 100_000, Liquidity: 'A', Match: 7, Tags: ofChannel(7),
	}},
	{"'J " + stamp + "00000102 0017 'my-order______ 0003 02 1C 07", 34, Report{
		Type: Rejected, UserRefNum: 0x102, RejectReason: RejectSymbol, ClOrdID: MakeClOrdID("my-order"), Tags: ofChannel(7),
	}},
	{"'M " + stamp + "00000102 'T 0000000A 0003 02 1C 07", 23, Report{Type: Modified, UserRefNum: 0x102, Side: 'T', Quantity: 10, Tags: ofChannel(7)}},
	{"'X " + stamp + "00000104 'LIME 'ABC_____ 0003 02 1C 07", 30, Report{
		Type: MassCancelAnswer, UserRefNum: 0x104, Firm: MakeFirm("LIME"), Symbol: MakeSymbol("ABC"), Tags: ofChannel(7),
	}},
	{"'G " + stamp + "00000105 'LIME 0003 02 1C 07", 22, Report{Type: DisableAnswer, UserRefNum: 0x105, Firm: MakeFirm("LIME"), Tags: ofChannel(7)}},
	{"'Q " + stamp + "00000107 0003 02 1C 07", 18, Report{Type: QueryAnswer, UserRefNum: 0x107, Tags: ofChannel(7)}},
}

func TestGoldenMessages(t *testing.T) {
	for _, g := range goldenRequests {
		want := goldenBytes(t, g.bytes)
		var got Request
		if err := got.Parse(want); err != nil || got != g.is {
			t.Errorf("%s was read as %+v: %v", g.bytes, got, err)
		}
		if out := g.is.AppendTo(nil); !bytes.Equal(out, want) || len(out) != g.size {
			t.Errorf("%+v was written as %x in %d bytes, not as %x in %d", g.is, out, len(out), want, g.size)
		}
	}
	for _, g := range goldenReports {
		want := goldenBytes(t, g.bytes)
		g.is.Time = 0x1F1A5C2E9C01
		var got Report
		if err := got.Parse(want); err != nil || got != g.is {
			t.Errorf("%s was read as %+v: %v", g.bytes, got, err)
		}
		if out := g.is.AppendTo(nil); !bytes.Equal(out, want) || len(out) != g.size {
			t.Errorf("%+v was written as %x in %d bytes, not as %x in %d", g.is, out, len(out), want, g.size)
		}
	}
}

// Both lengths of each message are read: with an appendage and without, also where the tables have none or have one.
func TestBothLengths(t *testing.T) {
	for _, g := range goldenRequests {
		full := goldenBytes(t, g.bytes)
		short := full[:g.is.Type.fixedLen()]
		for _, tail := range []string{"", "0000", "0006 05 02 'LIME", "000A 03 63 0001 05 02 'LIME", "000C 05 02 'XXXX 05 02 'LIME"} {
			var r Request
			if err := r.Parse(append(bytes.Clone(short), goldenBytes(t, tail)...)); err != nil {
				t.Errorf("%q with %q: %v", byte(g.is.Type), tail, err)
			}
			firm := MakeFirm("LIME")
			if has := strings.Contains(tail, "LIME"); r.Tags.Has(TagFirm) != has || has && r.Tags.Text(TagFirm) != firm {
				t.Errorf("%q with %q: tags %x %q", byte(g.is.Type), tail, r.Tags.set, r.Tags.Text(TagFirm))
			}
		}
		for _, tail := range []string{"00", "0001", "000000", "0002 0502", "0001 00", "0003 02 02 41", "0007 06 03 0000000001", "ffff 0502"} {
			if err := new(Request).Parse(append(bytes.Clone(short), goldenBytes(t, tail)...)); !errors.Is(err, ErrMessage) {
				t.Errorf("%q with %q is taken: %v", byte(g.is.Type), tail, err)
			}
		}
		if err := new(Request).Parse(short[:len(short)-1]); !errors.Is(err, ErrMessage) {
			t.Errorf("%q cut short is taken", byte(g.is.Type))
		}
	}
	for _, g := range goldenReports {
		short := goldenBytes(t, g.bytes)[:reportLen[g.is.Type]]
		for _, tail := range []string{"", "0000", "0003 02 1C 05"} {
			var r Report
			if err := r.Parse(append(bytes.Clone(short), goldenBytes(t, tail)...)); err != nil || tail == "0003 02 1C 05" && r.Tags.Number(TagUserRefIdx) != 5 {
				t.Errorf("%q with %q: %v", byte(g.is.Type), tail, err)
			}
		}
		if err := new(Report).Parse(short[:len(short)-1]); !errors.Is(err, ErrMessage) {
			t.Errorf("%q cut short is taken", byte(g.is.Type))
		}
	}
	// Some write a strategy behind the AIQ Canceled.
	aiq := goldenBytes(t, goldenReports[4].bytes)
	for _, tail := range []string{"'O", "'O 0000", "'O 0003 02 1C 05"} {
		if err := new(Report).Parse(append(bytes.Clone(aiq), goldenBytes(t, tail)...)); err != nil {
			t.Errorf("AIQ Canceled with %q: %v", tail, err)
		}
	}
}

// Every tag keeps its value.
func TestTagsComeBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		in := Request{Type: EnterOrder}
		for tag := Tag(1); tag < tags; tag++ {
			if n := tagLen[tag]; n > 0 && r.IntN(2) == 0 {
				in.Tags.Set(tag, r.Uint64()>>(64-8*n))
			}
		}
		b := in.AppendTo(nil)
		var out Request
		if err := out.Parse(b); err != nil || !out.Tags.Equal(&in.Tags) || len(b) > MaxRequest {
			t.Fatalf("tags %x came back as %x in %d bytes: %v", in.Tags.set, out.Tags.set, len(b), err)
		}
	}
	var all Tags
	for tag := Tag(1); tag < tags; tag++ {
		if tagLen[tag] > 0 {
			all.Set(tag, 1)
		}
	}
	if n := len(all.append(nil)); n != MaxAppendage {
		t.Errorf("all tags are %d bytes, the bound is %d", n, MaxAppendage)
	}
}

func FuzzRequest(f *testing.F) {
	for _, g := range goldenRequests {
		f.Add(goldenBytes(f, g.bytes))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again Request
		if err := r.Parse(b); err != nil {
			if !errors.Is(err, ErrMessage) {
				t.Fatal(err)
			}
			return
		}
		out := r.AppendTo(nil)
		if err := again.Parse(out); err != nil || !bytes.Equal(again.AppendTo(nil), out) || !again.Tags.Equal(&r.Tags) {
			t.Fatalf("%x is written as %x: %v", b, out, err)
		}
	})
}

func FuzzReport(f *testing.F) {
	for _, g := range goldenReports {
		f.Add(goldenBytes(f, g.bytes))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var r, again Report
		if err := r.Parse(b); err != nil {
			if !errors.Is(err, ErrMessage) {
				t.Fatal(err)
			}
			return
		}
		out := r.AppendTo(nil)
		if err := again.Parse(out); err != nil || !bytes.Equal(again.AppendTo(nil), out) || !again.Tags.Equal(&r.Tags) {
			t.Fatalf("%x is written as %x: %v", b, out, err)
		}
	})
}

func TestCodecDoesNotAllocate(t *testing.T) {
	buf := make([]byte, 0, MaxReport)
	in := goldenBytes(t, goldenRequests[0].bytes)
	var q Request
	r := goldenReports[1].is
	if n := testing.AllocsPerRun(100, func() {
		_ = q.Parse(in)
		buf = q.AppendTo(buf[:0])
		buf = r.AppendTo(buf[:0])
		_ = r.Parse(buf)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkParseEnter(b *testing.B) {
	in := goldenBytes(b, goldenRequests[0].bytes)
	var q Request
	for b.Loop() {
		_ = q.Parse(in)
	}
}

func BenchmarkAppendAccepted(b *testing.B) {
	buf := make([]byte, 0, MaxReport)
	r := goldenReports[1].is
	for b.Loop() {
		buf = r.AppendTo(buf[:0])
	}
}
