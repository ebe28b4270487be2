package normalize

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// encodedAlike reads a log as a replay does and holds what an Encoder writes, which
// remembers what it wrote before, against Event.AppendJSON.
func encodedAlike(t testing.TB, encoder *Encoder, log []byte) (events int) {
	t.Helper()
	c := NewCorrelator(Options{Ordered: true, Emit: func(event *Event) {
		events++
		got, want := encoder.Append([]byte("before"), event), event.AppendJSON([]byte("before"), encoder.host)
		if !bytes.Equal(got, want) {
			t.Errorf("an Encoder gives %s\nand not %s", got, want)
		}
	}})
	var block LogBlock
	c.NewLogParser(1<<20).Parse(&block, log)
	c.AddBlock(&block, func(*BadLine) {})
	c.Flush()
	return events
}

func TestEncoderRemembers(t *testing.T) {
	files, err := filepath.Glob("testdata/golden/*.log")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, host := range []*HostFacts{nil, {Hostname: "web", OS: OSFacts{Type: "linux"}, AgentID: "agent"}} {
		encoder := NewEncoder(host)
		for _, file := range append(files, files...) {
			if encodedAlike(t, encoder, readFile(t, file)) == 0 {
				t.Errorf("%s has no events", file)
			}
		}
	}
}

// variedCalls are events of a process that differ in all that a document shows, one by one.
func variedCalls() string {
	var log strings.Builder
	sequence := 100
	for _, changed := range []struct{ from, to string }{
		{"", ""},
		{"syscall=42", "syscall=257"},
		{"syscall=42", "syscall=7777"},
		{"arch=c000003e", "arch=40000003"},
		{"arch=c000003e", "arch=1234"},
		{"success=no", "success=yes"},
		{"exit=-115", "exit=0"},
		{"exit=-115", "exit=-111"},
		{"exit=-115", "exit=-0"},
		{"a0=3", "a0=ffffffffffffffff"},
		{"a2=10", "a2=0010"},
		{"items=0", "items=2"},
		{"ppid=10", "ppid=11"},
		{"pid=20", "pid=21"},
		{"auid=1000", "auid=4294967295"},
		{" uid=0", " uid=5"},
		{"euid=0", "euid=6"},
		{"fsgid=0", "fsgid=4294967295"},
		{"tty=pts1", "tty=(none)"},
		{"tty=pts1", "tty=a\x01"},
		{"ses=2", "ses=4294967295"},
		{`"agent"`, `"a\gent"`},
		{`"agent"`, `"(null)"`},
		{`"agent"`, "6120622063"},
		{`"/bin/agent"`, "2F62696E2F6120FF"},
		{`"/bin/agent"`, "2F62696E2F6120FF20"},
		{"/bin/agent", "/bin/a (deleted)"},
		{"/bin/agent", "/memfd:a (deleted)"},
		{"/bin/agent", "/bin/\xff"},
		{"subj=a:b", "subj=a:\xffb"},
		{" subj=a:b", ""},
		{`key="k"`, "key=6B0161"},
		{"\x1dAUID=\"anna\"", ""},
		{`AUID="anna"`, `AUID="bob"`},
		{`EUID="root"`, `EUID="unset"`},
		{"2F62696E2F6167656E74002D76", "2F62696E2F6167656E74"},
		{"2F62696E2F6167656E74002D76", `"agent"`},
		{"2F62696E2F6167656E74002D76", ""},
		{"2F62696E2F6167656E74002D76", strings.Repeat("61", 128)},
		{"020001BB7F0000010000000000000000", "010000616263"},
		{`cwd="/root"`, "cwd=2F61FF"},
		{"type=PATH", "type=EXECVE"},
		{"type=PATH", "type=AVC"},
		{"type=PATH", "type=OBJ_PID"},
		{"type=PATH", "type=URINGOP"},
		{"type=PATH", "type=CWD"},
		{"type=PATH", "type=PROCTITLE"},
		{"type=PATH", "type=SYSCALL"},
		{"type=CWD", "type=PATH"},
		{"type=SYSCALL", "type=USER_CMD"},
		{"type=SYSCALL", "node=web type=SYSCALL"},
		{"type=SYSCALL", "node=" + strings.Repeat("w", 300) + " type=SYSCALL"},
		{"/bin/agent", "/" + strings.Repeat("long", 1000)},
	} {
		for range 2 {
			sequence++
			header := fmt.Sprintf("msg=audit(1700000000.%03d:%d):", sequence, sequence)
			event := strings.ReplaceAll(`type=SYSCALL HEADER arch=c000003e syscall=42 success=no exit=-115 a0=3 a1=7f a2=10 a3=0 items=0 ppid=10 pid=20 auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts1 ses=2 comm="agent" exe="/bin/agent" subj=a:b key="k"`+"\x1d"+`AUID="anna" EUID="root"
type=SOCKADDR HEADER saddr=020001BB7F0000010000000000000000
type=CWD HEADER cwd="/root"
type=PATH HEADER item=0 name="a0=x" a0="y" nametype=NORMAL
type=PROCTITLE HEADER proctitle=2F62696E2F6167656E74002D76
`, "HEADER", header)
			log.WriteString(strings.ReplaceAll(event, changed.from, changed.to))
		}
	}
	return log.String()
}

func TestEncoderTellsCallsApart(t *testing.T) {
	log := []byte(variedCalls())
	encoder := NewEncoder(nil)
	for range 2 {
		if events := encodedAlike(t, encoder, log); events < 80 {
			t.Errorf("only %d events", events)
		}
	}
}

