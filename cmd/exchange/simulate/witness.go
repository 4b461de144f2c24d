package simulate

import (
	"cmp"
	"fmt"
	"slices"

	"exchange/book"
	"exchange/cmd/exchange/trader"
)

// The witness. Every acknowledgement carries the place in the log that its request took, so the order in which requests are said to have taken effect
// is known and need not be searched for: it is enough to see that it agrees with real time (a request whose answer was heard before another was
// sent comes before it), and that the model, given the requests in that order, tells the clients what they have heard.

// operation is a request of a client, and when it was sent and answered.
type operation struct {
	client           int
	kind             byte // FIX MsgType: D, F, G
	id, orig         book.ClientID
	symbol           string
	side             book.Side
	tif              book.TimeInForce
	price, qty       int64
	called, returned int64 // virtual ns; returned 0: not answered
	index            uint64
	answers          int
}

// answeredBy tells whether an execution type answers the request. A cancel or a replacement that leaves nothing open is answered by a cancellation.
func (o *operation) answeredBy(h *heard) bool {
	switch h.exec {
	case '0', '8':
		return o.kind == 'D'
	case '4':
		return o.kind != 'D' && h.orig == o.orig // one that nobody asked for names no other
	case '5':
		return o.kind == 'G'
	}
	return h.exec == 'R' && o.kind != 'D'
}

func (o *operation) text() string {
	return fmt.Sprintf("%c %s (%s) %s side %d tif %d %d@%d", o.kind, trader.Text(o.id), trader.Text(o.orig), o.symbol, o.side, o.tif, o.qty, o.price)
}

// heard is what a client was told of one of its orders: exec is ExecType, R for a refused cancel or replacement.
type heard struct {
	index      uint64
	session    int
	id, orig   book.ClientID
	order      uint64
	exec       byte
	price, qty int64
	cum, left  int64
	answer     bool // to a request, and not a consequence of one
}

func (h *heard) text() string {
	return fmt.Sprintf("command %d: C%d %s: %c %d@%d, %d filled, %d open", h.index, h.session-1, trader.Text(h.id), h.exec, h.qty, h.price, h.cum, h.left)
}

// same tells whether a client was told what the model says. A cancelled or refused order's numbers are compared as far as a report has them.
func (h *heard) same(m *heard) bool {
	if h.session != m.session || h.id != m.id || h.exec != m.exec {
		return false
	}
	if h.exec == '8' || h.exec == 'R' {
		return true
	}
	return h.cum == m.cum && h.left == m.left && (h.exec != 'F' || h.price == m.price && h.qty == m.qty)
}

// witness checks all that the clients asked and heard; the error says what does not agree.
func witness(operations []operation, told []heard, canceled []uint64) error {
	slices.SortStableFunc(operations, func(a, b operation) int { return cmp.Compare(a.index, b.index) })
	if err := realTime(operations); err != nil {
		return err
	}
	slices.SortStableFunc(told, func(a, b heard) int { return cmp.Or(cmp.Compare(a.index, b.index), cmp.Compare(a.session, b.session)) })
	m := newModel()
	var expected []heard
	for len(told) > 0 || len(operations) > 0 {
		index := ^uint64(0)
		if len(told) > 0 {
			index = told[0].index
		}
		if len(operations) > 0 {
			index = min(index, operations[0].index)
		}
		n := 0
		for n < len(told) && told[n].index == index {
			n++
		}
		expected = expected[:0]
		what := "the exchange's own command"
		switch {
		case len(operations) > 0 && operations[0].index == index:
			what = operations[0].text()
			expected = m.apply(&operations[0], expected)
			operations = operations[1:]
		case slices.Contains(canceled, index):
			expected = m.cancelAll(told[0].session, expected)
			byID := func(a, b heard) int { return slices.Compare(a.id[:], b.id[:]) }
			slices.SortFunc(expected, byID)
			slices.SortFunc(told[:n], byID)
		}
		slices.SortStableFunc(expected, func(a, b heard) int { return cmp.Compare(a.session, b.session) })
		if err := agree(index, what, told[:n], expected); err != nil {
			return err
		}
		told = told[n:]
	}
	return nil
}

// realTime checks the order of operations, which are sorted by index, against the times at which they were sent and answered.
func realTime(operations []operation) error {
	latest := 0
	for k := range operations {
		o, before := &operations[k], &operations[latest]
		if k > 0 && o.index == operations[k-1].index {
			return fmt.Errorf("command %d answered two requests: %s and %s", o.index, operations[k-1].text(), o.text())
		}
		if o.returned < before.called {
			return fmt.Errorf("%s was command %d and answered at %d ns; %s, sent later, at %d ns, was command %d", o.text(), o.index, o.returned,
				before.text(), before.called, before.index)
		}
		if o.called > before.called {
			latest = k
		}
	}
	return nil
}

func agree(index uint64, what string, told, expected []heard) error {
	for k := range max(len(told), len(expected)) {
		switch {
		case k >= len(told):
			return fmt.Errorf("command %d, %s: nobody heard of %s", index, what, expected[k].text())
		case k >= len(expected):
			return fmt.Errorf("command %d, %s: by the rules nobody should have heard of %s", index, what, told[k].text())
		case !told[k].same(&expected[k]):
			return fmt.Errorf("command %d, %s: heard was %s; by the rules it is %s", index, what, told[k].text(), expected[k].text())
		}
	}
	return nil
}
