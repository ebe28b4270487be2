package live

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestHuntAfterwards runs the rule over the event log, and gets the alerts that the
// sensor raised, with their ids: also that of a program which only has the name of
// an excluded one, because the event log says what was found out.
func TestHuntAfterwards(t *testing.T) {
	needLive(t)
	unchanged(t)
	installOwn(t)
	folder := t.TempDir()
	events, rules, other := filepath.Join(folder, "events.ndjson"), filepath.Join(folder, "rules"), filepath.Join(folder, "other")
	if err := os.Mkdir(rules, 0o755); err != nil {
		t.Fatal(err)
	}
	shipped := readFile(t, "../../rules/suspicious_network_connection_attempt_by_root.toml")
	write(t, filepath.Join(rules, "own.toml"), strings.ReplaceAll(shipped, `"/usr/sbin/sshd")`, `"/usr/sbin/sshd", "`+ownProgram+`")`))
	copyFile(t, built.behave, other)
	configuration := configured(t, "[rules]\nfolder = \""+rules+"\"\n[output.events]\npath = \""+events+"\"\n[evidence]\nconnections = \"\"\n")
	s := startSensor(t, "--config", configuration)
	want := map[string]bool{}
	for _, command := range []*exec.Cmd{
		exec.Command(built.behave, "connect-setsid"),
		exec.Command(built.behave, "privately", other+","+ownProgram+",connect-setsid"),
	} {
		h := holdCommand(t, command)
		alert, ok := s.alertOf(h.pid(), soon)
		if !ok {
			t.Fatalf("%v: no alert; the sensor said:\n%s", command.Args, s.log())
		}
		want[alert.Tripline.Alert.ID] = true
		h.release(t)
	}
	behave(t, "setsid") // which is no alert
	holdCommand(t, exec.Command(ownProgram, "connect-setsid")).release(t)
	s.stop(syscall.SIGTERM)
	hunt := exec.Command(built.tripline, "hunt", "--schedule", "--config", configuration, "--state", filepath.Join(folder, "state"), "--alerts", os.DevNull, events)
	var said bytes.Buffer
	hunt.Stderr = &said
	out, err := hunt.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	found := 0
	for line := range strings.Lines(string(out)) {
		found++
		delete(want, parseAlert(t, line).Tripline.Alert.ID)
	}
	if len(want) > 0 || found != s.count() {
		t.Errorf("not found afterwards: %v; %d were raised; found:\n%s%s", want, s.count(), out, said.String())
	}
}

// TestReopen moves files away under a running sensor as logrotate does and sends
// SIGHUP, several times while alerts are raised: nothing is lost or written twice,
// and each new file is for its owner alone.
func TestReopen(t *testing.T) {
	needLive(t)
	unchanged(t)
	folder := t.TempDir()
	events := filepath.Join(folder, "events.ndjson")
	s := startSensor(t, "--config", configured(t, "[output.events]\npath = \""+events+"\"\n[evidence]\nconnections = \"\"\n"))
	raised := make(map[int]bool)
	const rounds, each = 4, 5
	for round := range rounds {
		for i := range each {
			if i == each/2 && round > 0 {
				for _, path := range []string{s.file, events} {
					if err := os.Rename(path, path+"."+string(rune('0'+round))); err != nil {
						t.Fatal(err)
					}
				}
				if err := s.command.Process.Signal(syscall.SIGHUP); err != nil {
					t.Fatal(err)
				}
			}
			raised[behave(t, "connect-setsid")] = true
		}
		wait(t, "all alerts", func() bool { return s.count() >= (round+1)*each })
	}
	s.stop(syscall.SIGTERM)
	for _, path := range []string{s.file, events} {
		files, err := filepath.Glob(path + "*")
		if err != nil || len(files) != rounds {
			t.Fatalf("the files are %v, %v", files, err)
		}
		connects := make(map[int]int)
		for _, one := range files {
			if info, err := os.Stat(one); err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
				t.Errorf("%s: %v, %v", one, info, err)
			}
			countBehaviour(t, one, connects)
		}
		for pid := range raised {
			if connects[pid] != 1 {
				t.Errorf("%s has %d times what process %d did", path, connects[pid], pid)
			}
		}
	}
}

// countBehaviour counts alerts, or changes of the session, by the processes in a
// file.
func countBehaviour(t *testing.T, path string, counts map[int]int) {
	t.Helper()
	for line := range strings.Lines(readFile(t, path)) {
		var document struct {
			Event struct {
				Kind   string `json:"kind"`
				Action string `json:"action"`
			} `json:"event"`
			Process struct {
				PID int `json:"pid"`
			} `json:"process"`
		}
		if err := json.Unmarshal([]byte(line), &document); err != nil {
			t.Errorf("%s has the line %q: %v", path, line, err)
		}
		if document.Event.Kind == "alert" || document.Event.Kind == "event" && document.Event.Action == "session_id_change" {
			counts[document.Process.PID]++
		}
	}
}
