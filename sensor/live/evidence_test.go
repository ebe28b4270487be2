package live

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tripline/sensor/evidence"
)

// evidenceDocument is the document that follows an alert.
type evidenceDocument struct {
	Event struct {
		Kind    string `json:"kind"`
		Dataset string `json:"dataset"`
	} `json:"event"`
	Host struct {
		ID string `json:"id"`
	} `json:"host"`
	Tripline struct {
		Alert struct {
			ID       string            `json:"id"`
			Evidence evidence.Evidence `json:"evidence"`
		} `json:"alert"`
	} `json:"tripline"`
}

// readEvidence takes a line that is the evidence of an alert.
func (s *runningSensor) readEvidence(line string) bool {
	var document evidenceDocument
	if json.Unmarshal([]byte(line), &document) != nil || document.Event.Kind != "enrichment" {
		return false
	}
	s.mu.Lock()
	s.evidence = append(s.evidence, document)
	s.mu.Unlock()
	return true
}

// evidenceOf waits for the evidence of an alert.
func (s *runningSensor) evidenceOf(id string) evidenceDocument {
	s.t.Helper()
	for deadline := time.Now().Add(soon); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		s.mu.Lock()
		for _, document := range s.evidence {
			if document.Tripline.Alert.ID == id {
				s.mu.Unlock()
				return document
			}
		}
		s.mu.Unlock()
	}
	s.t.Fatalf("no evidence for alert %s within %v; the sensor said:\n%s", id, soon, s.log())
	return evidenceDocument{}
}

// evidenceOfOneOf starts a program whose behaviour raises an alert, again while the
// evidence of it lacks something for want of time, which a busy machine may take
// away. It returns the last program's pid and evidence, and the first one's
// prevalence.
func (s *runningSensor) evidenceOfOneOf(start func() int) (int, evidence.Evidence, evidence.Prevalence) {
	s.t.Helper()
	var first evidence.Prevalence
	for try := 1; ; try++ {
		pid := start()
		alert, ok := s.alertOf(pid, soon)
		if !ok {
			s.t.Fatalf("no alert; the sensor said:\n%s", s.log())
		}
		found := s.evidenceOf(alert.Tripline.Alert.ID).Tripline.Alert.Evidence
		if try == 1 {
			first = *found.Prevalence
		}
		text, _ := json.Marshal(found) // of types that can be encoded
		s.t.Logf("evidence after %d + %d ms: %s", found.Delay, found.Took, text)
		if try == 5 || !wantedTime(string(text)) {
			return pid, found, first
		}
	}
}

// wantedTime says whether something is missing from an evidence because the time
// for it was over.
func wantedTime(evidence string) bool {
	return slices.ContainsFunc([]string{"no time was left", "still being read", "could not be read in time", "context deadline exceeded"},
		func(why string) bool { return strings.Contains(evidence, why) })
}

// detaching is a program that connects, leaves its session and stays.
const detaching = `socket(S, PF_INET, SOCK_STREAM, 0); connect(S, sockaddr_in($ARGV[0], inet_aton("127.0.0.1"))) or die;
	POSIX::setsid() > 0 or die; $| = 1; print "$$\n"; sleep 60`

