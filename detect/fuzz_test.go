package detect_test

import (
	"errors"
	"os"
	"testing"

	"tripline/detect"
	"tripline/internal/diag"
)

// FuzzCompile compiles whatever parses and runs it over a few events; none may
// stay retained.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		`any where s : ("a*", "?b") or x in (1, 2.5, null) or not flag and user.id != "0"`,
		"sequence by k, ?s with maxspan=5ms [a where x > 1] [any where true] with runs=2 until [b where flag]",
		`a where (process.executable == null or ?nothing : "x") and host.load <= 1e3`,
		`sequence [a where event.action in ("p", "q")] [b where event.action : "P"]`,
		"sequence by ?k with maxspan=3ms ![a where x == 0] [b where true] ![a where x == 2] [any where x > 0] ![b where flag]",
		"sample by s, k [a where true] [b where x >= 1] [any where true] | tail 3 | head 1",
		`any where length(concat(s, string(x / 2))) > 2 and null == (x % 0 > -1) or indexOf~(s, "B", 1) == 1`,
		`any where s regex~ ("a.*&~(x)", "<1-20>", "[^b]{1,3}\\.") or cidrMatch(k, "10.0.0.0/8", "::/0") or between(s, "a", "c", true) == ""`,
		`any where @timestamp >= "2024-01" or number(s, 16) == 171 and substring(s, -2, 1) : "a?"`,
	} {
		f.Add(seed)
	}
	schema := newTestSchema()
	f.Fuzz(func(t *testing.T, query string) {
		compiled, err := detect.CompileWith(newRule(query), schema, detect.CompileOptions{Finite: true})
		if err != nil {
			return
		}
		compiled.Needs()
		engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{PendingPerRule: 2, EventsTotal: 8, Tolerance: 2 * ms}, func(m detect.Match) {
			if len(m.Events) == 0 {
				t.Error("a match has no events")
			}
		})
		var events []*testEvent
		for i := range 12 {
			ev := newEvent(t, schema, start+int64(i^1)*ms, "event.category", []any{"a", "b"}[i%2:i%2+1],
				"x", i%4, "k", "v", "s", []any{"ab", "b"}, "flag", i%3 == 0, "event.action", "p")
			events = append(events, ev)
			engine.Process(ev)
		}
		engine.Advance(start + 20*ms)
		engine.Finish()
		engine.Close()
		for i, ev := range events {
			if ev.retained != 0 {
				t.Fatalf("event %d is retained %d times after Close", i, ev.retained)
			}
		}
	})
}

// FuzzLoadRule reads broken rule files; an error must have a place in the file.
func FuzzLoadRule(f *testing.F) {
	f.Add([]byte(minimalRule))
	f.Add([]byte(everyKey))
	f.Add([]byte("[rule]\nquery = \"\"\"\\\n  any where \\u0041 = 'x'\"\"\"\n"))
	shipped, err := os.ReadFile("../rules/suspicious_network_connection_attempt_by_root.toml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(shipped)
	schema := newTestSchema()
	f.Fuzz(func(t *testing.T, data []byte) {
		rule, err := detect.LoadRule("r.toml", data)
		if err == nil {
			_, err = detect.Compile(rule, schema)
		}
		if err == nil {
			return
		}
		var defect *diag.Error
		if !errors.As(err, &defect) {
			t.Fatalf("error is %T (%v), want *diag.Error", err, err)
		}
		if defect.File != "r.toml" || defect.Line < 1 {
			t.Fatalf("error has no place: %v", err)
		}
		diag.Detail(err)
	})
}
