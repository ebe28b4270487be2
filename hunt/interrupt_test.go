package hunt

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestRunStopsBetweenDocuments ends the context in the first callback: no other
// document is looked at.
func TestRunStopsBetweenDocuments(t *testing.T) {
	for _, test := range []struct {
		name, query, line string
	}{
		{"reading", "any where true", "no JSON %d"},
		{"matching", "any where true", `{"@timestamp":%d}`},
		{"at the end", "sample by pid [any where true] [any where true]", `{"@timestamp":1,"pid":%[1]d}` + "\n" + `{"@timestamp":1,"pid":%[1]d}`},
		{"results that a pipe held back", "any where true | tail 20", `{"@timestamp":%d}`},
		{"what waited for the end of its span", "sequence with maxspan=1d [any where true] ![a where true]", `{"@timestamp":%d}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			var lines []string
			for i := range 100 {
				lines = append(lines, fmt.Sprintf(test.line, i))
			}
			calls := 0
			_, err := Run(ctx, newQueries(t, test.query), writeFiles(t, lines), Options{
				OnMatch: func(*Match) error {
					calls++
					cancel()
					return nil
				},
				Report: func(error) {
					calls++
					cancel()
				},
			})
			if calls != 1 || !errors.Is(err, context.Canceled) {
				t.Errorf("%d calls and error %v", calls, err)
			}
		})
	}
}

// TestRunLeavesAnEndlessDocument ends the context while work hangs: no function of
// the options is called any more.
func TestRunLeavesAnEndlessDocument(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release, ended := make(chan struct{}), make(chan error)
	calls := 0
	options := Options{
		OnMatch:    func(*Match) error { calls++; return nil },
		Report:     func(error) { calls++ },
		OnProgress: func(Progress) { calls++ },
	}
	result := runPatiently(ctx, options, func(guarded Options) outcome {
		guarded.OnProgress(Progress{})
		cancel()
		go func() {
			<-release
			guarded.Report(nil)
			guarded.OnProgress(Progress{})
			ended <- guarded.OnMatch(nil)
		}()
		<-release
		return outcome{}
	})
	if !errors.Is(result.err, context.Canceled) || !strings.Contains(result.err.Error(), "in the middle of a document") {
		t.Errorf("error %v", result.err)
	}
	close(release)
	if err := <-ended; !errors.Is(err, errStop) || calls != 1 {
		t.Errorf("%d calls, and a later match gives %v", calls, err)
	}
}
