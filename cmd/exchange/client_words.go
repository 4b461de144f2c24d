package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"exchange/book"
	"exchange/fix"
)

// pause carries out a wait.
func pause(words []string) error {
	if len(words) == 2 {
		if t, err := time.ParseDuration(words[1]); err == nil {
			time.Sleep(t)
			return nil
		}
	}
	return errors.New("wait: write it like wait 500ms")
}

// terms reads QTY@PRICE; the price is in 1/10,000, 0 for market.
func terms(word string) (qty, price int64, err error) {
	q, p, ok := strings.Cut(word, "@")
	qty, bad := strconv.ParseInt(q, 10, 64)
	if !ok || bad != nil {
		return 0, 0, fmt.Errorf("%q: write quantity and price like 100@10.00 or 100@market", word)
	}
	if p == "market" {
		return qty, 0, nil
	}
	price, good := fix.ParsePrice(p)
	if !good {
		return 0, 0, fmt.Errorf("price %q: a decimal with at most 4 digits after the point is needed", p)
	}
	return qty, price, nil
}

// duration reads how long an order lives, or the budget of one that lives for this moment.
func duration(o *fix.Order, word string) error {
	key, money, _ := strings.Cut(word, "=")
	switch {
	case word == "day":
	case word == "ioc":
		o.TIF = book.ImmediateOrCancel
	case word == "fok":
		o.TIF = book.FillOrKill
	case key == "budget" && o.Type != book.MarketOrder:
		return errors.New("a budget has no other price: write it like 100@market budget=1000.00")
	case key == "budget":
		var good bool
		if o.Price, good = fix.ParsePrice(money); !good {
			return fmt.Errorf("budget %q: a decimal with at most 4 digits after the point is needed", money)
		}
		o.Type, o.TIF = book.Budget, book.FillOrKill
	default:
		return fmt.Errorf("%q: day, ioc, fok or budget=1000.00", word)
	}
	return nil
}
