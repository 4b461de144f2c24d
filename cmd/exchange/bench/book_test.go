package bench

import (
	"os"
	"path/filepath"
	"testing"

	"exchange/cmd/exchange/orderflow"
)

// TestBookMeasuresEachFile: every record that is timed is counted once, by kind and in all; beside each file there are the baseline, and what the machine alone
// did to a command's time.
func TestBookMeasuresEachFile(t *testing.T) {
	const prefill, records = 200, 5_200
	flow, err := orderflow.Generate(orderflow.Options{Seed: 1, Records: records, Prefill: prefill, Symbols: 2, Span: 1 << 10, Depth: 100}, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "flow.bin")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := flow.Encode(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Book(BookOptions{Files: []string{path}, Passes: 2})
	if err != nil {
		t.Fatal(err)
	}
	all, kinds := int64(0), int64(0)
	for _, f := range r.Figures {
		switch {
		case f.Name != "apply":
		case f.Params["kind"] == "all":
			all += f.Samples
		default:
			kinds += f.Samples
		}
	}
	stretches := (records - prefill) / bookStretch
	if want := int64(2 * bookStretch * ((stretches + clockedEvery - 1) / clockedEvery)); all < want-2*bookStretch || all > want || kinds != all {
		t.Errorf("%d records timed, %d by kind, want about %d", all, kinds, want)
	}
	floors := map[string]Figure{}
	for _, f := range r.Floors {
		floors[f.Name] = f
	}
	if floors["clock"].Samples == 0 || floors["arithmetic"].P50 <= floors["clock"].P50 {
		t.Errorf("floors: %+v", r.Floors)
	}
	if len(r.Peers) != 1 || r.Peers[0].Samples != all {
		t.Errorf("peers: %+v, where %d records were timed", r.Peers, all)
	}
	for _, name := range []string{"baseline_over_ours flow.bin", "p999_over_arithmetic flow.bin"} {
		if r.Ratios[name] <= 0 {
			t.Errorf("no ratio %q: %v", name, r.Ratios)
		}
	}
}
