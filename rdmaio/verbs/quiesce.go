//go:build verbs && linux && cgo

package verbs

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// quiesce returns when no WRITE that Soft-RoCE had let pass before the call is still being copied.
//
// A card does this itself before it answers a change of access flags. Soft-RoCE only stores the new flags: on another CPU a packet
// may have passed the check and not yet be copied. That part of the kernel runs without being preempted (in a soft interrupt, or
// in a system call of a kernel that preempts at voluntary points only), so it is over on every CPU on which we have run since.
// On a card it is nothing.
func (p *port) quiesce() error {
	if !p.soft {
		return nil
	}
	online, err := onlineCPUs()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var home unix.CPUSet
	if err := unix.SchedGetaffinity(0, &home); err != nil {
		return fmt.Errorf("where this thread may run: %w", err)
	}
	defer func() { _ = unix.SchedSetaffinity(0, &home) }()
	for _, cpu := range online {
		var one unix.CPUSet
		one.Set(cpu)
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			return fmt.Errorf("run on CPU %d: %w: with Soft-RoCE the process must be allowed on every CPU that is online", cpu, err)
		}
	}
	return nil
}

// onlineCPUs reads a list such as 0-3,6.
func onlineCPUs() ([]int, error) {
	const file = "/sys/devices/system/cpu/online"
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("which CPUs are online: %w", err)
	}
	var cpus []int
	for part := range strings.SplitSeq(strings.TrimSpace(string(text)), ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		first, err1 := strconv.Atoi(from)
		last, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || last < first {
			return nil, fmt.Errorf("which CPUs are online: %s says %q", file, text)
		}
		for cpu := first; cpu <= last; cpu++ {
			cpus = append(cpus, cpu)
		}
	}
	return cpus, nil
}
