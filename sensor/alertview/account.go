package alertview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Account is what an alert tells a person, in the order in which it is told.
// Its texts are on one line and print, but for Description, FalsePositives and
// Guide, which are Markdown as the rule has it: whoever shows these escapes them.
type Account struct {
	ID, Rule, RuleID, RuleVersion, Severity, Risk, Description string
	// Time is the alert's, that of the last event.
	Time time.Time
	Host string
	// HostFacts describe the host.
	HostFacts []Fact
	// Test says that a self-test raised the alert.
	Test bool
	// Warnings say why the alert may not be the whole truth, Hints what the
	// evidence shows. They are no verdicts.
	Warnings, Hints []string
	Steps           []Step
	Process, Who    []Fact
	// Lineage are the processes from the first one down to that of the alert.
	Lineage []Ancestor
	// LineageNotes say what could not be read of them.
	LineageNotes []string
	// Evidence are its other parts.
	Evidence       []Section
	Tactics        []Tactic
	References     []string
	FalsePositives []string
	// Guide is the investigation guide, in Markdown.
	Guide string
}

// Fact is one thing that is known.
type Fact struct{ Name, Value string }

// Step is one matched event.
type Step struct {
	Time time.Time
	// After is the time since the first event.
	After time.Duration
	What  string
	// Details say more, one each.
	Details []string
	// Absent says that the rule demanded that there is no such event.
	Absent bool
	first  bool
}

// Ancestor is a process in the line of parents.
type Ancestor struct {
	PID, Name, Executable, CommandLine, User, Start string
	// Notes say what else is known of it.
	Notes []string
	// Subject says that the alert is about this one.
	Subject bool
}

// Section is a part of the evidence.
type Section struct {
	Title string
	// Read says when it was read, empty where that is not known.
	Read  string
	Facts []Fact
	Grids []Grid
	// Notes say what could not be read, and why.
	Notes []string
}

// Grid is a table.
type Grid struct {
	Title   string
	Columns []string
	Rows    [][]string
}

// Tactic is a tactic of MITRE ATT&CK with its techniques.
type Tactic struct {
	ID, Name, Reference string
	Techniques          []Technique
}

// Technique is a technique or, below one, a subtechnique.
type Technique struct {
	ID, Name, Reference string
	Sub                 bool
}

// NewAccount reads an alert document.
func NewAccount(document []byte) (*Account, error) {
	all, err := parseFields(document)
	if err != nil {
		return nil, err
	}
	rule := all.object("kibana", "alert", "rule")
	a := &Account{
		ID: all.text("tripline", "alert", "id"), Rule: cmp.Or(all.text("rule", "name"), rule.text("name")),
		RuleID: cmp.Or(all.text("rule", "id"), rule.text("rule_id")), RuleVersion: cmp.Or(rule.text("version"), all.text("rule", "version")),
		Severity: all.text("kibana", "alert", "severity"), Risk: all.text("kibana", "alert", "risk_score"),
		Description: cmp.Or(all.prose("rule", "description"), rule.prose("description")),
		Time:        all.time("@timestamp"), Host: cmp.Or(all.text("host", "hostname"), all.text("host", "name")),
		Test:       all.text("tripline", "alert", "test") == "yes",
		References: rule.texts("references"),
		Guide:      cmp.Or(all.prose("tripline", "alert", "guide"), rule.prose("note")),
	}
	for _, one := range rule.list("false_positives") {
		if text, ok := one.(string); ok {
			a.FalsePositives = append(a.FalsePositives, text)
		}
	}
	events := all.list("tripline", "alert", "sequence")
	a.HostFacts = hostFacts(all)
	a.Steps = steps(events)
	a.Process = processFacts(all)
	evidence := all.object("tripline", "alert", "evidence")
	a.Who = whoFacts(all, events, evidence)
	a.Lineage, a.LineageNotes = lineage(all, evidence)
	a.Evidence = sections(evidence)
	if summary := all.object("tripline", "alert", "summary"); summary != nil {
		a.Evidence = slices.Insert(a.Evidence, 0, section(all.text("message"), summary))
	}
	a.Hints = hints(evidence)
	a.Warnings = warnings(all, events, evidence)
	a.Tactics = tactics(all, rule)
	return a, nil
}

