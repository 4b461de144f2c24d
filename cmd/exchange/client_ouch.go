package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/trader"
	"exchange/fix"
	"exchange/ouch"
)

// account fills in what the demo's cluster.json knows of the OUCH account.
func (o *clientOptions) account() (addresses []string, err error) {
	if o.session.Username == "" {
		o.session.Username = "OUCH1"
	}
	if o.ouch != demoAddresses {
		addresses = strings.Split(o.ouch, ",")
		if o.dir == "" {
			return addresses, nil
		}
	}
	dir, err := cluster.Find(o.dir)
	if err != nil {
		return nil, err
	}
	f, err := cluster.ReadFile(dir)
	if err != nil {
		return nil, err
	}
	known := false
	for _, a := range f.OUCH {
		if strings.EqualFold(a.Username, o.session.Username) {
			known = true
			if o.session.Password == "" {
				o.session.Password = a.Password
			}
		}
	}
	if !known {
		return nil, fmt.Errorf("the cluster in %s has no OUCH account %s: see ouch_accounts in its %s, and choose with --username", dir, o.session.Username, cluster.FileName)
	}
	if addresses == nil {
		addresses = f.Addresses(cluster.Replica.OUCHAddress)
	}
	return addresses, nil
}

// demoAddresses stands for those in cluster.json.
const demoAddresses = "demo"

// ouchDesk is a person's account: commands in, reports shown. Orders are named by their UserRefNums, in a channel other than 0 behind that and a slash.
type ouchDesk struct {
	out    *printer
	client *trader.OUCHClient
	// asked are the channels of which a person wants to know the next number; only within the client's Do and reports.
	asked [256]bool
}

func tradeOUCH(in io.Reader, out io.Writer, o clientOptions) error {
	addresses, err := o.account()
	if err != nil {
		return err
	}
	secure, err := o.secure.config()
	if err != nil {
		return err
	}
	d := &ouchDesk{out: newPrinter(out)}
	logged := make(chan struct{}, 1)
	var down lastWord
	d.client = trader.NewOUCH(trader.OUCHOptions{
		Username: o.session.Username, Password: o.session.Password, Addresses: addresses, TLS: secure,
		OnRefused: down.refused,
		OnReport:  func(i *ouch.Initiator, _ uint64, r *ouch.Report, _ int64) { d.take(i, r) },
		OnText:    func(text string) { d.out.line("* " + text) },
		OnUp: func(address string) {
			d.out.line("* logged in at " + address + " as " + o.session.Username)
			select {
			case logged <- struct{}{}:
			default:
			}
		},
		OnDown: down.say,
	})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	done := make(chan struct{})
	go func() { defer close(done); d.client.Run(ctx) }()
	defer func() { stop(); <-done }()
	select {
	case <-logged:
	case <-ctx.Done():
		return nil
	case <-time.After(o.patience):
		return failed(fmt.Errorf("no login as %s within %v at any of %s%s: is a cluster running there, and are user name and password right?",
			o.session.Username, o.patience, strings.Join(addresses, ", "), down.inBrackets()))
	}
	if quit := readCommands(ctx, in, d.out, toTerminal(out), d.carryOut); quit || ctx.Err() != nil {
		return nil
	}
	if open := d.await(o.patience); open > 0 && ctx.Err() == nil {
		return failed(fmt.Errorf("%d requests were not answered within %v", open, o.patience))
	}
	return nil
}

func (d *ouchDesk) carryOut(words []string) error {
	switch words[0] {
	case "buy", "sell":
		return d.enter(words)
	case "replace", "cancel":
		d.await(answerPatience)
		return d.change(words)
	case "orders":
		d.await(answerPatience)
		d.show()
		return nil
	case "next":
		return d.next(words)
	case "wait":
		return pause(words)
	}
	return fmt.Errorf("%q is no command: buy, sell, replace, cancel, orders, next, wait, quit", words[0])
}

func (d *ouchDesk) enter(words []string) error {
	channel, terms, err := channelWord(words)
	if err != nil {
		return err
	}
	if len(terms) < 3 || len(terms) > 4 {
		return fmt.Errorf("write it like: %s ABC 100@10.00, or with ioc or fok behind it, and channel=7", words[0])
	}
	q := ouch.Request{
		Type: ouch.EnterOrder, Side: ouch.SideBuy, Symbol: ouch.MakeSymbol(terms[1]), TimeInForce: ouch.TIFDay, Display: ouch.DisplayVisible,
		Capacity: ouch.CapacityPrincipal, Sweep: 'N', Cross: ouch.CrossNone, ClOrdID: ouch.MakeClOrdID("by hand"),
	}
	if words[0] == "sell" {
		q.Side = ouch.SideSell
	}
	setChannel(&q, channel)
	if err := ouchTerms(&q, terms[2]); err != nil {
		return err
	}
	if len(terms) == 4 {
		switch strings.ToLower(terms[3]) {
		case "day":
		case "ioc":
			q.TimeInForce = ouch.TIFImmediate
		case "fok":
			q.TimeInForce = ouch.TIFImmediate
			q.Tags.Set(ouch.TagMinQty, uint64(q.Quantity))
		default:
			return fmt.Errorf("%q: day, ioc or fok", terms[3])
		}
	}
	return d.send(&q, words)
}

