package live

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// healthDocument is what the tests read of a health alert.
type healthDocument struct {
	Message string `json:"message"`
	Event   struct {
		Kind    string `json:"kind"`
		Dataset string `json:"dataset"`
	} `json:"event"`
	Host struct {
		Hostname string `json:"hostname"`
	} `json:"host"`
	Tripline struct {
		Health struct {
			ID     string         `json:"id"`
			State  string         `json:"state"`
			Since  time.Time      `json:"since"`
			Detail map[string]any `json:"detail"`
			Who    *struct {
				PID        int    `json:"pid"`
				Executable string `json:"executable"`
				AuditID    string `json:"auid"`
			} `json:"who"`
		} `json:"health"`
	} `json:"tripline"`
}

// healthPatience is how long a health alert is awaited: the sensor looks at
// least every five seconds.
const healthPatience = 20 * time.Second

func (d healthDocument) is(id, state string) bool {
	return d.Tripline.Health.ID == id && d.Tripline.Health.State == state
}

// readHealth takes a line that is a health alert.
func (s *runningSensor) readHealth(line string) bool {
	var document healthDocument
	if json.Unmarshal([]byte(line), &document) != nil || document.Event.Dataset != "tripline.health" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health = append(s.health, document)
	return true
}

// healthOf waits for the health alert of an id and state, and takes it.
func (s *runningSensor) healthOf(id, state string) healthDocument {
	s.t.Helper()
	return s.healthWithin(id, state, healthPatience)
}

// healthWithin is healthOf for conditions that take their time.
func (s *runningSensor) healthWithin(id, state string, patience time.Duration) healthDocument {
	s.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		for i, document := range s.health {
			if document.is(id, state) {
				s.health = append(s.health[:i:i], s.health[i+1:]...)
				s.mu.Unlock()
				return document
			}
		}
		s.mu.Unlock()
	}
	s.t.Fatalf("no health alert %s %s within %v; the sensor said:\n%s", id, state, patience, s.log())
	return healthDocument{}
}

// noHealth fails if a health alert came that nobody has waited for.
func (s *runningSensor) noHealth() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, document := range s.health {
		s.t.Errorf("a health alert that nobody caused: %+v", document)
	}
}

// configured writes a configuration file.
func configured(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sensor.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
