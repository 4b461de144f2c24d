package fix

import "encoding/binary"

// checkSum is the sum of all bytes modulo 256. It adds 32 bytes at a time, in four lanes of 16 bits: even and odd bytes of a word together give a
// lane at most 2 x 255, four words 8 x 255, so a lane takes 32 rounds before it could overflow.
func checkSum(b []byte) uint8 {
	const lanes = 0x00ff00ff00ff00ff
	const roundsBeforeOverflow = 32
	var total uint64
	for len(b) >= 32 {
		var sum uint64
		for rounds := 0; len(b) >= 32 && rounds < roundsBeforeOverflow; rounds++ {
			w, x := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
			y, z := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
			sum += w&lanes + w>>8&lanes + x&lanes + x>>8&lanes
			sum += y&lanes + y>>8&lanes + z&lanes + z>>8&lanes
			b = b[32:]
		}
		total += sum + sum>>16 + sum>>32 + sum>>48
	}
	for _, c := range b {
		total += uint64(c)
	}
	return uint8(total)
}
