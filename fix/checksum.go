package fix

import "encoding/binary"

// checkSum is the sum of all bytes modulo 256. It adds eight bytes at a time, in four lanes of 16 bits; a lane takes 128 words of at most
// 2 x 255 before it could overflow.
func checkSum(b []byte) uint8 {
	const lanes = 0x00ff00ff00ff00ff
	var total uint64
	for len(b) >= 8 {
		words := min(len(b)/8, 128)
		var sum uint64
		for ; words > 0; words-- {
			x := binary.LittleEndian.Uint64(b)
			sum += x&lanes + x>>8&lanes
			b = b[8:]
		}
		total += sum + sum>>16 + sum>>32 + sum>>48
	}
	for _, c := range b {
		total += uint64(c)
	}
	return uint8(total)
}
