package bench

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Report is what a benchmark found: the object of `exchange bench WHAT --json`.
type Report struct {
	Schema     string             `json:"schema"`
	Machine    string             `json:"machine"`
	Date       string             `json:"date"`
	Provider   string             `json:"provider,omitempty"`
	Durability string             `json:"durability,omitempty"`
	Replicas   int                `json:"replicas,omitempty"`
	Clock      int64              `json:"clock_ns"` // cost of reading the clock, which is in each sample
	Figures    []Figure           `json:"figures"`
	Floors     []Figure           `json:"floors"`
	Peers      []Figure           `json:"peers"`
	Ratios     map[string]float64 `json:"ratios"`
	// Notes say what is compared with what.
	Notes []string `json:"notes,omitempty"`
}

// Figure is one distribution, or one rate.
type Figure struct {
	Name    string         `json:"name"`
	Params  map[string]any `json:"params,omitempty"`
	P50     int64          `json:"p50_ns,omitempty"`
	P99     int64          `json:"p99_ns,omitempty"`
	P999    int64          `json:"p99_9_ns,omitempty"`
	Max     int64          `json:"max_ns,omitempty"`
	Rate    float64        `json:"rate_per_s,omitempty"`
	Samples int64          `json:"samples"`
}

// NewReport begins a report about this machine.
func NewReport(what string) *Report {
	return &Report{
		Schema: "exchange.bench." + what + "/v1", Machine: machine(), Date: time.Now().UTC().Format(time.DateOnly), Clock: clockCost(),
		Figures: []Figure{}, Floors: []Figure{}, Peers: []Figure{}, Ratios: map[string]float64{},
	}
}

// machine names processor, cores, system and Go.
func machine() string {
	cpu := runtime.GOARCH
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if name, ok := strings.CutPrefix(s.Text(), "model name"); ok {
				cpu = strings.TrimSpace(strings.TrimLeft(name, "\t :"))
				break
			}
		}
	}
	kernel, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return fmt.Sprintf("%s, %d cores, %s %s, %s", cpu, runtime.NumCPU(), runtime.GOOS, strings.TrimSpace(string(kernel)), runtime.Version())
}

// clockCost is what a reading of the clock adds to a sample, ns, at the median.
func clockCost() int64 {
	h := newSamples()
	start := time.Now()
	last := time.Since(start)
	for range 100_000 {
		now := time.Since(start)
		h.record(int64(now - last))
		last = now
	}
	return h.h.ValueAtQuantile(50)
}

// samples is a distribution of times, ns, up to a minute, to 3 digits.
type samples struct {
	h    *hdrhistogram.Histogram
	busy time.Duration // for the rate
	ops  int64
	// stretches holds the time of each stretch without a look at the clock, in ns per 1,000 operations.
	stretches *hdrhistogram.Histogram
}

func newSamples() *samples {
	return &samples{h: hdrhistogram.New(1, int64(time.Minute), 3), stretches: hdrhistogram.New(1, int64(time.Hour), 3)}
}

func (s *samples) record(ns int64) { _ = s.h.RecordValue(max(ns, 1)) }

// stretch adds operations that were done back to back without looking at the clock in between.
func (s *samples) stretch(ops int64, took time.Duration) {
	s.ops += ops
	s.busy += took
	_ = s.stretches.RecordValue(int64(took) * 1000 / ops)
}

// add takes over another's samples.
func (s *samples) add(o *samples) {
	s.h.Merge(o.h)
	s.stretches.Merge(o.stretches)
	s.ops, s.busy = s.ops+o.ops, s.busy+o.busy
}

func (s *samples) figure(name string, params map[string]any) Figure {
	f := Figure{
		Name: name, Params: params, P50: s.h.ValueAtQuantile(50), P99: s.h.ValueAtQuantile(99), P999: s.h.ValueAtQuantile(99.9), Max: s.h.Max(),
		Samples: s.h.TotalCount(),
	}
	if s.busy > 0 {
		f.Rate = float64(s.ops) / s.busy.Seconds()
	}
	return f
}

// nameWidth is what a figure's name and parameters take.
const nameWidth = 80

// Print writes the report for people.
func (r *Report) Print(w io.Writer) {
	fmt.Fprintf(w, "%s\n%s; reading the clock costs %d ns, which is in every time\n", r.Machine, r.Date, r.Clock)
	if r.Provider != "" {
		fmt.Fprintf(w, "provider %s\n", r.Provider)
	}
	fmt.Fprintf(w, "\n%-*s %10s %10s %10s %10s %14s %9s\n", nameWidth, "", "p50", "p99", "p99.9", "max", "per second", "samples")
	row := func(f Figure) {
		rate := ""
		if f.Rate > 0 {
			rate = fmt.Sprintf("%.0f", f.Rate)
		}
		fmt.Fprintf(w, "%-*s %10s %10s %10s %10s %14s %9d\n", nameWidth, f.Name+" "+paramText(f.Params), nice(f.P50), nice(f.P99), nice(f.P999), nice(f.Max), rate, f.Samples)
	}
	for _, f := range r.Figures {
		row(f)
	}
	for _, f := range r.Floors {
		row(f)
	}
	for _, f := range r.Peers {
		row(f)
	}
	fmt.Fprintln(w)
	names := make([]string, 0, len(r.Ratios))
	for n := range r.Ratios {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		fmt.Fprintf(w, "%-*s %10.2f\n", nameWidth, n, r.Ratios[n])
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\n%s.\n", n)
	}
}

func nice(ns int64) string {
	switch {
	case ns == 0:
		return ""
	case ns < 10_000:
		return fmt.Sprintf("%d ns", ns)
	case ns < 10_000_000:
		return fmt.Sprintf("%.1f µs", float64(ns)/1e3)
	}
	return fmt.Sprintf("%.1f ms", float64(ns)/1e6)
}

func paramText(p map[string]any) string {
	keys := make([]string, 0, len(p))
	for k := range p {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	var b strings.Builder
	for i, k := range keys {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s %v", k, p[k])
	}
	return b.String()
}

// ratio notes how many times b a is.
func (r *Report) ratio(name string, a, b int64) {
	if b > 0 {
		r.Ratios[name] = float64(a) / float64(b)
	}
}
