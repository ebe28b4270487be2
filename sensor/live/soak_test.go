package live

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// TestSoak is a soak of half a minute: each kind of flood, reloads and outages once
// or twice. Its checks are the soak's own; a busy machine is given a flood that is
// none.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("takes most of a minute: run it without -short")
	}
	needLive(t)
	unchanged(t)
	program := filepath.Join(t.TempDir(), "soak")
	if err := compile(program, "tripline/sensor/live/soak", runtime.GOARCH); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	record := filepath.Join(folder, "record.ndjson")
	out, err := exec.CommandContext(t.Context(), program, "-for=30s", "-interval=1s", "-cycle=12s", "-rate=200",
		"-tripline", built.tripline, "-behave", built.behave, "-folder", folder, "-out", record).CombinedOutput()
	said, _ := exec.CommandContext(t.Context(), program, "-draw", record, "-svg", record+".svg", "-csv", record+".csv").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s%s", err, out, said)
	}
	t.Logf("\n%s", said)
}