// TestEvidence has a shell with a session of its own run a program of the
// distribution that connects and detaches, and compares what the alert's evidence
// says of it with what is known.
func TestEvidence(t *testing.T) {
	needLive(t)
	unchanged(t)
	perl, err := exec.LookPath("perl")
	if err != nil {
		t.Skip("needs perl")
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	memory := filepath.Join(t.TempDir(), "connections.json")
	s := startSensor(t, "--config", configured(t, "[evidence]\nconnections = \""+memory+"\"\n"))

	var shell *exec.Cmd
	pid, found, prevalence := s.evidenceOfOneOf(func() int {
		shell = exec.Command("/bin/sh", "-c", perl+` -MSocket -MPOSIX -e '`+detaching+`' `+strconv.Itoa(port)+` & wait`)
		shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return startTree(t, shell)
	})
	expectTree(t, &found, pid, shell.Process.Pid, perl)
	expectPerl(t, &found, perl)
	peer := func(one evidence.Socket) bool {
		return one.Protocol == "tcp" && one.State == "ESTABLISHED" && one.PeerIP == "127.0.0.1" && one.PeerPort == uint32(port)
	}
	if !slices.ContainsFunc(found.Sockets.Sockets, peer) {
		t.Errorf("the connection to port %d is not among the sockets", port)
	}
	ours := func(one evidence.Socket) bool {
		return one.Protocol == "tcp" && one.LocalPort == uint32(port) && one.PID == uint32(os.Getpid())
	}
	if !slices.ContainsFunc(found.Listeners.Sockets, ours) {
		t.Errorf("our listener on port %d is not among the host's", port)
	}
	if !prevalence.FirstConnection || prevalence.Count != 1 {
		t.Errorf("prevalence is %+v", prevalence)
	}
	s.stop(syscall.SIGTERM)
	if saved, err := os.ReadFile(memory); err != nil || !strings.Contains(string(saved), strconv.Quote(resolved(t, perl))) {
		t.Errorf("the memory is %q, %v", saved, err)
	}
}

// startTree starts a shell and returns the pid that its child prints.
func startTree(t *testing.T, shell *exec.Cmd) int {
	t.Helper()
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	shell.Stderr = os.Stderr
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	pid, errNumber := strconv.Atoi(strings.TrimSpace(line))
	t.Cleanup(func() {
		if pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
		_ = shell.Process.Kill() // likewise
		_, _ = io.Copy(io.Discard, out)
		_ = shell.Wait()
	})
	if err != nil || errNumber != nil {
		t.Fatalf("the program said %q: %v", line, err)
	}
	return pid
}

func resolved(t *testing.T, path string) string {
	t.Helper()
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// expectTree compares the tree with the program, the shell and this process.
func expectTree(t *testing.T, found *evidence.Evidence, pid, shell int, perl string) {
	t.Helper()
	tree := found.Tree.Processes
	if found.Process != evidence.Running || len(tree) < 4 {
		t.Fatalf("the process is %s, its tree has %d processes, %v", found.Process, len(tree), found.Tree.Failed)
	}
	if self := tree[0]; self.PID != uint32(pid) || self.Executable != resolved(t, perl) || !strings.Contains(self.CommandLine, "POSIX::setsid") ||
		self.Leader != uint32(pid) || self.User == nil || self.User.Name != "root" || self.Terminal != "" {
		t.Errorf("the process is %+v", self)
	}
	if parent := tree[1]; parent.PID != uint32(shell) || !strings.Contains(parent.CommandLine, "& wait") || parent.Leader != uint32(shell) {
		t.Errorf("the parent is %+v", parent)
	}
	if grandparent := tree[2]; grandparent.PID != uint32(os.Getpid()) {
		t.Errorf("the grandparent is %+v", grandparent)
	}
	if last := tree[len(tree)-1]; last.PID != 1 && last.ParentPID != 0 {
		t.Errorf("the tree ends with %+v", last)
	}
}

// expectPerl compares the executable with the file and its package.
func expectPerl(t *testing.T, found *evidence.Evidence, perl string) {
	t.Helper()
	content, err := os.ReadFile(perl)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	file := found.Executable
	info, err := os.Stat(perl)
	if err != nil {
		t.Fatal(err)
	}
	if file.SHA256 != hex.EncodeToString(sum[:]) || file.Inode != info.Sys().(*syscall.Stat_t).Ino || file.Mode != "0755" || file.Size != info.Size() {
		t.Errorf("the executable is %+v", file)
	}
	if _, err := exec.LookPath("dpkg-query"); err != nil {
		t.Log("no dpkg here: the package is not compared")
		return
	}
	name := "perl-base"
	version, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name).Output()
	if err != nil || file.Package == nil || file.Package.Name != name || file.Package.Version != string(version) || file.PackageState != "owned" {
		t.Errorf("the package is %+v (%s), not %s %s (%v)", file.Package, file.PackageState, name, version, err)
	}
}

// evidenceOfOneThatEnded is the evidence of a process that had ended before it was
// gathered. The sensor may be faster than its end, then another one is tried.
func evidenceOfOneThatEnded(t *testing.T, s *runningSensor) (pid int, found evidence.Evidence) {
	t.Helper()
	for range 20 {
		pid = behave(t, "connect-setsid")
		alert, ok := s.alertOf(pid, soon)
		if !ok {
			t.Fatalf("no alert; the sensor said:\n%s", s.log())
		}
		found = s.evidenceOf(alert.Tripline.Alert.ID).Tripline.Alert.Evidence
		if found.Tree.Processes[0].Source == "event" {
			break
		}
		t.Logf("process %d was still there: %s", pid, found.Process)
	}
	return pid, found
}

// TestEvidenceOfTheGone says what is missing where the process ended at once, and
// what the events still tell.
func TestEvidenceOfTheGone(t *testing.T) {
	needLive(t)
	unchanged(t)
	s := startSensor(t, "--config", configured(t, "[evidence]\nconnections = \"\"\n"))
	pid, found := evidenceOfOneThatEnded(t, s)
	if found.Process != evidence.Ended || !found.Incomplete || len(found.Sockets.Failed) == 0 || len(found.Tree.Failed) == 0 {
		t.Errorf("the evidence does not say what is missing: %s, %v, %v", found.Process, found.Sockets.Failed, found.Tree.Failed)
	}
	if self := found.Tree.Processes[0]; self.Source != "event" || self.PID != uint32(pid) || self.Executable != built.behave {
		t.Errorf("the events' process is %+v", self)
	}
	unowned := found.Executable.PackageState == "none" ||
		strings.Contains(strings.Join(found.Executable.Failed, " "), "still being read") // the sensor has just started
	if file := found.Executable; file.Source != "path" || file.SHA256 == "" || !unowned {
		t.Errorf("the executable is %+v", file)
	}
}
