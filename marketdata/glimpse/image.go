package glimpse

import (
	"sync/atomic"
	"time"

	"exchange/marketdata/depth"
	"exchange/marketdata/itch"
	"exchange/ouch/soupbin"
)

// Image is the books at one number of the feed. It never changes, and any number of connections send it at once. Whoever was given it says with Release that it
// is done with it.
type Image struct {
	// Next is the number of the feed's first message to be applied after it.
	Next uint64
	// Messages counts the image's messages, its end included; Orders those of them that are orders.
	Messages, Orders int

	made    time.Time
	packets []byte // sequenced packets of SoupBinTCP, one after another
	holders atomic.Int32
	alive   *atomic.Int32 // the keeper's count of images that somebody holds
}

// hold counts one more holder.
func (i *Image) hold() *Image {
	if i.holders.Add(1) == 1 {
		i.alive.Add(1)
	}
	return i
}

// Release gives it back.
func (i *Image) Release() {
	switch n := i.holders.Add(-1); {
	case n == 0:
		i.alive.Add(-1)
	case n < 0:
		panic("glimpse: an image was released more often than it was given out")
	}
}

// makeImage writes the books down.
func makeImage(books *depth.Builder, next uint64) *Image {
	const roomPerOrder = soupbin.HeaderLen + itch.AddOrderMPIDLen
	image := &Image{Next: next, Orders: books.Orders(), made: time.Now()}
	image.packets = make([]byte, 0, books.Orders()*roomPerOrder+1<<12)
	var message [itch.MaxLen]byte
	for m := range books.Messages {
		image.append(itch.Append(message[:0], m))
	}
	image.append(AppendEnd(message[:0], next))
	return image
}

func (i *Image) append(message []byte) {
	i.packets = soupbin.AppendPacket(i.packets, soupbin.Sequenced, message)
	i.Messages++
}

// Bytes is the size of the image on the wire.
func (i *Image) Bytes() int { return len(i.packets) }
