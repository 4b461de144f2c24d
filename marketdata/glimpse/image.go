package glimpse

import (
	"exchange/marketdata/depth"
	"exchange/marketdata/itch"
	"exchange/ouch/soupbin"
	"time"
)

// Image is the books at one number of the feed. It never changes, and any number of connections send it at once.
type Image struct {
	// Next is the number of the feed's first message to be applied after it.
	Next uint64
	// Messages counts the image's messages, its end included; Orders those of them that are orders.
	Messages, Orders int

	made    time.Time
	packets []byte // sequenced packets of SoupBinTCP, one after another
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
