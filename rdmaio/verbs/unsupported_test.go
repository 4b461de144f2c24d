//go:build !(verbs && linux && cgo)

package verbs

import (
	"strings"
	"testing"

	"exchange/rdmaio"
)

var _ rdmaio.Provider = (*Provider)(nil)

func TestWithoutTheTag(t *testing.T) {
	_, err := Open(Config{})
	for _, err := range []error{err, Probe()} {
		if err == nil || !strings.Contains(err.Error(), "built without tag verbs") || !strings.Contains(err.Error(), "-tags verbs") {
			t.Errorf("error %v", err)
		}
	}
}
