package sensor

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func TestReportLimit(t *testing.T) {
	var said bytes.Buffer
	limit := reportLimit{log: hclog.New(&hclog.LoggerOptions{Output: &said})}
	for range 2500 {
		limit.warn("one kind", errors.New("x"))
	}
	limit.warn("another kind", errors.New("y"))
	if lines := strings.Count(said.String(), "one kind"); lines != 12 {
		t.Errorf("2500 messages were said %d times, want 10 and at 100 and 1000", lines)
	}
	if !strings.Contains(said.String(), "times=1000") || !strings.Contains(said.String(), "another kind") {
		t.Errorf("it said:\n%s", &said)
	}
}
