package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"exchange/book"
	"exchange/cmd/exchange/cluster"
	"exchange/cmd/exchange/trader"
	"exchange/fix"

	"github.com/spf13/cobra"
)

// clientOptions are the flags of client.
type clientOptions struct {
	fix, dir string
	ouch     string // addresses, demoAddresses, or empty: FIX
	session  trader.Credentials
	secure   secureOptions
	patience time.Duration
}

func clientCommand() *cobra.Command {
	var o clientOptions
	c := &cobra.Command{
		Use: "client", Short: "Orders by hand or from a script, over FIX or OUCH", Args: cobra.NoArgs,
		Long: `Reads one command a line from standard input and shows what comes back. It finds whoever leads, and goes on in sequence
with the next leader when that one dies.

  buy ABC 100@10.00        a limit order; add ioc or fok for those; 100@market for a market order
  sell ABC 100@10.00
  buy ABC 100@market budget=1000.00
                           (FIX) all of it at once for that money at most, a sell: at least; or nothing
  replace ID 50@10.01      new total quantity and price
  cancel ID                (a symbol behind it for an order of an earlier run of this command)
  orders                   what is open
  wait 500ms               for scripts
  quit

Over OUCH an order is called by its number. It is of a channel of the account (UserRefIdx, 0 to 255) if channel=7 stands
behind buy or sell, and called 7/1 then.

  cancel 7/1               replace 7/1 50@10.01
  next channel=7           the number that may be used next there; next: in channel 0`,
		Example: `  exchange client
  exchange client --sender CLIENT2
  echo "buy XYZ1 100@10.00" | exchange client --dir /tmp/my-demo
  exchange client --fix 127.0.0.1:9101,127.0.0.1:9102 --sender CLIENT1 --target EXCHANGE
  exchange client --ouch demo
  exchange client --ouch 127.0.0.1:9111,127.0.0.1:9112 --username OUCH2 --password change-me2
  exchange client --fix venue.example:9131 --sender CLIENT1 --tls-authority venue.pem --tls-certificate own.pem --tls-key own.key`,
		RunE: func(c *cobra.Command, _ []string) error {
			if o.ouch != "" {
				return tradeOUCH(c.InOrStdin(), c.OutOrStdout(), o)
			}
			return trade(c.InOrStdin(), c.OutOrStdout(), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.fix, "fix", "", "FIX addresses, HOST:PORT[,HOST:PORT…] (default: those of the demo that is running)")
	f.StringVar(&o.ouch, "ouch", "", "speak OUCH, at these addresses, HOST:PORT[,HOST:PORT…]; demo: those of the demo that is running")
	f.StringVar(&o.dir, "dir", "", "directory of a demo's cluster")
	f.StringVar(&o.session.Sender, "sender", "CLIENT1", "our CompID")
	f.StringVar(&o.session.Target, "target", cluster.Target, "the exchange's CompID")
	f.StringVar(&o.session.Username, "username", "", "tag 553, or the OUCH account (default: the demo's)")
	f.StringVar(&o.session.Password, "password", "", "tag 554, or the OUCH account's (default: the demo's)")
	o.secure.flags(c)
	f.DurationVar(&o.patience, "patience", 10*time.Second, "how long to wait for a logon, and at the end for answers")
	return c
}

// complete fills in what the demo's cluster.json knows.
func (o *clientOptions) complete() ([]string, error) {
	if o.fix != "" && o.dir == "" {
		return strings.Split(o.fix, ","), nil
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
	for _, s := range f.FIXSessions {
		if s.Sender == o.session.Sender && s.Target == o.session.Target {
			known = true
			if o.session.Username == "" && o.session.Password == "" {
				o.session = credentials(s)
			}
		}
	}
	if !known {
		return nil, fmt.Errorf("the cluster in %s has no FIX session %s>%s: see fix_sessions in its %s", dir, o.session.Sender, o.session.Target, cluster.FileName)
	}
	if o.fix != "" {
		return strings.Split(o.fix, ","), nil
	}
	return f.Addresses(cluster.Replica.FIXAddress), nil
}

// desk is a person's session: commands in, reports shown.
type desk struct {
	out    *printer
	client *trader.Client

	mu      sync.Mutex
	blotter *trader.Blotter
	prefix  string
	next    int
	waiting map[string]bool // requests without an answer
}

func trade(in io.Reader, out io.Writer, o clientOptions) error {
	addresses, err := o.complete()
	if err != nil {
		return err
	}
	d := &desk{
		out: newPrinter(out), blotter: trader.NewBlotter(), waiting: map[string]bool{},
		prefix: strings.ToUpper(strconv.FormatInt(time.Now().UnixMilli()%(24*3600*1000), 36)) + "-",
	}
	secure, err := o.secure.config()
	if err != nil {
		return err
	}
	logged := make(chan struct{}, 1)
	var down lastWord
	d.client = trader.New(trader.Options{
		Credentials: o.session, Addresses: addresses, TLS: secure, AdoptNumbers: true,
		OnRefused:  down.refused,
		OnReceived: func(_ *fix.Initiator, r *fix.Received, _ int64) { d.take(r) },
		OnUp: func(address string) {
			d.out.line("* logged on at " + address + " as " + o.session.Sender)
			select {
			case logged <- struct{}{}:
			default:
			}
		},
		OnDown: func(reason string) { down.say(reason); d.out.line("* connection gone: " + reason) },
	})
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	done := make(chan struct{})
	go func() { defer close(done); d.client.Run(ctx) }()
	select {
	case <-logged:
	case <-ctx.Done():
		return nil
	case <-time.After(o.patience):
		return failed(fmt.Errorf("no logon as %s within %v at any of %s%s: is a cluster running there, is the session's name right, and is it free?",
			o.session.Sender, o.patience, strings.Join(addresses, ", "), down.inBrackets()))
	}
	quit := readCommands(ctx, in, d.out, toTerminal(out), d.carryOut)
	err = d.settle(ctx, o.patience, quit)
	stop()
	<-done
	return err
}

// lastWord is why there is no connection: what the exchange said last; or else the last fault; or else that nobody listens, or closes at once, as replicas do that
// do not lead.
type lastWord struct {
	mu     sync.Mutex
	why    string
	weight int
}

func (w *lastWord) set(weight int, why string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if weight >= w.weight {
		w.why, w.weight = why, weight
	}
}

func (w *lastWord) say(why string) { w.set(2, why) }

func (w *lastWord) refused(address string, err error) {
	weight := 1
	if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) {
		weight = 0
	}
	w.set(weight, address+": "+err.Error())
}

func (w *lastWord) inBrackets() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why == "" {
		return ""
	}
	return " (" + w.why + ")"
}

// readCommands carries out the commands, line by line; it tells whether the last one was quit.
func readCommands(ctx context.Context, in io.Reader, out *printer, prompt bool, carryOut func(words []string) error) (quit bool) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(in); s.Scan(); {
			lines <- s.Text()
		}
	}()
	if prompt {
		out.line("buy SYMBOL QTY@PRICE | sell … | replace ID QTY@PRICE | cancel ID | orders | quit")
	}
	for {
		select {
		case <-ctx.Done():
			return true
		case line, ok := <-lines:
			if !ok {
				return false
			}
			words := strings.Fields(line)
			if len(words) == 0 || strings.HasPrefix(words[0], "#") {
				continue
			}
			if words[0] == "quit" || words[0] == "exit" {
				return true
			}
			if err := carryOut(words); err != nil {
				out.line("! " + err.Error())
			}
		}
	}
}

