package itch

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// field is one line of the specification's tables: offset, length, and the bytes that the test puts there, in hexadecimal or,
// after a quote, as text.
type field struct {
	off, len int
	value    string
}

func (f field) bytes(t *testing.T) []byte {
	if text, ok := strings.CutPrefix(f.value, "'"); ok {
		return []byte(text)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(f.value, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// tables holds every message as the specification lays it out, written by hand from there, without the encoder.
var tables = []struct {
	name    string
	length  int
	fields  []field
	message Message
}{
	{"system event", 12, []field{{0, 1, "'S"}, {1, 2, "0000"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 1, "'O"}},
		Message{Type: 'S', Tracking: 0x0102, Timestamp: 0x010203040506, Code: 'O'}},
	{"stock directory", 39, []field{{0, 1, "'R"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "'ABC     "},
		{19, 1, "'Q"}, {20, 1, "'N"}, {21, 4, "00000064"}, {25, 1, "'Y"}, {26, 1, "'A"}, {27, 2, "'Zx"}, {29, 1, "'P"}, {30, 1, "'T"},
		{31, 1, "'I"}, {32, 1, "'2"}, {33, 1, "'E"}, {34, 4, "01020304"}, {38, 1, "'V"}},
		Message{Type: 'R', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Stock: MakeSymbol("ABC"), RoundLot: 100,
			Directory: Directory{MarketCategory: 'Q', FinancialStatus: 'N', RoundLotsOnly: 'Y', Classification: 'A', SubType: [2]byte{'Z', 'x'},
				Authenticity: 'P', ShortSaleThreshold: 'T', IPO: 'I', LULDTier: '2', ETP: 'E', ETPLeverage: 0x01020304, Inverse: 'V'}}},
	{"trading action", 25, []field{{0, 1, "'H"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "'ABCDEFGH"},
		{19, 1, "'T"}, {20, 1, "' "}, {21, 4, "'LUDP"}},
		Message{Type: 'H', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Stock: MakeSymbol("ABCDEFGH"), Code: 'T', Reason: [4]byte{'L', 'U', 'D', 'P'}}},
	{"Reg SHO restriction", 20, []field{{0, 1, "'Y"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "'ABC     "}, {19, 1, "'2"}},
		Message{Type: 'Y', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Stock: MakeSymbol("ABC"), Code: '2'}},
	{"participant position", 26, []field{{0, 1, "'L"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 4, "'FIRM"}, {15, 8, "'ABC     "},
		{23, 1, "'Y"}, {24, 1, "'P"}, {25, 1, "'A"}},
		Message{Type: 'L', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Stock: MakeSymbol("ABC"), MPID: [4]byte{'F', 'I', 'R', 'M'},
			Position: Position{Primary: 'Y', Mode: 'P', State: 'A'}}},
	{"add order", 36, []field{{0, 1, "'A"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "1112131415161718"}, {19, 1, "'B"},
		{20, 4, "21222324"}, {24, 8, "'ABC     "}, {32, 4, "31323334"}},
		Message{Type: 'A', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Ref: 0x1112131415161718, Side: 'B', Shares: 0x21222324,
			Stock: MakeSymbol("ABC"), Price: 0x31323334}},
	{"add order with MPID", 40, []field{{0, 1, "'F"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "1112131415161718"}, {19, 1, "'S"},
		{20, 4, "21222324"}, {24, 8, "'ABC     "}, {32, 4, "31323334"}, {36, 4, "'FIRM"}},
		Message{Type: 'F', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Ref: 0x1112131415161718, Side: 'S', Shares: 0x21222324,
			Stock: MakeSymbol("ABC"), Price: 0x31323334, MPID: [4]byte{'F', 'I', 'R', 'M'}}},
	{"order executed", 31, []field{{0, 1, "'E"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "1112131415161718"},
		{19, 4, "21222324"}, {23, 8, "4142434445464748"}},
		Message{Type: 'E', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Ref: 0x1112131415161718, Shares: 0x21222324, Match: 0x4142434445464748}},
	{"order executed with price", 36, []field{{0, 1, "'C"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "1112131415161718"},
		{19, 4, "21222324"}, {23, 8, "4142434445464748"}, {31, 1, "'N"}, {32, 4, "31323334"}},
		Message{Type: 'C', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Ref: 0x1112131415161718, Shares: 0x21222324, Match: 0x4142434445464748,
			Printable: 'N', Price: 0x31323334}},
	{"order cancel", 23, []field{{0, 1, "'X"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "1112131415161718"}, {19, 4, "21222324"}},
		Message{Type: 'X', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Ref: 0x1112131415161718, Shares: 0x21222324}},
	{"order delete", 19, []field{{0, 1, "'D"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "1112131415161718"}},
		Message{Type: 'D', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Ref: 0x1112131415161718}},
	{"order replace", 35, []field{{0, 1, "'U"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "1112131415161718"},
		{19, 8, "5152535455565758"}, {27, 4, "21222324"}, {31, 4, "31323334"}},
		Message{Type: 'U', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Ref: 0x1112131415161718, NewRef: 0x5152535455565758,
			Shares: 0x21222324, Price: 0x31323334}},
	{"trade", 44, []field{{0, 1, "'P"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "0000000000000000"}, {19, 1, "'B"},
		{20, 4, "21222324"}, {24, 8, "'ABC     "}, {32, 4, "31323334"}, {36, 8, "4142434445464748"}},
		Message{Type: 'P', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Side: 'B', Shares: 0x21222324, Stock: MakeSymbol("ABC"),
			Price: 0x31323334, Match: 0x4142434445464748}},
	{"cross trade", 40, []field{{0, 1, "'Q"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "6162636465666768"}, {19, 8, "'ABC     "},
		{27, 4, "31323334"}, {31, 8, "4142434445464748"}, {39, 1, "'O"}},
		Message{Type: 'Q', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Shares: 0x6162636465666768, Stock: MakeSymbol("ABC"),
			Price: 0x31323334, Match: 0x4142434445464748, Code: 'O'}},
	{"broken trade", 19, []field{{0, 1, "'B"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "4142434445464748"}},
		Message{Type: 'B', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Match: 0x4142434445464748}},
	{"imbalance", 50, []field{{0, 1, "'I"}, {1, 2, "0007"}, {3, 2, "0102"}, {5, 6, "010203040506"}, {11, 8, "6162636465666768"}, {19, 8, "7172737475767778"},
		{27, 1, "'S"}, {28, 8, "'ABC     "}, {36, 4, "01020304"}, {40, 4, "05060708"}, {44, 4, "090a0b0c"}, {48, 1, "'C"}, {49, 1, "'L"}},
		Message{Type: 'I', Locate: 7, Tracking: 0x0102, Timestamp: 0x010203040506, Paired: 0x6162636465666768, Unpaired: 0x7172737475767778, Side: 'S',
			Stock: MakeSymbol("ABC"), Far: 0x01020304, Near: 0x05060708, Reference: 0x090a0b0c, Code: 'C', Variation: 'L'}},
}

// laidOut puts the fields of a table in their places, and refuses a table with a hole or an overlap.
func laidOut(t *testing.T, length int, fields []field) []byte {
	b := make([]byte, length)
	at := 0
	for _, f := range fields {
		v := f.bytes(t)
		if f.off != at || len(v) != f.len {
			t.Fatalf("the table has a hole, an overlap or a wrong length at offset %d", f.off)
		}
		at += copy(b[f.off:], v)
	}
	if at != length {
		t.Fatalf("the table ends at %d, not at %d", at, length)
	}
	return b
}

func TestEveryMessageAsTheSpecificationLaysItOut(t *testing.T) {
	seen := map[byte]bool{}
	for _, table := range tables {
		want := laidOut(t, table.length, table.fields)
		seen[table.message.Type] = true
		if got := Append(nil, &table.message); !bytes.Equal(got, want) {
			t.Errorf("%s encoded:\n got %x\nwant %x", table.name, got, want)
		}
		m := Message{Ref: 99, Price: 99}
		if err := Decode(want, &m); err != nil {
			t.Errorf("%s: %v", table.name, err)
		} else if m != table.message {
			t.Errorf("%s decoded:\n got %+v\nwant %+v", table.name, m, table.message)
		}
		if Len(want[0]) != table.length {
			t.Errorf("%s: length %d, specification says %d", table.name, Len(want[0]), table.length)
		}
		for cut := 1; cut < len(want); cut++ {
			if err := Decode(want[:cut], &m); !errors.Is(err, ErrLength) {
				t.Fatalf("%s cut to %d bytes: %v", table.name, cut, err)
			}
		}
		if err := Decode(append(want, 0), &m); !errors.Is(err, ErrLength) {
			t.Errorf("%s with a byte too many: %v", table.name, err)
		}
	}
	for c := range 256 {
		if (Len(byte(c)) != 0) != seen[byte(c)] {
			t.Errorf("type %q: known to the package: %v, in the tables: %v", byte(c), Len(byte(c)) != 0, seen[byte(c)])
		}
	}
	var m Message
	if err := Decode(nil, &m); !errors.Is(err, ErrLength) {
		t.Errorf("no bytes: %v", err)
	}
	if err := Decode([]byte("Kxxx"), &m); !errors.Is(err, ErrUnknownType) {
		t.Errorf("unknown type: %v", err)
	}
}

func TestWhatNoFieldCanHoldPanics(t *testing.T) {
	for name, m := range map[string]Message{
		"unknown type": {Type: '?'},
		"shares":       {Type: AddOrder, Shares: 1 << 32},
		"timestamp":    {Type: SystemEvent, Timestamp: 1 << 48},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: encoded", name)
				}
			}()
			Append(nil, &m)
		}()
	}
}

// FuzzDecode: what decodes, encodes to the same bytes (but for the one reserved byte of H, which is written as a space).
func FuzzDecode(f *testing.F) {
	for i := range tables {
		f.Add(Append(nil, &tables[i].message))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m Message
		if Decode(b, &m) != nil {
			return
		}
		again := Append(nil, &m)
		if m.Type == TradingAction {
			again[20] = b[20]
		}
		if !bytes.Equal(again, b) {
			t.Fatalf("decoded and encoded again:\n got %x\nfrom %x", again, b)
		}
	})
}
