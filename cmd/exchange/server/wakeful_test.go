package server

import "testing"

func TestWakeful(t *testing.T) {
	w, now := wakeful{}, int64(1_000_000_000)
	orders := func(n int, gap int64) {
		for range n {
			now += gap
			w.hears(now)
		}
	}
	if orders(100, spinFor+1); w.keeps {
		t.Error("orders that the loop has rested between keep the processors awake")
	}
	if orders(wakefulAfter-2, 20_000); w.keeps { // with the last of those before
		t.Error("a few orders keep them awake")
	}
	if orders(1, 20_000); !w.keeps {
		t.Errorf("%d orders one after another do not keep them awake", wakefulAfter)
	}
	if w.tend(now + wakefulFor); !w.keeps {
		t.Error("they may sleep again at once")
	}
	if orders(1, wakefulFor); !w.keeps {
		t.Error("they may sleep though another order has come")
	}
	if w.tend(now + wakefulFor + 1); w.keeps {
		t.Error("they never may sleep again")
	}
	now += 2 * wakefulFor
	if orders(wakefulAfter-1, 20_000); w.keeps {
		t.Error("a few orders keep them awake the second time")
	}
}
