package sensor

import (
	"context"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"

	"tripline/config"
	"tripline/sensor/output"
)

// closingWriter counts how often it is closed.
type closingWriter struct{ closed int }

func (w *closingWriter) Name() string                                 { return "counted" }
func (w *closingWriter) Write(context.Context, output.Document) error { return nil }
func (w *closingWriter) Close() error                                 { w.closed++; return nil }

// TestEarlyFailureClosesOutputs lets a run fail before it has changed anything:
// without audit or privilege when the kernel is asked, else because of a key that
// no audit rule takes.
func TestEarlyFailureClosesOutputs(t *testing.T) {
	compiled, err := LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Kernel.Key = strings.Repeat("k", 300)
	alerts, both := &closingWriter{}, &closingWriter{}
	_, err = Run(t.Context(), Options{
		Config: cfg, Rules: compiled, Log: hclog.NewNullLogger(), LockFile: t.TempDir() + "/lock",
		Outputs: []output.Writer{alerts, both}, EventOutputs: []output.Writer{both},
	})
	if err == nil {
		t.Fatal("it ran")
	}
	if alerts.closed != 1 || both.closed != 1 {
		t.Errorf("after %v the writers were closed %d and %d times", err, alerts.closed, both.closed)
	}
}

// TestCloseOutputsOnce closes queues once, and their writers with them.
func TestCloseOutputsOnce(t *testing.T) {
	writer := &closingWriter{}
	s := &Sensor{options: Options{Outputs: []output.Writer{writer}, Log: hclog.NewNullLogger()}, pipeline: &pipeline{}}
	s.startQueues()
	for range 2 {
		if err := s.closeOutputs(); err != nil {
			t.Fatal(err)
		}
	}
	if writer.closed != 1 {
		t.Errorf("the writer was closed %d times", writer.closed)
	}
}