// facts leaves out those without a value.
func facts(all ...Fact) []Fact {
	return slices.DeleteFunc(all, func(f Fact) bool { return f.Value == "" })
}

func hostFacts(all fields) []Fact {
	return facts(
		Fact{"name", cmp.Or(all.text("host", "hostname"), all.text("host", "name"))},
		Fact{"system", cmp.Or(all.text("host", "os", "full"), all.text("host", "os", "name"))},
		Fact{"kernel", strings.TrimSpace(all.text("host", "os", "kernel") + " " + all.text("host", "architecture"))},
		Fact{"host id", all.text("host", "id")},
		Fact{"boot id", all.text("host", "boot", "id")},
		Fact{"sensor", strings.TrimSpace(all.text("agent", "type") + " " + all.text("agent", "version"))},
	)
}

// steps tells the matched events.
func steps(events []any) []Step {
	var all []Step
	var start time.Time
	for _, event := range events {
		one, ok := event.(map[string]any)
		if !ok {
			all = append(all, Step{What: "no such event, as the rule demands", Absent: true})
			continue
		}
		step := stepOf(one)
		if start.IsZero() {
			start, step.first = step.Time, true
		}
		step.After = step.Time.Sub(start)
		all = append(all, step)
	}
	return all
}

func stepOf(event fields) Step {
	step := Step{Time: event.time("@timestamp")}
	switch action := event.text("event", "action"); action {
	case "connection_attempted":
		step.What = "attempted a connection"
	case "socket_connected":
		step.What = "connected a socket"
	case "session_id_change":
		step.What = "started a new session (setsid)"
	default:
		step.What = words(action)
	}
	if to := endpoint(event.text("destination", "address"), event.text("destination", "port")); to != "" {
		step.What += " to " + to
		if how := cmp.Or(event.text("network", "transport"), event.text("network", "type")); how != "" {
			step.What += " (" + how + ")"
		}
	}
	detail := func(name, value string) {
		if value != "" {
			step.Details = append(step.Details, name+" "+value)
		}
	}
	process := cmp.Or(event.text("process", "executable"), event.text("process", "name"))
	detail("by", strings.TrimSpace(process+" [pid "+event.text("process", "pid")+"]"))
	detail("command", event.text("process", "command_line"))
	call := event.text("auditd", "data", "syscall")
	if exit := event.text("auditd", "data", "exit"); exit != "" && call != "" {
		call += " returned " + exit
	}
	if sequence := event.text("auditd", "sequence"); sequence != "" {
		call = strings.TrimSpace(call + ", audit event " + sequence)
	}
	detail("record:", strings.TrimPrefix(call, ", "))
	return step
}

func processFacts(all fields) []Fact {
	process := all.object("process")
	parent := strings.TrimSpace(cmp.Or(process.text("parent", "executable"), process.text("parent", "name")))
	if pid := process.text("parent", "pid"); pid != "" {
		parent = strings.TrimSpace(parent + " [pid " + pid + "]")
	}
	identity := process.text("entity_id")
	if all.text("tripline", "identity") == "inferred" {
		identity += " (inferred)"
	}
	return facts(
		Fact{"executable", process.text("executable")}, Fact{"name", process.text("name")}, Fact{"pid", process.text("pid")},
		Fact{"command", process.text("command_line")}, Fact{"directory", process.text("working_directory")},
		Fact{"started", readable(process.get("start"))}, Fact{"parent", parent}, Fact{"entity id", identity},
	)
}