// ouchTerms reads QTY@PRICE.
func ouchTerms(q *ouch.Request, word string) error {
	qty, price, err := terms(word)
	if err != nil {
		return err
	}
	if qty < 0 || qty > 1<<32-1 || price < 0 {
		return fmt.Errorf("%q: quantity and price must not be negative, and fit the message", word)
	}
	q.Quantity, q.Price = uint32(qty), uint64(price)
	if strings.HasSuffix(word, "@market") {
		q.Price = ouch.MarketPrice
	}
	return nil
}

func (d *ouchDesk) change(words []string) error {
	need := map[string]int{"cancel": 2, "replace": 3}[words[0]]
	if len(words) != need {
		return errors.New("write it like: cancel NUMBER, or replace NUMBER 50@10.01; an order of a channel is CHANNEL/NUMBER")
	}
	channel, number, err := orderNamed(words[1])
	if err != nil {
		return err
	}
	q := ouch.Request{Type: ouch.CancelOrder, UserRefNum: number}
	if words[0] == "replace" {
		q = ouch.Request{Type: ouch.ReplaceOrder, OrigUserRefNum: number, TimeInForce: ouch.TIFDay, Display: ouch.DisplayVisible, Sweep: 'N',
			ClOrdID: ouch.MakeClOrdID("by hand")}
		if err := ouchTerms(&q, words[2]); err != nil {
			return err
		}
	}
	setChannel(&q, channel)
	if err := d.send(&q, words); err != nil {
		return err
	}
	known := false
	d.client.Do(func(i *ouch.Initiator, _ int64) { known = i.OrderIn(channel, number) != nil })
	if !known {
		d.out.line("* order " + words[1] + " is not open as far as this run knows: if it is not, nothing answers")
	}
	return nil
}

func side(letter byte) string {
	return map[byte]string{ouch.SideBuy: "buy", ouch.SideSell: "sell", ouch.SideSellShort: "sell short", ouch.SideSellShortExempt: "sell short exempt"}[letter]
}

func ouchAt(qty uint32, price uint64) string {
	if price == ouch.MarketPrice {
		return fmt.Sprintf("%d@market", qty)
	}
	return fmt.Sprintf("%d@%s", qty, fix.FormatPrice(int64(price)))
}

// take shows a report.
func (d *ouchDesk) take(i *ouch.Initiator, r *ouch.Report) {
	channel := r.Tags.UserRefIdx()
	n := orderName(channel, r.UserRefNum)
	left := "nothing open"
	if o := i.OrderIn(channel, r.UserRefNum); o != nil {
		left = fmt.Sprintf("%d done, %d open", o.Executed, o.Open())
	}
	switch r.Type {
	case ouch.Accepted:
		d.out.line(fmt.Sprintf("< %s accepted: %s %s %s", n, side(r.Side), r.Symbol, ouchAt(r.Quantity, r.Price)))
	case ouch.Executed:
		d.out.line(fmt.Sprintf("< %s filled %s, %s", n, ouchAt(r.Quantity, r.Price), left))
	case ouch.Replaced:
		d.out.line(fmt.Sprintf("< %s replaces %s: %s, %s", n, orderName(channel, r.OrigUserRefNum), ouchAt(r.Quantity, r.Price), left))
	case ouch.Canceled, ouch.AIQCanceled:
		d.out.line(fmt.Sprintf("< %s cancelled %d (%c), %s", n, r.Quantity, r.Reason, left))
	case ouch.Rejected:
		d.out.line(fmt.Sprintf("< %s rejected: %s", n, r.RejectReason))
	case ouch.QueryAnswer:
		d.tellNext(channel, r.UserRefNum)
	case ouch.SystemEvent:
		d.out.line(fmt.Sprintf("* the day %s", map[byte]string{ouch.DayStarts: "starts", ouch.DayEnds: "ends"}[r.Event]))
	}
}

func (d *ouchDesk) show() {
	var open []ouch.ClientOrder
	d.client.Do(func(i *ouch.Initiator, _ int64) { i.Orders(func(o *ouch.ClientOrder) { open = append(open, *o) }) })
	slices.SortFunc(open, func(a, b ouch.ClientOrder) int {
		return cmp.Or(cmp.Compare(a.UserRefIdx, b.UserRefIdx), cmp.Compare(a.UserRefNum, b.UserRefNum))
	})
	for _, o := range open {
		d.out.line(fmt.Sprintf("  %s %s %s %s, %d done, %d open", orderName(o.UserRefIdx, o.UserRefNum), side(o.Side), o.Symbol, ouchAt(o.Quantity, o.Price), o.Executed, o.Open()))
	}
	if len(open) == 0 {
		d.out.line("  no open orders")
	}
}

// await waits until every request was answered, at most so long, and tells how many were not.
func (d *ouchDesk) await(patience time.Duration) (open int) {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		d.client.Do(func(i *ouch.Initiator, _ int64) { open = i.Unanswered() })
		if open == 0 || time.Now().After(end) {
			return open
		}
	}
}