func (d *desk) carryOut(words []string) error {
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
	case "wait":
		return pause(words)
	}
	return fmt.Errorf("%q is no command: buy, sell, replace, cancel, orders, wait, quit", words[0])
}

func (d *desk) enter(words []string) error {
	if len(words) < 3 || len(words) > 4 {
		return fmt.Errorf("write it like: %s ABC 100@10.00, or with ioc or fok behind it", words[0])
	}
	qty, price, err := terms(words[2])
	if err != nil {
		return err
	}
	o := fix.Order{Symbol: []byte(words[1]), Qty: qty, Price: price}
	if words[0] == "sell" {
		o.Side = book.Sell
	}
	if price == 0 && strings.HasSuffix(words[2], "@market") {
		o.Type = book.MarketOrder
	}
	if len(words) == 4 {
		if err := duration(&o, strings.ToLower(words[3])); err != nil {
			return err
		}
	}
	id := d.newID()
	o.ClOrdID = []byte(id)
	d.client.Do(func(i *fix.Initiator, now int64) { i.NewOrderSingle(now, &o) })
	d.out.line(fmt.Sprintf("> %s %s", id, strings.Join(words, " ")))
	return nil
}

func (d *desk) change(words []string) error {
	need := map[string]int{"cancel": 2, "replace": 3}[words[0]]
	if len(words) != need && len(words) != need+1 {
		return errors.New("write it like: cancel ID, or replace ID 50@10.01; a symbol behind it for an order of an earlier run")
	}
	d.mu.Lock()
	known := d.blotter.Open[trader.ClientID(words[1])]
	var o fix.Order
	if known != nil {
		o = fix.Order{Symbol: []byte(trader.Text8(known.Symbol)), Side: book.Side(known.Side - '1'), Qty: known.Qty}
	}
	d.mu.Unlock()
	if len(words) > need { // an order of an earlier run of this client: the exchange knows it
		o.Symbol = []byte(words[need])
	} else if known == nil {
		return fmt.Errorf("no open order %s here; if it is from an earlier run, say its symbol: %s SYMBOL", words[1], strings.Join(words, " "))
	}
	o.Qty = max(o.Qty, 1)
	id := d.newID()
	o.ClOrdID, o.OrigClOrdID = []byte(id), []byte(words[1])
	if words[0] == "cancel" {
		d.client.Do(func(i *fix.Initiator, now int64) { i.OrderCancelRequest(now, &o) })
	} else {
		var err error
		if o.Qty, o.Price, err = terms(words[2]); err != nil {
			d.answered(id)
			return err
		}
		d.client.Do(func(i *fix.Initiator, now int64) { i.OrderCancelReplaceRequest(now, &o) })
	}
	d.out.line(fmt.Sprintf("> %s %s", id, strings.Join(words, " ")))
	return nil
}

