package fix

// throttle bounds the application messages of a session: so many a second on the long run, so many at once. It is the generic cell rate algorithm: due is
// when the bucket would be empty again.
type throttle struct {
	due     int64
	refused int
}

// take tells whether a message may pass now; it counts those in a row that may not.
func (t *throttle) take(now int64, perSecond, burst int) bool {
	if perSecond <= 0 {
		return true
	}
	step := nanosPerSecond / int64(perSecond)
	due := max(t.due, now)
	if due-now > step*int64(max(burst-1, 0)) {
		t.refused++
		return false
	}
	t.due = due + step
	t.refused = 0
	return true
}
