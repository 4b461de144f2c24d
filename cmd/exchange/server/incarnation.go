package server

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// incarnation is which start of the replica this is. A replica that lost its memory must not vote under its old identity, so every start counts, and
// every start but the first is a learner until a living leader has brought it up to the decided state.
type incarnation struct {
	number  uint64
	learner bool
	lock    *os.File
}

// takeIncarnation counts this start in the cluster's directory, before anything else is done. The file is locked while the replica runs: a second
// replica with the same id is refused.
func takeIncarnation(cfg *Config) (incarnation, error) {
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return incarnation{}, fmt.Errorf("dir %s: %w; name another with dir", cfg.Dir, err)
	}
	path := cfg.path("incarnation")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return incarnation{}, fmt.Errorf("dir %s: %w", cfg.Dir, err)
	}
	in := incarnation{lock: f}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return incarnation{}, fmt.Errorf("replica %d of %s runs already; stop it, or use another id or dir", cfg.ID, cfg.Dir)
		}
		return incarnation{}, fmt.Errorf("lock %s: %w", path, err)
	}
	if err := in.count(cfg, path); err != nil {
		f.Close()
		return incarnation{}, err
	}
	return in, nil
}

func (in *incarnation) count(cfg *Config, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if len(text) > 0 {
		cluster, number, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
		if cluster != cfg.Cluster {
			return fmt.Errorf("dir %s: replica %d of cluster %q was started here, not of %q; choose another dir, or remove that cluster's files",
				cfg.Dir, cfg.ID, cluster, cfg.Cluster)
		}
		if in.number, err = strconv.ParseUint(number, 10, 64); err != nil {
			return fmt.Errorf("%s: %q is no incarnation; remove the cluster's files if all its replicas are stopped", path, text)
		}
		in.learner = true
	}
	in.number++
	// The new number must be on disk before the replica takes part: written beside and renamed would lose the lock, so in place, padded
	// so that a shorter text never follows a longer one.
	if _, err := in.lock.WriteAt(fmt.Appendf(nil, "%s %020d\n", cfg.Cluster, in.number), 0); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := in.lock.Sync(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// release lets the next start have the replica's identity.
func (in *incarnation) release() {
	if in.lock != nil {
		in.lock.Close()
	}
}
