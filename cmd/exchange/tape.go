package main

import (
	"context"
	"time"

	"exchange/marketdata/client"
	"exchange/marketdata/depth"
	marketTape "exchange/marketdata/tape"
)

// tapeLinesPerSecond bounds what the demo shows: a person reads no faster.
const tapeLinesPerSecond = 8

// tape shows trades as they come over the feed, and now and then where the markets stand, until the context ends.
func tape(ctx context.Context, print *printer, addresses []string) {
	books := depth.NewBuilder()
	var second time.Time
	shown := 0
	soup := client.Soup{Addresses: addresses, FromNow: false, Notice: func(n client.Notice) {
		if n.Kind == client.Disconnected && n.Err != nil && ctx.Err() == nil {
			print.line("* feed: " + n.Address + " is gone; going on at another replica")
		}
	}}
	err := soup.Run(ctx, func(number uint64, message []byte) error {
		change, err := books.ApplyBytes(message)
		if err != nil || !change.Traded() {
			return err
		}
		if now := time.Now(); now.Sub(second) >= time.Second {
			second, shown = now, 0
		}
		if shown++; shown > tapeLinesPerSecond {
			return nil
		}
		line := string(marketTape.AppendLine(nil, number, &change))
		print.line(line[:len(line)-1])
		return nil
	})
	if err != nil && ctx.Err() == nil {
		print.line("* tape ended: " + err.Error())
	}
}
