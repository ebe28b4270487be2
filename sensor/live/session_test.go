package live

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"tripline/sensor/evidence"
)

// sessionLogin is who logs in: a user that every distribution has.
const sessionLogin = 1

// loginShell is a shell as sshd leaves one: on a terminal of its own, as leader of
// its session, with the login user and audit session of whoever logged in. It runs
// a command. script(1) has the terminal's other end, in the place of sshd.
func loginShell(t *testing.T, command string) *exec.Cmd {
	t.Helper()
	for _, program := range []string{"bash", "script", "perl"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s: %v", program, err)
		}
	}
	file := filepath.Join(t.TempDir(), "login")
	write(t, file, "#!/bin/bash\nexec -a -bash bash -c "+quoted(command)+"\n")
	if err := os.Chmod(file, 0o700); err != nil {
		t.Fatal(err)
	}
	shell := exec.Command("/bin/sh", "-c", "echo "+strconv.Itoa(sessionLogin)+" >/proc/self/loginuid; exec script -qec 'exec "+file+"' /dev/null")
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return shell
}

// quoted is a text as one word of a shell.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// TestSessionEvidence has somebody who logged in run a program from the shell that
// connects and detaches, and looks at what the alert's evidence says of it.
func TestSessionEvidence(t *testing.T) {
	needLive(t)
	unchanged(t)
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).Port
	s := startSensor(t, "--config", configured(t, "[evidence]\nconnections = \"\"\n"))
	pid, found, _ := s.evidenceOfOneOf(func() int {
		return startTree(t, loginShell(t, `perl -MSocket -MPOSIX -e '`+detaching+`' `+strconv.Itoa(port)+` & wait`))
	})
	expectSession(t, &found, pid)
	perl, err := exec.LookPath("perl")
	if err != nil {
		t.Fatal(err)
	}
	expectPerl(t, &found, perl)
	if len(found.Sockets.Sockets) == 0 || found.Sockets.Sockets[0].PeerPort != uint32(port) {
		t.Errorf("the sockets are %+v", found.Sockets)
	}
	s.stop(syscall.SIGTERM)
}

// expectSession compares the tree up to the terminal's owner, and the sessions of
// the host, with what loginShell starts.
func expectSession(t *testing.T, found *evidence.Evidence, pid int) {
	t.Helper()
	tree := found.Tree.Processes
	if len(tree) < 5 {
		t.Fatalf("the tree has %d processes, %v", len(tree), found.Tree.Failed)
	}
	program, shell, terminal := tree[0], tree[1], tree[2]
	if program.PID != uint32(pid) || program.Leader != uint32(pid) || program.Terminal != "" || !strings.HasPrefix(program.CommandLine, "perl -MSocket") {
		t.Errorf("the program is %+v", program)
	}
	if !strings.HasPrefix(shell.CommandLine, "-bash -c ") || shell.Leader != shell.PID || shell.Terminal == "" || filepath.Base(shell.Executable) != "bash" {
		t.Errorf("the shell is %+v", shell)
	}
	if terminal.Name != "script" || terminal.Terminal != "" {
		t.Errorf("the terminal is %+v", terminal)
	}
	if last := tree[len(tree)-1]; last.PID != 1 && last.ParentPID != 0 {
		t.Errorf("the tree ends with %+v", last)
	}
	loginuid, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/loginuid")
	if err != nil || string(loginuid) != strconv.Itoa(sessionLogin) {
		t.Logf("the login user cannot be set here: %s, %v", loginuid, err)
		return
	}
	for _, one := range tree[:3] {
		if one.Login == nil || one.Login.ID != strconv.Itoa(sessionLogin) || one.Session != program.Session || one.Session == "" {
			t.Errorf("%s was logged in by %+v in session %q", one.Name, one.Login, one.Session)
		}
	}
	for _, one := range found.Sessions.Audit {
		if one.ID == program.Session {
			if one.Login.ID != strconv.Itoa(sessionLogin) || one.Processes < 3 {
				t.Errorf("the audit session is %+v", one)
			}
			return
		}
	}
	t.Errorf("audit session %s is not among the host's: %+v", program.Session, found.Sessions.Audit)
}
