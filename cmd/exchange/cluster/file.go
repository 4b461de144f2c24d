package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"exchange/cmd/exchange/server"
)

// FileName is where a cluster on this host is described, in its directory.
const FileName = "cluster.json"

// File is DIR/cluster.json: where everything of a running cluster is found. It is replaced as a whole whenever it changes.
type File struct {
	Cluster     string              `json:"cluster"`
	Provider    string              `json:"provider"`
	Durability  string              `json:"durability"`
	Leader      int                 `json:"leader"`
	Replicas    []Replica           `json:"replicas"`
	Instruments []server.Instrument `json:"instruments"`
	FIXSessions []Session           `json:"fix_sessions"`
	OUCH        []Account           `json:"ouch_accounts"`
}

// Replica is one replica's process and addresses.
type Replica struct {
	ID          int    `json:"id"`
	PID         int    `json:"pid"`
	Alive       bool   `json:"alive"`
	FIX         string `json:"fix"`
	OUCH        string `json:"ouch"`
	ITCH        string `json:"itch"`
	Mold        string `json:"mold"`
	MoldRequest string `json:"mold_request"`
	Glimpse     string `json:"glimpse"`
	HTTP        string `json:"http"`
}

// FIXAddress and the like pick one address, for File.Addresses.
func (r Replica) FIXAddress() string { return r.FIX }

// OUCHAddress is where orders are taken over OUCH.
func (r Replica) OUCHAddress() string { return r.OUCH }

// ITCHAddress is where the feed is served over SoupBinTCP.
func (r Replica) ITCHAddress() string { return r.ITCH }

// GlimpseAddress is where snapshots of the books are given.
func (r Replica) GlimpseAddress() string { return r.Glimpse }

// MoldRequestAddress is where messages that were lost are asked for.
func (r Replica) MoldRequestAddress() string { return r.MoldRequest }

// HTTPAddress is where status is asked.
func (r Replica) HTTPAddress() string { return r.HTTP }

// Session is a FIX session as a client needs it.
type Session struct {
	Sender   string `json:"sender"`
	Target   string `json:"target"`
	Username string `json:"username"`
	Password string `json:"password"`
}

// Account is an OUCH account.
type Account struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// Addresses lists one kind of address of all replicas, those of the leader first.
func (f *File) Addresses(of func(Replica) string) []string {
	replicas := append([]Replica(nil), f.Replicas...)
	sort.SliceStable(replicas, func(i, j int) bool { return replicas[i].ID == f.Leader && replicas[j].ID != f.Leader })
	var all []string
	for _, r := range replicas {
		if a := of(r); a != "" {
			all = append(all, a)
		}
	}
	return all
}

// ReadFile reads the description of the cluster in dir.
func ReadFile(dir string) (*File, error) {
	text, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		return nil, fmt.Errorf("no cluster in %s: %w; start one with `exchange demo --dir %s`", dir, err, dir)
	}
	f := new(File)
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, FileName), err)
	}
	return f, nil
}

// write replaces the file as a whole.
func (f *File) write(dir string) error {
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		return err
	}
	temporary := filepath.Join(dir, "."+FileName)
	if err := os.WriteFile(temporary, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, filepath.Join(dir, FileName))
}

// pattern is where clusters without a directory of their own are put, so that Find sees them.
func pattern() string { return fmt.Sprintf("exchange-%d-", os.Getuid()) }

// ErrNone: no cluster runs on this host for this user.
var ErrNone = errors.New("no running cluster found: start one with `exchange demo`, or name it with --dir DIR")

// Find gives the directory of the cluster: dir if named, otherwise that of the one running without a directory of its own (the newest, if
// there are several).
func Find(dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	candidates, _ := filepath.Glob(filepath.Join(os.TempDir(), pattern()+"*", FileName))
	var newest string
	var when int64
	for _, c := range candidates {
		info, err := os.Stat(c)
		if err != nil || !locked(filepath.Dir(c)) {
			continue
		}
		if t := info.ModTime().UnixNano(); t > when {
			newest, when = filepath.Dir(c), t
		}
	}
	if newest == "" {
		return "", ErrNone
	}
	return newest, nil
}
