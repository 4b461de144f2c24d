package cluster

import (
	"errors"
	"os"
	"path/filepath"
)

// Clean removes what clusters that no longer run have left: the files a cluster makes, and its directory when that is empty then. dir "" stands for all of
// this user's clusters without a directory of their own. It gives the directories it has cleaned. Shared memory and sockets leave nothing:
// they go with their processes.
func Clean(dir string) (cleaned []string, err error) {
	dirs := []string{dir}
	if dir == "" {
		dirs, _ = filepath.Glob(filepath.Join(os.TempDir(), pattern()+"*"))
	}
	for _, d := range dirs {
		if _, e := os.Stat(filepath.Join(d, lockName)); errors.Is(e, os.ErrNotExist) {
			if dir != "" {
				return nil, errors.New("directory " + d + ": no cluster was started in it; nothing is removed")
			}
			continue
		}
		held, e := lock(d)
		if e != nil {
			if dir != "" {
				err = e
			}
			continue // it runs
		}
		c := &Cluster{dir: d, lock: held, ownDir: true}
		c.sweep()
		c.release()
		cleaned = append(cleaned, d)
	}
	return cleaned, err
}
