package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"exchange/marketdata/depth"
)

// Market follows a feed and keeps its books.
//
//  1. With a Snapshot, the lines are joined, the books are taken, and what comes below the snapshot's number is dropped. Without one, the feed is read from
//     its first message.
//  2. Every message is applied to the books, then handed on.
//  3. When a message cannot be had any more from anywhere, the books are taken anew.
type Market struct {
	// Soup or Mold is where the messages come from, one of the two. Run sets its From, Session and Join.
	Soup *Soup
	Mold *Mold
	// Snapshot is where the books are taken from at the start. Nil: nowhere, the feed is read from its first message.
	Snapshot *Snapshot
	// Guard, if not nil, is held while the books change and while Begun and Handle run: who locks it sees the books between two messages.
	Guard sync.Locker
	// Begun, if not nil, is told of the books at the start, and again whenever they had to be taken anew; next is the number of the first message to be
	// applied to them. They are the feed's until the next call.
	Begun func(books *depth.Builder, next uint64)
	// Handle gets every message after it was applied, and what it changed. Its bytes are valid only during the call; an error ends Run.
	Handle func(number uint64, message []byte, change *depth.Change) error
}

// unguarded is for books that nobody else looks at.
type unguarded struct{}

func (unguarded) Lock()   {}
func (unguarded) Unlock() {}

// lostAfter is how long a message may not be had from anywhere before the books are taken anew.
const lostAfter = 2 * time.Second

// Run follows the feed until the context ends (its error is returned), the session ends (nil), Handle fails (its error), or the feed makes no sense (the
// error of package depth).
func (m *Market) Run(ctx context.Context) error {
	if (m.Soup == nil) == (m.Mold == nil) {
		return errors.New("feed client: a market needs a Soup or a Mold, and not both")
	}
	for {
		err := m.follow(ctx)
		if m.Snapshot != nil && ctx.Err() == nil && (errors.Is(err, ErrLost) || errors.Is(err, ErrNotServed)) {
			continue
		}
		return err
	}
}

// follow takes the books and goes on from there, until it can go no further.
func (m *Market) follow(ctx context.Context) error {
	var books *depth.Builder
	guard := m.Guard
	if guard == nil {
		guard = unguarded{}
	}
	begin := func(ctx context.Context) (from uint64, session string, err error) {
		if m.Snapshot == nil {
			books, from = depth.NewBuilder(), 1
		} else {
			taken, err := m.Snapshot.Take(ctx)
			if err != nil {
				return 0, "", err
			}
			books, from, session = taken.Books, taken.Next, taken.Session
		}
		if m.Begun != nil {
			guard.Lock()
			m.Begun(books, from)
			guard.Unlock()
		}
		return from, session, nil
	}
	handler := func(number uint64, message []byte) error {
		guard.Lock()
		defer guard.Unlock()
		change, err := books.ApplyBytes(message)
		if err != nil {
			return fmt.Errorf("feed message %d: %w", number, err)
		}
		if m.Handle == nil {
			return nil
		}
		return m.Handle(number, message, &change)
	}
	if m.Soup != nil {
		from, session, err := begin(ctx)
		if err != nil {
			return err
		}
		if m.Soup.From, m.Soup.FromNow = from, false; session != "" {
			m.Soup.Session = session
		}
		if m.Snapshot != nil && m.Soup.NotServedAfter == 0 {
			m.Soup.NotServedAfter = lostAfter
		}
		return m.Soup.Run(ctx, handler)
	}
	m.Mold.FromNow = false
	if m.Snapshot != nil && m.Mold.LostAfter == 0 {
		m.Mold.LostAfter = lostAfter
	}
	m.Mold.Join = begin
	return m.Mold.Run(ctx, handler)
}
