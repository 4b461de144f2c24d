package bench

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"fmt"
	"math"
	"os"
)

// The picture's measures, in SVG units.
const (
	pictureWidth  = 1200
	pictureLabels = 520 // of rows, left of the axis
	pictureRight  = 30
	pictureTop    = 64
	pictureRow    = 24
	pictureBottom = 56
)

// pictureStyle works on light and on dark ground.
const pictureStyle = `text{font:13px system-ui,sans-serif;fill:#24292f}.small{font-size:11px;fill:#57606a}.grid{stroke:#d0d7de}.ours{fill:#0969da;stroke:#0969da}
.floors{fill:#57606a;stroke:#57606a}.peers{fill:#bc4c00;stroke:#bc4c00}.ground{fill:#ffffff}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.grid{stroke:#30363d}.ours{fill:#58a6ff;stroke:#58a6ff}
.floors{fill:#9198a1;stroke:#9198a1}.peers{fill:#f0883e;stroke:#f0883e}.ground{fill:#0d1117}}`

// WritePicture writes the report's distributions as an SVG to a file: a row for each, from its median to its maximum, on a logarithmic axis of time.
func (r *Report) WritePicture(path string) error {
	var b bytes.Buffer
	r.picture(&b)
	return os.WriteFile(path, b.Bytes(), 0o644)
}

// pictureAxis places times on the axis, which goes from one power of ten of ns to another.
type pictureAxis struct{ from, to int }

func newPictureAxis(groups [][]Figure) pictureAxis {
	least, most := int64(math.MaxInt64), int64(1)
	for _, g := range groups {
		for _, f := range g {
			least, most = min(least, max(f.P50, 1)), max(most, f.Max)
		}
	}
	least = min(least, most)
	a := pictureAxis{int(math.Floor(math.Log10(float64(least)))), int(math.Ceil(math.Log10(float64(most))))}
	a.to = max(a.to, a.from+1)
	return a
}

func (a pictureAxis) at(ns int64) float64 {
	part := (math.Log10(float64(max(ns, 1))) - float64(a.from)) / float64(a.to-a.from)
	return pictureLabels + max(part, 0)*(pictureWidth-pictureLabels-pictureRight)
}

func (r *Report) picture(b *bytes.Buffer) {
	classes := []string{"ours", "floors", "peers"}
	groups := [][]Figure{timed(r.Figures), timed(r.Floors), timed(r.Peers)}
	rows := len(groups[0]) + len(groups[1]) + len(groups[2])
	axis := newPictureAxis(groups)
	bottom := pictureTop + rows*pictureRow
	height := bottom + pictureBottom
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">`+"\n<style>%s</style>\n", pictureWidth, height, pictureWidth, height, pictureStyle)
	fmt.Fprintf(b, `<rect class="ground" width="%d" height="%d"/>`+"\n", pictureWidth, height)
	text(b, 16, 24, "", "", r.Schema+": p50, p99, p99.9 and maximum")
	text(b, 16, 42, "small", "", fmt.Sprintf("%s; %s", r.Machine, r.Date))
	for power := axis.from; power <= axis.to; power++ {
		ns := int64(math.Round(math.Pow10(power)))
		x := axis.at(ns)
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>`+"\n", x, x, pictureTop-8, bottom)
		text(b, x, float64(bottom+18), "small", "middle", decade(ns))
	}
	y := float64(pictureTop + pictureRow/2)
	for i, g := range groups {
		for _, f := range g {
			text(b, pictureLabels-12, y+4, "", "end", f.Name+" "+paramText(f.Params))
			fmt.Fprintf(b, `<line class="%s" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke-opacity=".35" stroke-width="3"/>`+"\n", classes[i], axis.at(f.P50), axis.at(f.Max), y, y)
			for k, ns := range []int64{f.P50, f.P99, f.P999, f.Max} {
				fmt.Fprintf(b, `<circle class="%s" cx="%.1f" cy="%.1f" r="%g"/>`+"\n", classes[i], axis.at(ns), y, []float64{6, 4, 3, 2}[k])
			}
			y += pictureRow
		}
	}
	text(b, pictureLabels, float64(bottom+40), "small", "", "large to small dot: p50, p99, p99.9, maximum; blue: ours, grey: the floor, orange: others")
	b.WriteString("</svg>\n")
}

// timed leaves out what is only a rate.
func timed(all []Figure) (some []Figure) {
	for _, f := range all {
		if f.Max > 0 {
			some = append(some, f)
		}
	}
	return some
}

func decade(ns int64) string {
	units := []string{"ns", "µs", "ms", "s"}
	u := 0
	for ; ns >= 1000 && u < len(units)-1; u++ {
		ns /= 1000
	}
	return fmt.Sprint(ns, " ", units[u])
}

func text(b *bytes.Buffer, x, y float64, class, anchor, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">`, x, y, class, cmp.Or(anchor, "start"))
	_ = xml.EscapeText(b, []byte(s))
	b.WriteString("</text>\n")
}
