package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"exchange/marketdata/ws"
)

// webOutcome is what a client's message led to: an error to tell, or nothing.
type webOutcome struct{ message, reason string }

// request does what a client asks for: all of it, or nothing and an error message.
func (w *webFeed) request(c *webClient, q *ws.Request) (bad *webOutcome) {
	if err := w.current(); err != nil {
		return &webOutcome{"no subscription is possible now", err.Error()}
	}
	defer w.mu.Unlock()
	if c.gone {
		return nil
	}
	if q.Subscribe {
		return w.subscribe(c, q)
	}
	for _, item := range q.Items {
		c.subscriptions.Each(func(channel ws.Channel, p *ws.Product) {
			if channel == item.Channel && (len(item.Products) == 0 || slices.Contains(item.Products, p.ID)) {
				c.leaving = append(c.leaving, webSubscription{channel, p})
			}
		})
	}
	for _, s := range c.leaving {
		w.leave(c, s)
	}
	c.leaving = c.leaving[:0]
	c.send(w.market.AppendSubscriptions(nil, &c.subscriptions))
	return nil
}

// webSubscription is one product of one channel; of status no product.
type webSubscription struct {
	channel ws.Channel
	product *ws.Product
}

// subscribe checks everything first.
func (w *webFeed) subscribe(c *webClient, q *ws.Request) *webOutcome {
	wanted, bad := w.wanted(c, q)
	if bad != nil {
		return bad
	}
	resumes := make([]webResume, len(wanted))
	if q.Resume {
		if q.Session != "" && q.Session != w.session {
			return &webOutcome{"other_session", fmt.Sprintf("this is session %s, not %s: take a snapshot", w.session, q.Session)}
		}
		for i, s := range wanted {
			if resumes[i], bad = w.resume(s, q.After); bad != nil {
				return bad
			}
		}
	}
	for _, s := range wanted {
		c.subscriptions.Add(s.channel, s.product)
	}
	c.send(w.market.AppendSubscriptions(nil, &c.subscriptions))
	for i, s := range wanted {
		w.enter(c, s, &resumes[i], q.After)
	}
	return nil
}

// wanted lists what is new of a request.
func (w *webFeed) wanted(c *webClient, q *ws.Request) (wanted []webSubscription, bad *webOutcome) {
	var unknown []string
	add := func(s webSubscription) {
		if !c.subscriptions.Has(s.channel, s.product) && !slices.Contains(wanted, s) {
			wanted = append(wanted, s)
		}
	}
	for _, item := range q.Items {
		if item.Channel == ws.Status {
			add(webSubscription{ws.Status, nil})
		}
		for _, id := range item.Products {
			p := w.market.Product(id)
			if p == nil {
				unknown = append(unknown, id[:min(len(id), 32)])
				continue
			}
			if add(webSubscription{item.Channel, p}); len(wanted)+c.subscriptions.Count() > w.cfg.MaxSubscriptions {
				return nil, &webOutcome{"too many subscriptions", fmt.Sprintf("one connection may have %d: use another one", w.cfg.MaxSubscriptions)}
			}
		}
	}
	if len(unknown) > 0 {
		return nil, &webOutcome{"unknown product", fmt.Sprintf("%s: GET /products lists those there are", strings.Join(unknown[:min(len(unknown), 8)], ", "))}
	}
	return wanted, nil
}

// webResume is how a subscription goes on behind a sequence number: with a cursor over what was missed, with one update of a book, or when this replica
// has come so far.
type webResume struct {
	asked, waits bool
	cursor       *ws.Cursor
	update       []byte
}

// resume finds out how a subscription can go on. Channels that show the latest value have nothing to go on from.
func (w *webFeed) resume(s webSubscription, after uint64) (r webResume, bad *webOutcome) {
	var err error
	switch s.channel {
	case ws.Full, ws.Matches:
		var cursor ws.Cursor
		if cursor, err = w.market.Resume(s.product, s.channel, after); err == nil {
			r.cursor = &cursor
		}
	case ws.Level2:
		r.update, err = w.market.CatchUp(nil, s.product, after)
	default:
		return r, nil
	}
	r.asked = true
	if errors.Is(err, ws.ErrNotYet) {
		r.waits, err = true, nil
	}
	if err != nil {
		return r, &webOutcome{ws.ErrTooOld.Error(), err.Error()}
	}
	return r, nil
}