func (d *desk) newID() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.next++
	id := d.prefix + strconv.Itoa(d.next)
	d.waiting[id] = true
	return id
}

func (d *desk) answered(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.waiting, id)
}

// take shows a message and follows it.
func (d *desk) take(r *fix.Received) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Duplicate {
		return
	}
	d.blotter.Take(r)
	id := trader.Text(r.ClOrdID)
	delete(d.waiting, id)
	side := map[byte]string{'1': "buy", '2': "sell"}[r.Side]
	symbol := trader.Text8(r.Symbol)
	at := func(qty, price int64) string { return fmt.Sprintf("%d@%s", qty, fix.FormatPrice(price)) }
	switch {
	case r.Is("8") && r.ExecType == '0' && r.CashOrderQty != 0:
		d.out.line(fmt.Sprintf("< %s accepted: %s %s %d@market, budget %s", id, side, symbol, r.OrderQty, fix.FormatPrice(r.CashOrderQty)))
	case r.Is("8") && r.ExecType == '0':
		d.out.line(fmt.Sprintf("< %s accepted: %s %s %s", id, side, symbol, at(r.OrderQty, r.Price)))
	case r.Is("8") && r.ExecType == 'F':
		d.out.line(fmt.Sprintf("< %s filled %s, %d done, %d open", id, at(r.LastQty, r.LastPx), r.CumQty, r.LeavesQty))
	case r.Is("8") && r.ExecType == '5':
		d.out.line(fmt.Sprintf("< %s replaces %s: %s, %d done, %d open", id, trader.Text(r.OrigClOrdID), at(r.OrderQty, r.Price), r.CumQty, r.LeavesQty))
	case r.Is("8") && (r.ExecType == '4' || r.ExecType == 'C'):
		d.out.line(fmt.Sprintf("< %s cancelled, %d done %s", id, r.CumQty, r.Text))
	case r.Is("8") && r.ExecType == '8':
		d.out.line(fmt.Sprintf("< %s rejected: %s", id, r.Text))
	case r.Is("9"):
		d.out.line(fmt.Sprintf("< %s refused: %s", id, r.Text))
	case r.Is("3"), r.Is("j"):
		d.out.line(fmt.Sprintf("< message %d rejected: %s", r.RefSeqNum, r.Text))
		clear(d.waiting)
	}
}

func (d *desk) show() {
	d.mu.Lock()
	defer d.mu.Unlock()
	var open []*trader.Order
	for _, o := range d.blotter.Open {
		open = append(open, o)
	}
	sort.Slice(open, func(i, j int) bool { return open[i].Number < open[j].Number })
	for _, o := range open {
		side := "buy"
		if o.Side == '2' {
			side = "sell"
		}
		d.out.line(fmt.Sprintf("  %s %s %s %d@%s, %d done, %d open", trader.Text(o.ID), side, trader.Text8(o.Symbol), o.Qty, fix.FormatPrice(o.Price), o.Cum, o.Leaves))
	}
	if len(open) == 0 {
		d.out.line("  no open orders")
	}
}

// answerPatience is how long a command that speaks of orders waits for the answers to those before it, so that a script can name what it has just entered.
const answerPatience = 2 * time.Second

// await waits until every request was answered, at most so long, and tells how many were not.
func (d *desk) await(patience time.Duration) (open int) {
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		d.mu.Lock()
		open = len(d.waiting)
		d.mu.Unlock()
		if open == 0 || time.Now().After(end) {
			return open
		}
	}
}

// settle waits until every request was answered.
func (d *desk) settle(ctx context.Context, patience time.Duration, quit bool) error {
	if quit || ctx.Err() != nil {
		return nil
	}
	if open := d.await(patience); open > 0 && ctx.Err() == nil {
		return failed(fmt.Errorf("%d requests were not answered within %v", open, patience))
	}
	return nil
}
