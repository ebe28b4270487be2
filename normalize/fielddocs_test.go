package normalize

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"tripline/detect"
)

// fieldSource says of the fields that a pattern matches where they come from and what
// they hold. A pattern is a name, or a prefix that ends with a dot.
type fieldSource struct{ pattern, source, what string }

// Where fields come from.
const (
	fromRecords = "records"
	fromProc    = "/proc"
	fromBoth    = "records, else /proc"
	fromHost    = "host facts"
	fixed       = "fixed"
)

// fieldSources has the first matching pattern count.
func fieldSources() []fieldSource {
	return []fieldSource{
		{"@timestamp", fromRecords, "the kernel's time of the event"},
		{"agent.id", fromHost, "this sensor"},
		{"agent.", fixed, "this program"},
		{"ecs.version", fixed, "the schema's version"},
		{"data_stream.", fixed, "where Elastic stores the document"},
		{"event.category", fromRecords, "what the event is about"},
		{"event.type", fromBoth, "what kind of thing happened; the socket's transport decides it for connects"},
		{"event.action", fromBoth, "what happened; the socket's transport decides it for connects"},
		{"event.outcome", fromRecords, "of the system call; `unknown` for a connect in progress and for io_uring"},
		{"event.sequence", fromRecords, "the audit sequence number"},
		{"event.", fixed, "the same in all events"},
		{"host.", fromHost, "the host that the records are from"},
		{"auditd.data.", fromRecords, "what has no better home, under the record's own key"},
		{"auditd.session", fromRecords, "the audit session of the login"},
		{"auditd.", fromRecords, "of the audit event"},
		{"process.entity_id", fromProc + ", else inferred", "one process from fork to exit, see `tripline.identity`"},
		{"process.pid", fromBoth, "the process, also where old kernels record the thread"},
		{"process.thread.id", fromRecords, "the thread, where it is not the process's first"},
		{"process.executable", fromBoth, "the path in the host's view"},
		{"process.name", fromBoth, "the last part of it"},
		{"process.args", "EXECVE, PROCTITLE, else /proc", "arguments; /proc where the title is missing or cut off, if the same program still runs"},
		{"process.args_count", "as process.args", ""},
		{"process.command_line", "as process.args", "arguments with spaces between them"},
		{"process.start", fromProc, "when the process started"},
		{"process.working_directory", fromRecords, "the CWD record"},
		{"process.exit_code", fromRecords, "what it gave to exit"},
		{"process.tty.", fromRecords, "device of the controlling terminal; its name is `auditd.data.tty`"},
		{"process.parent.pid", fromRecords, "the parent"},
		{"process.parent.", fromProc, "of that parent; absent where it had ended"},
		{"process.session_leader.", fromProc, "the leader of the session"},
		{"process.group_leader.", fromProc, "the leader of the process group"},
		{"process.entry_leader.entry_meta.type", fromProc, "how that began: `init` (a service), `sshd`, `console`, `container`, `ssm`"},
		{"process.entry_leader.", fromProc, "the session with which the process's doings began"},
		{"process.real_", "records, names from /etc", "real user and group"},
		{"process.saved_", "records, names from /etc", "saved user and group"},
		{"process.user.", "records, names from /etc", "effective user"},
		{"process.group.", "records, names from /etc", "effective group"},
		{"user.effective.", "records, names from /etc", "the effective user again"},
		{"user.real.", "records, names from /etc", "real user and group; not ECS"},
		{"user.saved.", "records, names from /etc", "saved user and group; not ECS"},
		{"user.filesystem.", "records, names from /etc", "user and group for access to files; not ECS"},
		{"user.audit.", "records, names from /etc", "who logged in (auid); not ECS"},
		{"user.", "records, names from /etc", "the effective user and group"},
		{"file.", fromRecords, "the PATH records"},
		{"destination.", fromRecords, "the SOCKADDR record"},
		{"source.", fromProc, "the socket's own end, where it could be found, see below; live only"},
		{"network.transport", fromBoth, "the socket's transport"},
		{"network.", fromRecords, "of the address"},
		{"container.", fromProc, "what the control group's path says"},
		{"tripline.cgroup", fromProc, "path of the control group"},
		{"tripline.systemd.", fromProc, "the systemd unit, and the one of a user's own systemd inside it"},
		{"tripline.identity", fromProc, "`verified`, or `inferred` where the process could not be asked"},
		{"tripline.process.observed", fromProc, "when what comes from /proc was read"},
		{"tripline.process.missing", fromProc, "what could not be read, and why"},
		{"tripline.process.ancestors.", fromProc, "the parents up to init, nearest first; in JSON a list of objects that also have args, start, group, session and tty"},
		{"tripline.", fromBoth, "what Tripline found out"},
	}
}

func sourceOf(name string) (fieldSource, bool) {
	all := fieldSources()
	at := slices.IndexFunc(all, func(one fieldSource) bool {
		return one.pattern == name || (strings.HasSuffix(one.pattern, ".") || strings.HasSuffix(one.pattern, "_")) && strings.HasPrefix(name, one.pattern)
	})
	if at < 0 {
		return fieldSource{}, false
	}
	return all[at], true
}

const eventsPage = "../docs/events.md"

// TestEventsPage keeps the table of docs/events.md true.
func TestEventsPage(t *testing.T) {
	var table strings.Builder
	table.WriteString("| field | type | from | what |\n|---|---|---|---|\n")
	used := make(map[string]bool)
	for i := range registry {
		one := &registry[i]
		source, ok := sourceOf(one.name)
		if !ok {
			t.Errorf("nothing says where %s comes from", one.name)
		}
		used[source.pattern] = true
		if one.pair {
			continue
		}
		typ := map[detect.Type]string{detect.TypeString: "text", detect.TypeInt: "integer", detect.TypeFloat: "number", detect.TypeBool: "boolean", detect.TypeDate: "date"}[one.typ]
		if one.array {
			typ += ", list"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", one.name, typ, source.source, source.what)
	}
	for _, one := range fieldSources() {
		if !used[one.pattern] {
			t.Errorf("no field matches %s", one.pattern)
		}
	}
	page := string(readFile(t, eventsPage))
	const mark = "<!-- the table below is written by go test ./normalize -run TestEventsPage -update -->\n"
	before, _, found := strings.Cut(page, mark)
	if !found {
		t.Fatalf("%s has no line %q", eventsPage, mark)
	}
	want := before + mark + "\n" + table.String()
	if *update {
		if err := os.WriteFile(eventsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if page != want {
		t.Errorf("%s is not what the registry says; run with -update", eventsPage)
	}
}
