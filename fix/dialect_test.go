package fix

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"exchange/book"
)

// TestDialectIsWrittenDown holds docs/fix.md to the tables: every reject with its text, and examples that are right.
func TestDialectIsWrittenDown(t *testing.T) {
	raw, err := os.ReadFile("../docs/fix.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	for reason := 0; reason <= rejectGroupCount; reason++ {
		if text := sessionRejectText(uint8(reason)); text != "Other" && !strings.Contains(doc, fmt.Sprintf("| %d | %s |", reason, text)) {
			t.Errorf("reject %d %q is not in the table", reason, text)
		}
	}
	for _, r := range []book.Reason{book.UnknownInstrument, book.PriceOffTick, book.PriceOutOfRange, book.QuantityOutOfRange, book.QuantityOffLot,
		book.DuplicateClientID, book.MarketClosed, book.InstrumentHalted, book.BookFull, book.ClientIDsFull, book.UnsupportedOrder, book.MissingPrice,
		book.NotAuthorized, book.WouldTrade, book.ExpireTimePast, book.StopPriceOutOfRange, book.NoReferencePrice,
		book.BudgetOutOfRange, book.BudgetInexact, book.BudgetNeedsFillOrKill} {
		row := fmt.Sprintf("\n| %d | ", ordRejReason(r))
		_, texts, _ := strings.Cut(doc, "\n| 103 | Text |")
		_, texts, _ = strings.Cut(texts, row)
		texts, _, _ = strings.Cut(texts, "\n")
		if !strings.Contains(texts, r.String()) {
			t.Errorf("%q is not in the row of OrdRejReason %d", r, ordRejReason(r))
		}
	}
	for reason, texts := range map[int][]string{
		businessOther: {"Message rate exceeded", "SecurityStatusReqID is in use", "too many subscriptions"}, businessUnknownSecurity: {"unknown instrument"},
		businessUnsupportedMsgType: {businessRejectText(businessUnsupportedMsgType)}, businessNotAuthorized: {"a drop-copy session enters nothing"},
	} {
		_, rows, _ := strings.Cut(doc, "\n| 380 | Text |")
		_, row, _ := strings.Cut(rows, fmt.Sprintf("\n| %d | ", reason))
		row, _, _ = strings.Cut(row, "\n")
		for _, text := range texts {
			if !strings.Contains(row, text) {
				t.Errorf("%q is not in the row of BusinessRejectReason %d", text, reason)
			}
		}
	}
	examples := 0
	for _, line := range strings.Split(doc, "\n") {
		if !strings.HasPrefix(line, "8=FIX") {
			continue
		}
		examples++
		var m Message
		frame := []byte(strings.ReplaceAll(line, "|", "\x01"))
		if why := m.parse(frame); why != notGarbled {
			t.Errorf("%s: %s; right is\n%s", line, why, Readable(seal(strings.NewReplacer("|10="+line[len(line)-4:len(line)-1], "|10=?", "|9="+string(declaredLength(line))+"|", "|9=?|").Replace(line))))
		}
	}
	if examples < 5 {
		t.Errorf("only %d examples", examples)
	}
}

func declaredLength(line string) string {
	_, rest, _ := strings.Cut(line, "|9=")
	length, _, _ := strings.Cut(rest, "|")
	return length
}
