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
	"exchange/marketdata/glimpse"
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

// A late joiner takes the books as they are from the snapshot port, goes on from the feed at the number that they are at, and takes them anew if it ever
// has to. Over MoldUDP64 it is the same with a client.Mold in place of the client.Soup: Lines to hear, RequestServers to ask for what all of them lost.
func Example_lateJoiner() {
	address, snapshots, stop := aReplicaWithSnapshots()
	defer stop()

	traded := errors.New("traded")
	var books *depth.Builder
	market := client.Market{
		Soup:     &client.Soup{Addresses: []string{address}},
		Snapshot: &client.Snapshot{Addresses: []string{snapshots}},
		Begun: func(b *depth.Builder, next uint64) {
			books = b
			fmt.Printf("%d orders, next is message %d\n", b.Orders(), next)
		},
		Handle: func(number uint64, message []byte, change *depth.Change) error {
			os.Stdout.Write(tape.AppendLine(nil, number, change))
			if change.Traded() {
				return traded
			}
			return nil
		},
	}
	fmt.Println(market.Run(context.Background()))
	best, _ := books.Book("ABC").BestBid()
	fmt.Printf("bid %d@%s\n", best.Shares, tape.AppendPrice(nil, best.Price))
	// Output:
	// 1 orders, next is message 4
	// 10:00:00.000000000 #4 ABC trade 40@99.50 sell hits order 1, 60 left, match 1
	// traded
	// bid 60@99.50
}

// aReplica serves four messages.
func aReplica() (address string, stop func()) {
	store := feed.NewStore(1 << 20)
	publish(store, day())
	return serve(store)
}

// aReplicaWithSnapshots has published three of them, and publishes the last one once a snapshot was taken.
func aReplicaWithSnapshots() (address, snapshots string, stop func()) {
	store := feed.NewStore(1 << 20)
	messages := day()
	publish(store, messages[:3])
	address, stopFeed := serve(store)
	keeper := glimpse.NewKeeper(store, glimpse.KeeperConfig{})
	session, err := soupbin.MakeSession("DAY0001")
	if err != nil {
		panic(err)
	}
	server, err := glimpse.NewServer(keeper, glimpse.ServerConfig{Session: session, Closed: func(net.Addr, error) { publish(store, messages[3:]) }})
	if err != nil {
		panic(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go server.Serve(l)
	return address, l.Addr().String(), func() { server.Close(); keeper.Close(); stopFeed() }
}

func publish(store *feed.Store, messages []itch.Message) {
	for i := range messages {
		store.Append(store.Next()+uint64(i), itch.Append(nil, &messages[i]))
	}
	store.Publish()
}

func day() (messages []itch.Message) {
	abc, ten := itch.MakeSymbol("ABC"), uint64(10*3600*1_000_000_000)
	messages = []itch.Message{
		{Type: itch.StockDirectory, Locate: 1, Stock: abc, RoundLot: 1},
		{Type: itch.TradingAction, Locate: 1, Stock: abc, Code: 'T'},
		{Type: itch.AddOrder, Locate: 1, Stock: abc, Ref: 1, Side: 'B', Shares: 100, Price: 99_5000},
		{Type: itch.OrderExecuted, Locate: 1, Ref: 1, Shares: 40, Match: 1},
	}
	for i := range messages {
		messages[i].Timestamp = ten
	}
	return messages
}

func serve(store *feed.Store) (address string, stop func()) {
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