// whoFacts says who did it and from where.
func whoFacts(all fields, events []any, evidence fields) []Fact {
	user := all.object("user")
	who := []Fact{{"user", named(user)}}
	if login := named(user.object("audit")); login != "" {
		who = append(who, Fact{"logged in as", login})
	}
	if own := user.object("real"); own.text("id") != user.text("id") {
		who = append(who, Fact{"real user", named(own)})
	}
	terminal, session := "", ""
	for _, event := range events {
		if one, ok := event.(map[string]any); ok {
			terminal = cmp.Or(terminal, fields(one).text("auditd", "data", "tty"), fields(one).text("process", "tty"))
			session = cmp.Or(session, fields(one).text("auditd", "session"))
		}
	}
	who = append(who, Fact{"audit session", session}, Fact{"terminal", strings.Trim(terminal, "()")})
	if evidence.object("sessions").text("no_utmp") == "yes" {
		who = append(who, Fact{"logins", "not listed: this host has no utmp"})
	}
	for _, login := range evidence.objects("sessions", "logins") {
		if terminal != "" && strings.ReplaceAll(login.text("terminal"), "/", "") == strings.ReplaceAll(terminal, "/", "") {
			who = append(who, Fact{"from", login.text("from")})
		}
	}
	return facts(who...)
}

// warnings say what keeps the alert from being the whole truth.
func warnings(all fields, events []any, evidence fields) []string {
	var found []string
	alert := all.object("tripline", "alert")
	if alert.text("test") == "yes" {
		found = append(found, "This alert was raised by a self-test of the sensor.")
	}
	if alert.text("incomplete") == "yes" {
		found = append(found, "Records were lost while this happened: other events may be missing.")
	}
	for _, event := range events {
		if one, ok := event.(map[string]any); ok && fields(one).text("tripline", "identity") == "inferred" {
			found = append(found, "Which process it was is inferred from the records: /proc was not there to ask.")
			break
		}
	}
	if masked(events) {
		found = append(found, "The executable is not the file that the host has under this path: its name is borrowed.")
	}
	switch evidence.text("process_state") {
	case "ended":
		found = append(found, "The process had ended when the evidence was gathered.")
	case "unknown":
		found = append(found, "The evidence could not be gathered for a process: the alert names none.")
	}
	if evidence != nil && evidence.text("incomplete") == "yes" {
		found = append(found, "The evidence is not complete; its parts say what is missing.")
	}
	return found
}

// masked says that an event has borrowed the name of another program.
func masked(events []any) bool {
	return slices.ContainsFunc(events, func(event any) bool {
		one, ok := event.(map[string]any)
		return ok && fields(one).text("tripline", "masquerade") == "yes"
	})
}

// tactics reads the mapping to MITRE ATT&CK as the rule has it.
func tactics(all, rule fields) []Tactic {
	var found []Tactic
	for _, threat := range rule.objects("threat") {
		tactic := Tactic{ID: threat.text("tactic", "id"), Name: threat.text("tactic", "name"), Reference: threat.text("tactic", "reference")}
		for _, one := range threat.objects("technique") {
			tactic.Techniques = append(tactic.Techniques, technique(one, false))
			for _, sub := range one.objects("subtechnique") {
				tactic.Techniques = append(tactic.Techniques, technique(sub, true))
			}
		}
		found = append(found, tactic)
	}
	if found != nil {
		return found
	}
	names := all.texts("threat", "tactic", "name")
	for i, id := range all.texts("threat", "tactic", "id") {
		tactic := Tactic{ID: id}
		if i < len(names) {
			tactic.Name = names[i]
		}
		found = append(found, tactic)
	}
	return found
}

func technique(one fields, sub bool) Technique {
	return Technique{ID: one.text("id"), Name: one.text("name"), Reference: one.text("reference"), Sub: sub}
}

// Offset is the time since the first event, "+1.100 s"; empty for the first one.
func (s Step) Offset() string {
	if s.first || s.Absent {
		return ""
	}
	return fmt.Sprintf("%+.3f s", s.After.Seconds())
}

// Subject names the process of the alert, and where it is known its pid.
func (a *Account) Subject() string {
	if len(a.Lineage) == 0 {
		return ""
	}
	return a.Lineage[len(a.Lineage)-1].Title()
}
