package sensor

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"testing"
)

// instructionsFile has how many instructions each command needed for a record, when
// it was written with -update.
const instructionsFile = "testdata/instructions.json"

// instructionsMargin is by how much a command may need more than is written down.
// The count itself varies by less than one in a hundred.
const instructionsMargin = 1.10

// TestInstructions guards the speed of what reads records: it counts the instructions
// that each record costs, which do not depend on what else the machine does, and holds
// them against what is written down.
func TestInstructions(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the instructions that are written down are those of amd64")
	}
	if _, err := exec.LookPath("valgrind"); err != nil {
		t.Skip("counting instructions needs valgrind (apt-get install valgrind)")
	}
	if testing.Short() {
		t.Skip("counting instructions takes half a minute")
	}
	folder := t.TempDir()
	binary := filepath.Join(folder, "tripline")
	build := exec.Command("go", "build", "-o", binary, "../cmd/tripline")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building tripline: %v\n%s", err, out)
	}
	hosts := func(size int) ([]byte, int, int) { return hostLog(size, false) }
	got := make(map[string]float64)
	for _, one := range []struct {
		name    string
		log     func(size int) (log []byte, lines, attacks int)
		command []string
	}{
		{"replay", syntheticLog, []string{"replay"}},
		{"replay of programs' records", reportLog, []string{"replay"}},
		{"replay --events", syntheticLog, []string{"replay", "--events"}},
		{"replay --events of a host", hosts, []string{"replay", "--events"}},
	} {
		fewer, fewerLines := countedLog(t, binary, folder, one.log, 1<<20, one.command)
		more, moreLines := countedLog(t, binary, folder, one.log, 3<<20, one.command)
		got[one.name] = float64(more-fewer) / float64(moreLines-fewerLines)
		t.Logf("%s: %.0f instructions a record", one.name, got[one.name])
	}
	compareInstructions(t, got)
}

// countedLog has a command read a log of about size bytes, and returns how many
// instructions it needed and how many lines the log has.
func countedLog(t *testing.T, binary, folder string, of func(size int) (log []byte, lines, attacks int), size int, command []string) (count, lines int) {
	t.Helper()
	log, lines, _ := of(size)
	file := filepath.Join(folder, "audit.log")
	if err := os.WriteFile(file, log, 0o600); err != nil {
		t.Fatal(err)
	}
	return countInstructions(t, binary, append(slices.Clone(command), file)...), lines
}

// instructionsCounted finds what valgrind says at the end of all it counted.
var instructionsCounted = regexp.MustCompile(`Collected : (\d+)`)

// countInstructions runs a command under valgrind. Without collections of garbage and
// without the runtime's signals, each run executes nearly the same. The runtime reads its
// clock by RDTSCP where a lock is contended, which valgrind 3.19 does not know on every processor.
func countInstructions(t *testing.T, binary string, arguments ...string) int {
	t.Helper()
	run := exec.Command("valgrind", append([]string{"--tool=callgrind", "--callgrind-out-file=/dev/null", binary}, arguments...)...)
	run.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1,cpu.rdtscp=off", "GOMAXPROCS=1", "GOGC=off")
	var said bytes.Buffer
	run.Stderr = &said
	err := run.Run()
	found := instructionsCounted.FindSubmatch(said.Bytes())
	if found == nil {
		if plain, plainErr := exec.Command(binary, arguments...).CombinedOutput(); plainErr != nil {
			t.Fatalf("%v without valgrind: %v\n%s", arguments, plainErr, plain)
		}
		t.Skipf("this valgrind cannot run a Go program that runs without it: %v\n%s", err, said.Bytes())
	}
	if err != nil {
		t.Fatalf("%v: %v\n%s", arguments, err, said.Bytes())
	}
	count, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// compareInstructions holds counts against those that are written down, or writes
// them with -update.
func compareInstructions(t *testing.T, got map[string]float64) {
	t.Helper()
	if *update {
		text, err := json.MarshalIndent(got, "", "  ")
		if err == nil {
			err = os.WriteFile(instructionsFile, append(text, '\n'), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(instructionsFile)
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]float64
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for name, count := range got {
		switch was := want[name]; {
		case was == 0:
			t.Errorf("%s is not in %s: write it with -update", name, instructionsFile)
		case count > was*instructionsMargin:
			t.Errorf("%s needs %.0f instructions a record, %.2f times the %.0f of before: find what made it slower, or accept it with -update",
				name, count, count/was, was)
		case count < was/instructionsMargin:
			t.Logf("%s needs %.0f instructions a record, no more the %.0f of before: write it down with -update", name, count, was)
		}
	}
}
