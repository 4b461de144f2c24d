package fix

import "exchange/book"

// resendRange is a range of our numbers being sent again.
type resendRange struct {
	// active from the ResendRequest to ResendDone; asked once the caller has taken the range.
	active, asked bool
	// next is the number to come, to the last of the range. Invariant: next <= to+1.
	next, to uint64
	// fillFrom is the first number of the run being filled over, 0: none.
	fillFrom uint64
}

func newResend(from, to uint64) resendRange { return resendRange{active: true, next: from, to: to} }

// resendRequest consumes a ResendRequest and starts what it asks for.
func (a *Acceptor) resendRequest(in *inbound) {
	begin, _ := parseUint(in.m.get(tagBeginSeqNo))
	end, _ := parseUint(in.m.get(tagEndSeqNo))
	if begin == 0 {
		a.reject(in, faultOf(rejectValueOutOfRange, tagBeginSeqNo))
		return
	}
	if end != 0 && end < begin {
		a.reject(in, faultOf(rejectValueOutOfRange, tagEndSeqNo))
		return
	}
	a.consume(in, 0)
	if !in.kept { // served when it came
		a.startResend(in)
	}
}

// startResend asks for the range, as far as it has been sent. What has not been delivered yet will come live.
func (a *Acceptor) startResend(in *inbound) {
	begin, _ := parseUint(in.m.get(tagBeginSeqNo))
	end, _ := parseUint(in.m.get(tagEndSeqNo))
	if end == 0 || end > a.lastOut {
		end = a.lastOut
	}
	if begin == 0 || begin > end {
		return
	}
	a.resend = newResend(begin, end)
}

// WantsResend tells that ResendRequest has a range to give, or that one is not done yet: Deliver has to wait.
func (a *Acceptor) WantsResend() bool { return a.resend.active }

// ResendRequest gives the range of our numbers that is to be read from the store into Resend, once; ResendDone ends it, and may bring the next range.
// Input waits until then.
func (a *Acceptor) ResendRequest() (from, to uint64, ok bool) {
	if !a.resend.active || a.resend.asked {
		return 0, 0, false
	}
	a.resend.asked = true
	return a.resend.next, a.resend.to, true
}

// Resend takes the next event of the range, in the order of the numbers. Numbers that are left out, because the store no longer has them, are
// filled over. It may be called over several rounds of sending, so that Bytes stay bounded.
func (a *Acceptor) Resend(now int64, ev *book.Event) {
	r := &a.resend
	if !r.active || ev.OutSeq < r.next || ev.OutSeq > r.to {
		return
	}
	if ev.OutSeq > r.next && r.fillFrom == 0 {
		r.fillFrom = r.next
	}
	r.next = ev.OutSeq + 1
	if !Resendable(ev) {
		if r.fillFrom == 0 {
			r.fillFrom = ev.OutSeq
		}
		return
	}
	a.fill(now, ev.OutSeq)
	a.out = EncodeEvent(a.out, ev, a.context(now, true))
	a.timers.lastOut = now
}

// ResendDone ends the range; what is left of it is filled over. Then what waited is read.
func (a *Acceptor) ResendDone(now int64) {
	r := &a.resend
	if !r.active {
		return
	}
	if r.next <= r.to && r.fillFrom == 0 {
		r.fillFrom = r.next
	}
	a.fill(now, r.to+1)
	*r = resendRange{}
	if a.state == stateActive {
		a.readKept(now)
	}
	a.readFrames(now)
}

// fill sends one SequenceReset-GapFill for the run that ends before next, if there is one.
func (a *Acceptor) fill(now int64, next uint64) {
	if a.resend.fillFrom == 0 {
		return
	}
	a.out = encodeGapFill(a.out, a.resend.fillFrom, next, a.context(now, true))
	a.timers.lastOut = now
	a.resend.fillFrom = 0
}
