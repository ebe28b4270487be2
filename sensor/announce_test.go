package sensor

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"tripline/auditrules"
	"tripline/detect"
	"tripline/internal/diag"
	"tripline/sensor/status"
)

// TestLimitsAreSaidOnce keeps a host that reloads every night from the same warnings
// every night.
func TestLimitsAreSaidOnce(t *testing.T) {
	var log bytes.Buffer
	s := &Sensor{
		options: Options{Log: hclog.New(&hclog.LoggerOptions{Output: &log})}, announced: make(map[string]struct{}), watch: &watch{},
		plan: &auditrules.Plan{BlindSpots: []auditrules.BlindSpot{{What: "one", Why: "because"}, {What: "two", Why: "because", Since: "5.16"}}},
	}
	s.announceLimits()
	first := log.String()
	if strings.Count(first, "this kernel cannot report") != 2 || strings.Contains(first, `since=""`) || !strings.Contains(first, "since=5.16") {
		t.Errorf("it says %s", first)
	}
	log.Reset()
	s.plan = &auditrules.Plan{BlindSpots: append(s.plan.BlindSpots, auditrules.BlindSpot{What: "three", Why: "because"})}
	s.announceLimits()
	if again := log.String(); strings.Count(again, "this kernel cannot report") != 1 || !strings.Contains(again, "three") {
		t.Errorf("after a reload it says %s", again)
	}
}

// TestReloadWithoutConfiguration says what is broken, and not that rules are missing.
func TestReloadWithoutConfiguration(t *testing.T) {
	defect := &diag.Error{File: "sensor.toml", Line: 3, Column: 1, Message: "unknown key", Source: "keey = 1"}
	s := &Sensor{options: Options{Log: hclog.NewNullLogger(), LoadRules: func() ([]*detect.Compiled, error) {
		return nil, errors.Join(ErrNoConfiguration, defect)
	}}}
	broken, err := s.reload(context.Background(), new(status.Reload))
	if broken != nil || !errors.Is(err, ErrNoConfiguration) || strings.Contains(err.Error(), "no rule is left") {
		t.Errorf("%v, %v", broken, err)
	}
	var report reporter
	report.reloaded(status.Reload{}, err)
	const want = "the configuration cannot be used; the running rules stay; sensor.toml:3:1: unknown key"
	if got := report.reload.Load().Error; got != want {
		t.Errorf("the status says %q", got)
	}
}
