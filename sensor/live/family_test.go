package live

import (
	"encoding/json"
	"os"
	"testing"

	"tripline/internal/ecs"
)

// familyDocument is what an event says of its process's relatives.
type familyDocument struct {
	Process struct {
		EntityID    string   `json:"entity_id"`
		Args        []string `json:"args"`
		CommandLine string   `json:"command_line"`
		Parent      struct {
			EntityID    string   `json:"entity_id"`
			PID         int      `json:"pid"`
			Args        []string `json:"args"`
			CommandLine string   `json:"command_line"`
			Executable  string   `json:"executable"`
		} `json:"parent"`
		SessionLeader struct {
			EntityID      string `json:"entity_id"`
			SameAsProcess bool   `json:"same_as_process"`
		} `json:"session_leader"`
	} `json:"process"`
	Tripline struct {
		Process struct {
			Ancestors []struct {
				PID int `json:"pid"`
			} `json:"ancestors"`
			Missing  []string `json:"missing"`
			Observed string   `json:"observed"`
		} `json:"process"`
	} `json:"tripline"`
}

// TestAlertTellsTheFamily: both events of an alert say what the process descends
// from, also where it has ended at once, or say that they don't know.
func TestAlertTellsTheFamily(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t)
	h := hold(t, "connect-setsid")
	alert, ok := s.alertOf(h.pid(), soon)
	if !ok {
		t.Fatal("no alert")
	}
	for i, raw := range alert.Tripline.Alert.Sequence {
		one := familyOf(t, raw)
		if one.Process.Parent.PID != os.Getpid() || one.Process.Parent.EntityID == "" || len(one.Process.Parent.Args) == 0 ||
			one.Process.Parent.Args[0] != os.Args[0] || one.Process.Parent.CommandLine == "" || len(one.Process.Args) == 0 {
			t.Errorf("event %d: %s", i, raw)
		}
		ancestors := one.Tripline.Process.Ancestors
		if len(ancestors) == 0 || ancestors[0].PID != os.Getpid() || ancestors[len(ancestors)-1].PID != 1 || one.Tripline.Process.Observed == "" {
			t.Errorf("event %d has the ancestors %v: %s", i, ancestors, raw)
		}
		if last := i == len(alert.Tripline.Alert.Sequence)-1; last && !one.Process.SessionLeader.SameAsProcess {
			t.Errorf("after setsid the process is not the leader of its session: %s", raw)
		}
	}
	h.release(t)

	pid := behave(t, "connect-setsid")
	if alert, ok = s.alertOf(pid, soon); !ok {
		t.Fatal("no alert of a process that ended at once")
	}
	for i, raw := range alert.Tripline.Alert.Sequence {
		one := familyOf(t, raw)
		if one.Process.Parent.EntityID == "" && len(one.Tripline.Process.Missing) == 0 {
			t.Errorf("event %d does not say that it does not know the parent: %s", i, raw)
		}
	}
}

// familyOf reads an event, which must be as ECS has it.
func familyOf(t *testing.T, raw json.RawMessage) familyDocument {
	t.Helper()
	var one familyDocument
	if err := json.Unmarshal(raw, &one); err != nil {
		t.Fatal(err)
	}
	for _, err := range ecs.Check(raw, "auditd", "tripline", "user.real", "user.saved", "user.filesystem", "user.audit") {
		t.Error(err)
	}
	return one
}
