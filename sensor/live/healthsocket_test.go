package live

import (
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/auditrules/kernel"
	"tripline/config"
	"tripline/sensor"
	"tripline/sensor/output"
)

// healthWriter is an output that keeps health alerts.
type healthWriter struct{ documents chan healthDocument }

func (w *healthWriter) Name() string { return "test" }
func (w *healthWriter) Close() error { return nil }

func (w *healthWriter) Write(_ context.Context, document output.Document) error {
	var one healthDocument
	if err := json.Unmarshal(document.JSON, &one); err == nil && one.Event.Dataset == "tripline.health" {
		w.documents <- one
	}
	return nil
}

// await waits for a health alert.
func (w *healthWriter) await(t *testing.T, id, state string) healthDocument {
	t.Helper()
	patience := time.After(2 * healthPatience)
	for {
		select {
		case one := <-w.documents:
			if one.is(id, state) {
				return one
			}
		case <-patience:
			t.Fatalf("no health alert %s %s", id, state)
		}
	}
}

// TestHealthSocket loses the audit socket to another process. The kernel lets
// only the owner give it up, so the sensor runs in the test's own process, which
// gives it up in the sensor's name.
func TestHealthSocket(t *testing.T) {
	needLive(t)
	unchanged(t)
	rules, err := sensor.LoadRules("", nil)
	if err != nil {
		t.Fatal(err)
	}
	client := openControl(t)
	said := &healthWriter{documents: make(chan healthDocument, 100)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := sensor.Run(ctx, sensor.Options{
			Config: config.Default(), Rules: rules, Program: built.tripline,
			Log: hclog.New(&hclog.LoggerOptions{Output: io.Discard}), Outputs: []output.Writer{said},
		})
		ended <- err
	}()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	wait(t, "the sensor has the socket", func() bool {
		status, err := client.Status()
		return err == nil && status.PID != 0 && len(rulesNow(t, client)) > 0
	})
	time.Sleep(quiet)
	if err := client.Set(kernel.SettingPID, 0); err != nil {
		t.Fatal(err)
	}
	thief := hold(t, "hold")
	taken := said.await(t, "socket_taken", "raised")
	if pid, _ := taken.Tripline.Health.Detail["audit_pid"].(float64); int(pid) != thief.pid() {
		t.Errorf("it names process %v and not %d", pid, thief.pid())
	}
	thief.release(t)
	said.await(t, "socket_lost", "raised")
	said.await(t, "socket_lost", "cleared")
}
