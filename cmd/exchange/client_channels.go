package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"exchange/ouch"
)

// An account's channels (UserRefIdx) by hand. Which number is the next in a channel is not known until it was asked there, so the first request in one is
// preceded by that question.

// orderName is how an order is called: its number, behind its channel and a slash if it has one.
func orderName(channel uint8, number uint32) string {
	if channel == 0 {
		return strconv.FormatUint(uint64(number), 10)
	}
	return fmt.Sprintf("%d/%d", channel, number)
}

// orderNamed reads what orderName writes.
func orderNamed(word string) (channel uint8, number uint32, err error) {
	digits := word
	if before, behind, found := strings.Cut(word, "/"); found {
		if channel, err = channelNumber(before); err != nil {
			return 0, 0, err
		}
		digits = behind
	}
	n, bad := strconv.ParseUint(digits, 10, 32)
	if bad != nil {
		return 0, 0, fmt.Errorf("%q is no order's number", word)
	}
	return channel, uint32(n), nil
}

func channelNumber(digits string) (uint8, error) {
	n, err := strconv.ParseUint(digits, 10, 8)
	if err != nil {
		return 0, fmt.Errorf("%q is no channel: 0 to 255", digits)
	}
	return uint8(n), nil
}

// channelWord takes channel=N off the end of a command's words; without it they are of channel 0.
func channelWord(words []string) (channel uint8, rest []string, err error) {
	last := len(words) - 1
	digits, found := strings.CutPrefix(words[last], "channel=")
	if !found {
		return 0, words, nil
	}
	channel, err = channelNumber(digits)
	return channel, words[:last], err
}

// setChannel makes a request one of a channel. Channel 0 is said by saying none.
func setChannel(q *ouch.Request, channel uint8) {
	if channel != 0 {
		q.Tags.Set(ouch.TagUserRefIdx, uint64(channel))
	}
}

// send sends a request, after having asked for its channel's next number if that is not known.
func (d *ouchDesk) send(q *ouch.Request, words []string) error {
	err := d.trySend(q, words)
	if !errors.Is(err, ouch.ErrNoNumber) {
		return err
	}
	d.query(q.Tags.UserRefIdx())
	for end := time.Now().Add(answerPatience); errors.Is(err, ouch.ErrNoNumber) && time.Now().Before(end); time.Sleep(time.Millisecond) {
		err = d.trySend(q, words)
	}
	return err
}

func (d *ouchDesk) trySend(q *ouch.Request, words []string) (err error) {
	d.client.Do(func(i *ouch.Initiator, now int64) {
		if _, err = i.Send(now, q); err == nil {
			d.out.line("> " + orderName(q.Tags.UserRefIdx(), q.UserRefNum) + " " + strings.Join(words, " "))
		}
	})
	return err
}

// query asks for the next number of a channel.
func (d *ouchDesk) query(channel uint8) {
	q := ouch.Request{Type: ouch.AccountQuery}
	setChannel(&q, channel)
	d.client.Do(func(i *ouch.Initiator, now int64) { _, _ = i.Send(now, &q) }) // it has no number that could be missing
}

// next asks for a person and waits for the answer.
func (d *ouchDesk) next(words []string) error {
	channel, rest, err := channelWord(words)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return errors.New("write it like: next, or next channel=7")
	}
	d.await(answerPatience) // what was sent before counts
	d.client.Do(func(*ouch.Initiator, int64) { d.asked[channel] = true })
	d.query(channel)
	for end := time.Now().Add(answerPatience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		answered := false
		d.client.Do(func(*ouch.Initiator, int64) { answered = !d.asked[channel] })
		if answered {
			return nil
		}
	}
	return fmt.Errorf("no answer within %v; it is asked again at the next login", answerPatience)
}

// tellNext shows the answer to who asked; what a login asks for itself is not shown.
func (d *ouchDesk) tellNext(channel uint8, number uint32) {
	if d.asked[channel] {
		d.asked[channel] = false
		d.out.line("< next is " + orderName(channel, number))
	}
}
