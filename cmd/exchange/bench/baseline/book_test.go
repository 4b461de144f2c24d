package baseline

import (
	"testing"

	"exchange/cmd/exchange/orderflow"
)

// TestAgreesWithTheExchangesBook on trades, volume, rejects and what rests, over one symbol and over several.
func TestAgreesWithTheExchangesBook(t *testing.T) {
	for _, symbols := range []int{1, 7} {
		o := orderflow.DefaultOptions()
		o.Seed, o.Records, o.Prefill, o.Symbols = uint64(90+symbols), 30_000, 500, symbols
		f, err := orderflow.Generate(o, nil)
		if err != nil {
			t.Fatal(err)
		}
		b := New(f.Symbols)
		for i := range f.Records {
			b.Play(&f.Records[i])
		}
		want := orderflow.Play(f, nil)
		if want.Trades == 0 || b.Hash.String() != want.TradeHash || int(b.Trades) != want.Trades || b.Volume != want.Volume || int(b.Rejects) != want.Rejected ||
			b.Resting() != want.Resting {
			t.Errorf("%d symbols: %d trades of %d lots, hash %v, %d rejects, %d rest; the exchange's book has %+v",
				symbols, b.Trades, b.Volume, b.Hash, b.Rejects, b.Resting(), want)
		}
	}
}
