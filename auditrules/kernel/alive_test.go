package kernel

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestAlive asks about a process while it runs, when it has ended and nobody has
// waited for it, and when it is gone.
func TestAlive(t *testing.T) {
	if !Alive(uint32(os.Getpid())) || !Alive(1) || Alive(0) || Alive(1<<32-1) {
		t.Error("this process or the first is dead, or one without a number lives")
	}
	command := exec.Command("sleep", "60")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	pid := uint32(command.Process.Pid)
	if !Alive(pid) {
		t.Error("a running process is dead")
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); Alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("a process that was killed lives on until its parent has waited for it")
		}
	}
	_ = command.Wait() // it was killed
	if Alive(pid) {
		t.Error("a process that is gone lives")
	}
}

func TestEnded(t *testing.T) {
	const after = " 1 7 7 0 -1 4228100 0 0 0 0 0 0 0 0 20 0 "
	for stat, want := range map[string]bool{
		"7 (x) S" + after + "1 0 99":      false,
		"7 (x) Z" + after + "1 0 99":      true,
		"7 (x) Z" + after + "3 0 99":      false, // the first thread has ended
		"7 (a) Z b) S" + after + "1 0 99": false, // its name is odd
		"7 (a) S b) Z" + after + "1 0 99": true,
		"":                                false, "7": false, "7 (x) Z 1": false,
	} {
		if got := ended([]byte(stat)); got != want {
			t.Errorf("%q has ended: %v", stat, got)
		}
	}
}
