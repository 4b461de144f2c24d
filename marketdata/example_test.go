package marketdata_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"

	"exchange/marketdata"
	"exchange/marketdata/client"
	"exchange/marketdata/depth"
	"exchange/marketdata/feed"
	"exchange/marketdata/itch"
	"exchange/marketdata/tape"
	"exchange/ouch/soupbin"
)

// A consumer follows the feed from its first message, builds the books, and stops at the first trade.
func Example() {
	address, stop := aReplica()
	defer stop()

	books := depth.NewBuilder()
	traded := errors.New("traded")
	soup := client.Soup{Addresses: []string{address}} // every replica's, in practice
	err := soup.Run(context.Background(), func(number uint64, message []byte) error {
		change, err := books.ApplyBytes(message)
		if err != nil {
			return err
		}
		os.Stdout.Write(tape.AppendLine(nil, number, &change))
		if change.Traded() {
			return traded
		}
		return nil
	})
	fmt.Println(err)
	for _, level := range books.Book("ABC").AppendBids(nil, 5) {
		fmt.Printf("bid %d@%s\n", level.Shares, tape.AppendPrice(nil, level.Price))
	}
	// Output:
	// 10:00:00.000000000 #1 ABC listed, lot 1
	// 10:00:00.000000000 #2 ABC trading
	// 10:00:00.000000000 #3 ABC add buy 100@99.50 order 1
	// 10:00:00.000000000 #4 ABC trade 40@99.50 sell hits order 1, 60 left, match 1
	// traded
	// bid 60@99.50
}

// aReplica serves four messages.
func aReplica() (address string, stop func()) {
	store := feed.NewStore(1 << 20)
	abc, ten := itch.MakeSymbol("ABC"), uint64(10*3600*1_000_000_000)
	for i, m := range []itch.Message{
		{Type: itch.StockDirectory, Locate: 1, Stock: abc, RoundLot: 1},
		{Type: itch.TradingAction, Locate: 1, Stock: abc, Code: 'T'},
		{Type: itch.AddOrder, Locate: 1, Stock: abc, Ref: 1, Side: 'B', Shares: 100, Price: 99_5000},
		{Type: itch.OrderExecuted, Locate: 1, Ref: 1, Shares: 40, Match: 1},
	} {
		m.Timestamp = ten
		store.Append(uint64(i+1), itch.Append(nil, &m))
	}
	store.Publish()
	server, err := marketdata.NewServer(store, marketdata.ServerConfig{})
	if err != nil {
		panic(err)
	}
	session, err := soupbin.MakeSession("DAY0001")
	if err != nil {
		panic(err)
	}
	server.SetSession(session)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go server.Serve(l)
	return l.Addr().String(), server.Close
}
