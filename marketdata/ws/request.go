package ws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

const (
	// MaxRequest is the longest message of a client, in bytes.
	MaxRequest = 16 << 10
	// MaxItems bounds the channels named in one message, MaxProducts the products named for one of them.
	MaxItems, MaxProducts = 32, 1024
)

// Request is a client's message, understood.
type Request struct {
	// Subscribe, or unsubscribe.
	Subscribe bool
	Items     []Item
	// Resume: go on behind the sequence number After, of the session if it is named.
	Resume  bool
	After   uint64
	Session string
}

// Item is one channel of a request with the products meant.
type Item struct {
	Channel  Channel
	Products []string
}

// wireRequest is a request as it comes. Other fields are let pass: clients send keys and signatures, of which public data has no need.
type wireRequest struct {
	Type         string            `json:"type"`
	ProductIDs   []string          `json:"product_ids"`
	Channels     []json.RawMessage `json:"channels"`
	FromSequence *uint64           `json:"from_sequence"`
	Session      string            `json:"session"`
}

type wireChannel struct {
	Name       string   `json:"name"`
	ProductIDs []string `json:"product_ids"`
}

// ParseRequest reads a client's message. An error is for the client to read.
func ParseRequest(message []byte) (q Request, err error) {
	if len(message) > MaxRequest {
		return q, fmt.Errorf("message of %d bytes: at most %d are taken", len(message), MaxRequest)
	}
	var w wireRequest
	if err := json.Unmarshal(message, &w); err != nil {
		return q, fmt.Errorf("not a JSON object of the known form: %w", err)
	}
	switch w.Type {
	case "subscribe":
		q.Subscribe = true
	case "unsubscribe":
	default:
		return q, fmt.Errorf("type %q: subscribe or unsubscribe is needed", clip(w.Type))
	}
	if q.Session = w.Session; w.FromSequence != nil {
		q.Resume, q.After = true, *w.FromSequence
	}
	if len(w.Channels) == 0 && q.Subscribe {
		return q, errors.New("no channels: name at least one")
	}
	if len(w.Channels) > MaxItems {
		return q, fmt.Errorf("%d channels: at most %d in one message", len(w.Channels), MaxItems)
	}
	if len(w.Channels) == 0 { // unsubscribe from everything of the products
		for c := range channels {
			if c == Status && len(w.ProductIDs) > 0 {
				continue
			}
			if err := q.add(c, w.ProductIDs); err != nil {
				return q, err
			}
		}
		return q, nil
	}
	for _, raw := range w.Channels {
		item := wireChannel{ProductIDs: w.ProductIDs}
		if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '"' {
			err = json.Unmarshal(raw, &item.Name)
		} else {
			err = json.Unmarshal(raw, &item)
		}
		if err != nil {
			return q, fmt.Errorf("channels: a name or an object with name and product_ids is needed: %w", err)
		}
		c, known := channelOf(item.Name)
		if !known {
			return q, fmt.Errorf("channel %q: there are full, matches, level2, ticker, ticker_batch, heartbeat and status", clip(item.Name))
		}
		if err := q.add(c, item.ProductIDs); err != nil {
			return q, err
		}
	}
	return q, nil
}

// add notes a channel with its products. Status is about all of them.
func (q *Request) add(c Channel, products []string) error {
	switch {
	case c == Status:
		products = nil
	case len(products) == 0 && q.Subscribe:
		return fmt.Errorf("channel %s: no product_ids", c)
	case len(products) > MaxProducts:
		return fmt.Errorf("channel %s: %d product_ids, at most %d in one message", c, len(products), MaxProducts)
	}
	q.Items = append(q.Items, Item{c, products})
	return nil
}

// clip shortens what a client sent before it is shown to it.
func clip(s string) string { return s[:min(len(s), 64)] }

// AppendError appends an error frame: message says what, reason why and what to do.
func AppendError(dst []byte, message, reason string) []byte {
	dst, start := openFrame(dst)
	dst = append(dst, `{"type":"error","message":`...)
	dst = appendText(dst, message)
	dst = append(dst, `,"reason":`...)
	dst = appendText(dst, reason)
	return closeText(append(dst, '}'), start)
}

// appendText appends text of unknown content as a JSON string.
func appendText(dst []byte, s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return strconv.AppendQuoteToASCII(dst, s)
	}
	return append(dst, b...)
}

// Subscriptions is what one client subscribed to.
type Subscriptions struct {
	products [channels][]*Product
	status   bool
	count    int
}

// Has tells whether a product's channel is among them; for Status the product is nil.
func (s *Subscriptions) Has(c Channel, p *Product) bool {
	if c == Status {
		return s.status
	}
	for _, q := range s.products[c] {
		if q == p {
			return true
		}
	}
	return false
}

// Count is how many there are, each product of each channel for itself.
func (s *Subscriptions) Count() int { return s.count }

// Add adds one; false: it was there.
func (s *Subscriptions) Add(c Channel, p *Product) bool {
	if s.Has(c, p) {
		return false
	}
	s.count++
	if c == Status {
		s.status = true
		return true
	}
	s.products[c] = append(s.products[c], p)
	return true
}

// Remove takes one away; false: there was none.
func (s *Subscriptions) Remove(c Channel, p *Product) bool {
	if !s.Has(c, p) {
		return false
	}
	s.count--
	if c == Status {
		s.status = false
		return true
	}
	all := s.products[c]
	for i, q := range all {
		if q == p {
			s.products[c] = append(all[:i:i], all[i+1:]...)
		}
	}
	return true
}

// Each calls f for all of them.
func (s *Subscriptions) Each(f func(c Channel, p *Product)) {
	for c := range channels {
		for _, p := range s.products[c] {
			f(c, p)
		}
	}
	if s.status {
		f(Status, nil)
	}
}

// AppendSubscriptions appends the frame that tells a client all it is subscribed to.
func (m *Market) AppendSubscriptions(dst []byte, s *Subscriptions) []byte {
	dst, start := openFrame(dst)
	dst = append(dst, `{"type":"subscriptions","session":"`...)
	dst = append(dst, m.cfg.Session...)
	dst = append(dst, `","channels":[`...)
	first := true
	for c := range channels {
		if len(s.products[c]) == 0 && !(c == Status && s.status) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, `{"name":"`...)
		dst = append(dst, c.String()...)
		dst = append(dst, `","product_ids":[`...)
		for i, p := range s.products[c] {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(dst, '"')
			dst = append(dst, p.ID...)
			dst = append(dst, '"')
		}
		dst = append(dst, `]}`...)
	}
	return closeText(append(dst, `]}`...), start)
}