// enter begins a subscription, with what comes first in its channel.
func (w *webFeed) enter(c *webClient, s webSubscription, r *webResume, after uint64) {
	switch {
	case r.waits:
		w.waiting = append(w.waiting, webWaiting{c, s.product, s.channel, after, time.Now().Add(w.ahead)})
		return
	case r.cursor != nil:
		c.replay(*r.cursor)
		return
	case r.asked:
		c.send(r.update)
	default:
		switch s.channel {
		case ws.Level2:
			c.send(w.market.Snapshot(s.product))
		case ws.Matches:
			c.send(w.market.AppendLastMatch(nil, s.product))
		case ws.Ticker, ws.TickerBatch:
			c.send(w.market.AppendTicker(nil, s.product))
		case ws.Status:
			c.send(w.market.AppendStatus(nil))
		}
	}
	w.join(c, s)
}

// join makes a client a subscriber: it gets what comes from now on.
func (w *webFeed) join(c *webClient, s webSubscription) {
	if s.channel == ws.Status {
		w.status[c] = struct{}{}
		return
	}
	all := &w.of(s.product).subscribers[s.channel]
	if *all = append(*all, c); len(*all) == 1 && s.channel < ws.TickerBatch {
		w.market.Want(s.product, s.channel, true)
	}
}

// leave ends a subscription, wherever it stands.
func (w *webFeed) leave(c *webClient, s webSubscription) {
	c.subscriptions.Remove(s.channel, s.product)
	if s.channel == ws.Status {
		delete(w.status, c)
		return
	}
	c.replaying = slices.DeleteFunc(c.replaying, func(k ws.Cursor) bool { return k.Product() == s.product && k.Channel() == s.channel })
	w.waiting = slices.DeleteFunc(w.waiting, func(k webWaiting) bool { return k.client == c && k.product == s.product && k.channel == s.channel })
	all := &w.of(s.product).subscribers[s.channel]
	i := slices.Index(*all, c)
	if i < 0 {
		return
	}
	last := len(*all) - 1
	(*all)[i], (*all)[last] = (*all)[last], nil
	if *all = (*all)[:last]; last == 0 && s.channel < ws.TickerBatch {
		w.market.Want(s.product, s.channel, false)
	}
}

// admitWaiting lets those go on whose number was reached, and gives up on the others in time.
func (w *webFeed) admitWaiting(now time.Time) {
	kept := w.waiting[:0]
	for _, k := range w.waiting {
		s := webSubscription{k.channel, k.product}
		r, bad := w.resume(s, k.after)
		switch {
		case bad == nil && !r.waits:
			w.enter(k.client, s, &r, k.after)
			continue
		case bad == nil && now.Before(k.until):
			kept = append(kept, k)
			continue
		case bad == nil:
			bad = &webOutcome{ws.ErrNotYet.Error(), fmt.Sprintf("%s is at sequence %d here, not at %d, and did not get there in %v: is it of this session?", k.product.ID, k.product.Sequence(), k.after, w.ahead)}
		}
		k.client.subscriptions.Remove(k.channel, k.product)
		k.client.send(ws.AppendError(nil, bad.message, bad.reason))
		k.client.send(w.market.AppendSubscriptions(nil, &k.client.subscriptions))
	}
	clear(w.waiting[len(kept):])
	w.waiting = kept
}

// add takes a client in; false: there are too many, or none are served any more.
func (w *webFeed) add(c *webClient) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.clients) >= w.cfg.MaxConnections || w.broken != nil {
		return false
	}
	w.clients[c] = struct{}{}
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

// remove ends all that a client had.
func (w *webFeed) remove(c *webClient) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.clients, c)
	c.gone = true
	var all []webSubscription
	c.subscriptions.Each(func(channel ws.Channel, p *ws.Product) { all = append(all, webSubscription{channel, p}) })
	for _, s := range all {
		w.leave(c, s)
	}
}
