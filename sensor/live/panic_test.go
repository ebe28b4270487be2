package live

import (
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/config"
	"tripline/sensor"
	"tripline/sensor/selftest"
)

// TestPanicRestores lets the event path panic: the run ends with an error that
// says so, and kernel audit is as it was.
func TestPanicRestores(t *testing.T) {
	needLive(t)
	unchanged(t)
	rules, err := sensor.LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err = sensor.Run(ctx, sensor.Options{
		Config: config.Default(), Rules: rules, Program: built.tripline,
		Log:      hclog.New(&hclog.LoggerOptions{Output: io.Discard}),
		SelfTest: selftest.Basic(),
		OnAlert:  func(string, bool) { panic("on purpose") },
	})
	if err == nil || !strings.Contains(err.Error(), "internal error, please report it: on purpose") {
		t.Errorf("the run ended with %v", err)
	}
	if ctx.Err() != nil {
		t.Error("the run ended only with its time")
	}
}
