package ouch

const second = int64(1_000_000_000)

// throttle lets so many through in a second, at most a second's worth at once.
type throttle struct {
	every int64 // ns that one costs; 0: nothing
	until int64 // what was let through is paid for at this time
}

func newThrottle(rate int) (t throttle) {
	if rate > 0 {
		t.every = max(1, second/int64(rate))
	}
	return t
}

// take tells whether one more may pass.
func (t *throttle) take(now int64) bool {
	if t.every == 0 {
		return true
	}
	until := max(t.until, now-second) + t.every
	if until > now {
		return false
	}
	t.until = until
	return true
}
