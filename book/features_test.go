package book

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// shown is what a story must have so that it shows the feature of a row of docs/book.md: patterns, each to be found in one of the row's stories.
// (?m) lets ^ and $ be those of a line, (?s) lets a pattern run over lines.
var shown = map[string][]string{
	"limit, price-time priority, at the resting price": {`(?m)^filled .* resting `, `(?m)^sell \d+@\d+ a`},
	"market; its rest never rests":                     {`(?m)^\w enter .*@market$`, `@market .*because "no liquidity"`},
	"market with a bound on the price (\"slippage\")":  {`(?s)filled .* ioc traded.*because "immediate or cancel"`},
	"market-to-limit":                                  {`@best`, `(?m)^rested .* to limit`, `to limit .*because "no liquidity"`},
	"immediate-or-cancel":                              {`because "immediate or cancel"`, `ioc traded`},
	"fill-or-kill":                                     {`because "fill or kill"`, `fok traded`},
	"fill-or-kill by a budget of money": {`(?m)^filled .* buy .* budget \d+ fok traded`, `(?m)^filled .* sell .* budget \d+ fok traded`,
		`(?m)^cancelled .* buy .* budget .*because "budget not met"`, `(?m)^cancelled .* sell .* budget .*because "budget not met"`, `budget .*because "fill or kill"`, `because "budget out of range"`},
	"day, good-till-cancelled":           {`because "day ended"`, `(?m)^buy .* gtc `},
	"good-till-date":                     {`because "expired"`, `(?m)gtd=\d+`, `time`},
	"all-or-none, incoming and resting":  {`aon traded .* resting`, `(?m)aon traded \d+@\d+ match=\d+ order`, `(?m)^waiting: .* aon`, `because "fill or kill"`},
	"stop":                               {`(?m)^triggered .*@market stop at`, `(?m)^waiting: .*@market stop at`, `@market stop at \d+ traded`},
	"stop-limit":                         {`(?m)^triggered .*\d@\d+ stop at`, `(?m)^rested .* stop at`},
	"trailing stop, trailing stop-limit": {`(?m)^triggered .*@market trailing`, `(?m)^triggered .*\d@\d+ trailing`, `(?s)trailing stop at 980.*trailing stop at 990`},
	"minimum quantity":                   {`min=\d`, `because "minimum quantity not available"`, `(?m)^rested`},
	"post-only: refuse":                  {`post because "post only, but would trade"`},
	"post-only: slide":                   {`(?m)^accepted .* slide .*A]$`},
	"iceberg, refreshed at the back":     {`(?m)^refreshed .* oldref=\d+ .* shown=`, `shown=\d+ of \d+`},
	"hidden":                             {`hidden traded .* P\]`, `(?m)^rested .* hidden .* open=\d+$`},
	"cancel":                             {`because "cancelled on request" \[feed \d+ D\]`, `because "too late to cancel"`, `because "unknown order"`},
	"reduce where it stands":             {`(?m)^reduced .* X\]$`},
	"replace of quantity; priority kept by a lower one": {`(?m)^reduced .* \(\w+\) .* off=\d+ .* X\]$`, `(?m)^replaced .* oldref=\d+`},
	"replace of price, and of both":                     {`(?m)^replaced .* U\]$`, `(?s)replaced [^\n]* D\]\nfilled`},
	"replace after fills in part, quantity in flight":   {`(?m)^reduced .* cum=[1-9]`, `(?m)^replaced .* cum=[1-9]`},
	"mass cancel by session, participant, instrument, side": {
		`mass-cancel \w+ session ABC sell`, `mass-cancel \w+ session XYZ`, `mass-cancel \w+ participant`, `mass-cancelled .* orders=[1-9]`, `(?m)^exchange-cancel OTHER$`,
	},
	"self-trade prevention, four modes, by group":                          {`stp=newest`, `stp=oldest`, `stp=both`, `stp=decrement`, `with=FIRM`, `(?m)^cancelled .*because "self-trade prevented"`, `(?m)^reduced .*because "self-trade prevented"`},
	"listener for orders: accepted, rejected, filled, cancelled, replaced": {`(?m)^accepted `, `(?m)^rejected .* because`, `(?m)^filled `, `(?m)^cancelled `, `(?m)^replaced `, `(?m)^cancel-rejected `},
	"listener for trades":                                          {`traded \d+@\d+ match=\d+ resting`, `traded \d+@\d+ match=\d+ order`},
	"listener for the book: what it shows changed":                 {`\[feed \d+ A\]`, `\[feed \d+ E\]`},
	"best bid and offer":                                           {`(?m)^best\n----\nbuy \d+@\d+\nsell \d+@\d+$`, `(?m)^best\n----\nbuy nothing$`},
	"depth, N levels, with change stamps":                          {`(?m)^depth 2$`, `orders=\d+ stamp=\d+`},
	"levels below the depth come up as those above go":             {`(?s)depth 2\n----\nbuy 10@1000 [^\n]*\nbuy 21@999 .*depth 2\n----\nbuy 21@999 [^\n]*\nbuy 30@998 `},
	"order by order":                                               {`(?m)^book\n----\nbuy .* of \w ref=\d+$`},
	"last trade, statistics of the day":                            {`(?m)^last \d+@\d+ open=[1-9]\d* high=[1-9]\d* low=[1-9]\d* trades=\d+ volume=\d+ notional=`},
	"order status, possible resend":                                {`(?m)^\w status `, `(?m)^\w status-all `, `possresend`, `(?m)^told `},
	"sessions and their numbers, duplicate detection in the state": {`(?m)^dropped `, `(?m) logon`, `\bouch\b`, `(?m)^sessions$`},
	"drop copies":                                                  {`(?m) drop$`, `flags=1`},
	"halt, resume, points of the day":                              {`(?m)^halt `, `(?m)^resume `, `(?m)^system-event M`, `(?m)^system-event O`},
	"snapshot and restore with the same hash":                      {`(?m)^restored$`},
	"rejects with a reason when full":                              {`because "book is full, try again later"`, `because "too many order ids today"`},
}

