package bench

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"
	"testing"
)

// A picture is well-formed, has a row for each distribution and none for a rate, escapes what it is given, and places later times further right.
func TestPictureShowsEveryDistribution(t *testing.T) {
	r := Report{
		Schema: "exchange.bench.replicate/v1", Machine: "a <machine> & more",
		Figures: []Figure{{Name: "propose_to_decided", P50: 120, P99: 400, P999: 4_000, Max: 2_000_000}, {Name: "only_a_rate", Rate: 5}},
		Floors:  []Figure{{Name: "floor_two_peers", P50: 30, P99: 50, P999: 60, Max: 70}},
		Peers:   []Figure{{Name: "etcd_raft", Params: map[string]any{"bytes": 64}, P50: 15_000, P99: 97_000, P999: 200_000, Max: 900_000}},
	}
	var b bytes.Buffer
	r.picture(&b)
	circles := map[string][]float64{}
	var words strings.Builder
	for d := xml.NewDecoder(&b); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.CharData:
			words.Write(e)
		case xml.StartElement:
			if e.Name.Local == "circle" {
				var class string
				var x float64
				for _, a := range e.Attr {
					switch a.Name.Local {
					case "class":
						class = a.Value
					case "cx":
						if err := xml.Unmarshal([]byte("<x>"+a.Value+"</x>"), &x); err != nil {
							t.Fatal(err)
						}
					}
				}
				circles[class] = append(circles[class], x)
			}
		}
	}
	for _, want := range []string{"a <machine> & more", "propose_to_decided", "floor_two_peers", "etcd_raft bytes 64", "10 ns", "1 ms"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("%q is not in it", want)
		}
	}
	if strings.Contains(words.String(), "only_a_rate") {
		t.Error("a rate has a row")
	}
	for _, class := range []string{"ours", "floors", "peers"} {
		x := circles[class]
		if len(x) != 4 {
			t.Fatalf("%s: %d dots", class, len(x))
		}
		for i := 1; i < 4; i++ {
			if x[i] <= x[i-1] {
				t.Errorf("%s: dots at %v", class, x)
			}
		}
	}
	if circles["floors"][0] >= circles["ours"][0] || circles["ours"][0] >= circles["peers"][0] || circles["ours"][3] > pictureWidth {
		t.Errorf("medians at %v", circles)
	}
}