// TestNamedNothing has a process that chose a name for itself which the kernel writes
// where there is none.
func TestNamedNothing(t *testing.T) {
	log := []byte(strings.ReplaceAll(variedCalls(), `comm="agent"`, `comm="(null)"`))
	encoder, shown := NewEncoder(nil), 0
	c := NewCorrelator(Options{Ordered: true, Emit: func(event *Event) {
		shown += bytes.Count(encoder.Append(nil, event), []byte(`"comm":"(null)"`))
	}})
	var block LogBlock
	c.NewLogParser(1<<20).Parse(&block, log)
	c.AddBlock(&block, func(*BadLine) {})
	c.Flush()
	if shown < 80 {
		t.Errorf("the name is in %d events", shown)
	}
}

// FuzzEncoder has an Encoder write a log's events twice.
func FuzzEncoder(f *testing.F) {
	for event := range strings.SplitSeq(variedCalls(), "\ntype=SYSCALL") {
		f.Add([]byte("type=SYSCALL" + event))
	}
	seeds(f, func(line []byte) { f.Add(line) })
	f.Fuzz(func(t *testing.T, log []byte) {
		encoder := NewEncoder(nil)
		for range 2 {
			encodedAlike(t, encoder, log)
		}
	})
}

func TestTextMemory(t *testing.T) {
	memory := newTextMemory()
	made := 0
	for round := range 3 {
		for i := range 100 {
			first, second := fmt.Appendf(nil, "first %d", i), fmt.Appendf(nil, "second %d", i%7)
			long := 0
			if i == 50 {
				long = maxTextBytes
			}
			texts, known := memory.find(first, second[:i%9])
			if !known {
				made++
				for _, what := range []string{"one", ""} {
					texts.add(func(dst []byte) []byte { return fmt.Appendf(dst, "%s %s %d%*d", first, what, i, long, i) })
				}
				texts = memory.keep(texts)
			}
			if got, want := string(texts.text(0)), fmt.Sprintf("first %d one %d%*d", i, i, long, i); got != want {
				t.Errorf("round %d: %q, not %q", round, got, want)
			}
			if got := string(texts.text(1)); !strings.HasPrefix(got, fmt.Sprintf("first %d  %d", i, i)) {
				t.Errorf("round %d: %q", round, got)
			}
		}
	}
	if made < 102 || made > 150 { // the long one is made each time
		t.Errorf("texts were made %d times", made)
	}
	for i := range memory.sets {
		for _, place := range memory.sets[i].places {
			if len(place.memory) > maxTextBytes {
				t.Errorf("%d bytes are kept", len(place.memory))
			}
		}
	}
}

// TestMembers has each member of a document of a live event be where it is said to be.
func TestMembers(t *testing.T) {
	for name, family := range map[string]*Family{"relatives": exampleFamily(), "alone": nil} {
		t.Run(name, func(t *testing.T) {
			bare := NewEncoder(nil)
			own := NewEncoder(&HostFacts{Hostname: "web", OS: OSFacts{Type: "linux"}, AgentID: "agent"})
			events := 0
			c := NewCorrelator(Options{Resolver: &relatives{family: family}, Emit: func(event *Event) {
				events++
				for _, encoder := range []*Encoder{bare, own} {
					document, members := encoder.AppendMembers([]byte("before"), event)
					if want := encoder.Append([]byte("before"), event); !bytes.Equal(document, want) {
						t.Errorf("%s, not %s", document, want)
					}
					membersAre(t, document, len("before"), members)
				}
			}})
			connect := syscallLine("c000003e", 42, "yes", 0, "a0=3 a1=7f a2=10 a3=0")
			for _, line := range []string{connect, inet4Line, strings.NewReplacer("1.000:1", "1.000:2", "syscall=42", "syscall=112").Replace(connect)} {
				record, err := ParseLine([]byte(line))
				if err != nil {
					t.Fatal(err)
				}
				c.Add(record)
			}
			if c.Flush(); events != 2 {
				t.Errorf("%d events", events)
			}
		})
	}
}

// membersAre holds the places of a document's members, which begins at start, against
// what encoding/json reads.
func membersAre(t *testing.T, document []byte, start int, members []int) {
	t.Helper()
	var whole map[string]json.RawMessage
	if err := json.Unmarshal(document[start:], &whole); err != nil {
		t.Fatal(err)
	}
	if len(members) != len(whole) || len(members) < 5 || members[0] != start {
		t.Errorf("%d members, of which %d are found at %v, of %s", len(whole), len(members), members, document)
	}
	for i, at := range members {
		end := len(document) - 1
		if i+1 < len(members) {
			end = members[i+1]
		}
		var one map[string]json.RawMessage
		if err := json.Unmarshal([]byte("{"+string(document[at+1:end])+"}"), &one); err != nil || len(one) != 1 {
			t.Errorf("%v, %s", err, document[at:end])
		}
		for key, value := range one {
			if !bytes.Equal(value, whole[key]) {
				t.Errorf("%s is %s and not %s", key, value, whole[key])
			}
		}
	}
}

// TestMembersInLogs has those of an event of a log be right, or not known, as is said of
// most of them.
func TestMembersInLogs(t *testing.T) {
	encoder := NewEncoder(nil)
	known, unknown := 0, 0
	c := NewCorrelator(Options{Ordered: true, Emit: func(event *Event) {
		document, members := encoder.AppendMembers(nil, event)
		if len(members) == 0 {
			unknown++
			return
		}
		known++
		membersAre(t, document, 0, members)
	}})
	var block LogBlock
	c.NewLogParser(1<<20).Parse(&block, []byte(variedCalls()))
	c.AddBlock(&block, func(*BadLine) {})
	if c.Flush(); unknown < 10*known || known == 0 {
		t.Errorf("known of %d and unknown of %d", known, unknown)
	}
}
