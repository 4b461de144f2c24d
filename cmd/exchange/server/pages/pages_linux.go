package pages

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	largePage = 2 << 20 // that tables are gathered into, bytes
	// gatherFor bounds the gathering: where memory is fragmented, the kernel has to move other pages out of the way.
	gatherFor = 300 * time.Millisecond
)

// Gather has the kernel put what this process has written so far into pages of 2 MiB: the state machine's tables, above all. Fewer look-ups of
// addresses while it runs, and an end that takes a millisecond in place of twenty: a killed process frees its memory before it closes its
// sockets, and its clients wait for that. It tells how many bytes now lie in such pages. A kernel that cannot do it (before 6.1) leaves everything as it is.
func Gather() (gathered int) {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		return 0
	}
	defer f.Close()
	end := time.Now().Add(gatherFor)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		from, to, ok := privateMemory(lines.Text())
		if !ok {
			continue
		}
		from, to = (from+largePage-1)&^(largePage-1), to&^(largePage-1)
		for at := from; at < to && time.Now().Before(end); at += largePage {
			// Each by itself: one that nothing was written to is refused, and the others are not.
			if _, _, errno := unix.Syscall(unix.SYS_MADVISE, uintptr(at), largePage, unix.MADV_COLLAPSE); errno == 0 {
				gathered += largePage
			}
		}
	}
	return gathered
}

// privateMemory reads a line of the maps: what a process may write, shares with nobody and got from no file.
func privateMemory(line string) (from, to uint64, ok bool) {
	var mode, offset, device string
	var inode uint64
	if n, _ := fmt.Sscanf(line, "%x-%x %s %s %s %d", &from, &to, &mode, &offset, &device, &inode); n < 6 {
		return 0, 0, false
	}
	return from, to, mode == "rw-p" && inode == 0 && !strings.HasSuffix(line, "[stack]")
}
