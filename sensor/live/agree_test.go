package live

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/config"
	"tripline/sensor"
)

// TestLiveAndReplayAgree records by multicast what a sensor receives, and finds
// that the recording replayed gives the alerts that the sensor gave, by id.
func TestLiveAndReplayAgree(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	ctx, cancel := context.WithCancel(context.Background())
	var recorded bytes.Buffer
	ended, ready := make(chan error, 1), make(chan struct{})
	go func() {
		_, err := sensor.Capture(ctx, sensor.Options{Config: config.Default(), Passive: true}, nil, &recorded, func() { close(ready) })
		ended <- err
	}()
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("the recording ended: %v", err)
	}
	behave(t, "connect-setsid")
	behave(t, "thread-setsid", "[::1]:9")
	behave(t, "setsid-connect")
	behave(t, "many", "30")
	wait(t, "22 alerts were raised", func() bool { return s.count() == 22 })
	time.Sleep(200 * time.Millisecond)
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	s.stop(syscall.SIGTERM)

	path := filepath.Join(t.TempDir(), "recorded.log")
	if err := os.WriteFile(path, recorded.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(built.tripline, "replay", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var live, replayed []string
	for _, document := range s.alerts {
		live = append(live, document.Tripline.Alert.ID)
	}
	for line := range strings.Lines(string(out)) {
		replayed = append(replayed, parseAlert(t, line).Tripline.Alert.ID)
	}
	slices.Sort(live)
	slices.Sort(replayed)
	if !slices.Equal(live, replayed) {
		t.Errorf("live %d alerts, replayed %d: %q, %q", len(live), len(replayed), live, replayed)
	}
}