// storyNames finds what stands between backquotes.
var storyNames = regexp.MustCompile("`([a-z0-9_/]+)`")

// TestFeaturesHaveStories: each row of the table of features in docs/book.md that we have names stories, they are there, and they show it. Each row of the
// table of mistakes names one, and each story is named somewhere.
func TestFeaturesHaveStories(t *testing.T) {
	doc, err := os.ReadFile("../docs/book.md")
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile("testdata/stories/" + name + ".txt")
		if err != nil {
			t.Errorf("docs/book.md: %v", err)
		}
		return string(text)
	}
	section := func(title string) (rows [][]string) {
		_, text, found := strings.Cut(string(doc), "\n## "+title+"\n")
		text, _, _ = strings.Cut(text, "\n## ")
		for line := range strings.Lines(text) {
			if cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); found && len(cells) > 1 && !strings.HasPrefix(cells[0], " ---") {
				for i := range cells {
					cells[i] = strings.TrimSpace(cells[i])
				}
				rows = append(rows, cells)
			}
		}
		if len(rows) < 10 {
			t.Fatalf("docs/book.md has %d rows under %q: the reading of it is broken", len(rows), title)
		}
		return rows[1:]
	}
	named, seen := map[string]bool{}, map[string]bool{}
	for _, row := range section("Features") {
		feature, stories := row[0], ""
		for _, m := range storyNames.FindAllStringSubmatch(row[len(row)-1], -1) {
			named[m[1]] = true
			stories += read(m[1])
		}
		seen[feature] = true
		if row[1] == "no" {
			continue
		}
		if len(shown[feature]) == 0 {
			t.Errorf("%s: say in this test what its story must show", feature)
		}
		for _, pattern := range shown[feature] {
			if !regexp.MustCompile(pattern).MatchString(stories) {
				t.Errorf("%s: its stories do not show %s", feature, pattern)
			}
		}
	}
	for feature := range shown {
		if !seen[feature] {
			t.Errorf("docs/book.md has no row %q", feature)
		}
	}
	for _, row := range section("Mistakes that other books make") {
		for _, m := range storyNames.FindAllStringSubmatch(row[1], -1) {
			named["faults_elsewhere/"+m[1]] = true
			read("faults_elsewhere/" + m[1])
		}
	}
	err = filepath.WalkDir("testdata/stories", func(path string, d fs.DirEntry, err error) error {
		name, story := strings.CutSuffix(filepath.ToSlash(path), ".txt")
		if name = strings.TrimPrefix(name, "testdata/stories/"); story && !named[name] {
			t.Errorf("docs/book.md does not name the story %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
