package alertview

import (
	"cmp"
	"slices"
	"strings"
)

// evidenceTitles name the parts of the evidence, in the order in which they are
// shown. Parts that are not known here come after them.
func evidenceTitles() []Fact {
	return []Fact{
		{"executable", "Executable"},
		{"prevalence", "Has it connected before?"},
		{"sockets", "Open sockets of the process"},
		{"sessions", "Who was logged in"},
		{"listeners", "What listens on this host"},
		{"container", "Control group and container"},
	}
}

// sections are the parts of the evidence but for the process tree.
func sections(evidence fields) []Section {
	titles := evidenceTitles()
	known := []string{"process_tree", "hints"}
	for _, one := range titles {
		known = append(known, one.Name)
	}
	for _, name := range evidence.names() {
		if evidence.object(name) != nil && !slices.Contains(known, name) {
			titles = append(titles, Fact{name, words(name)})
		}
	}
	var all []Section
	for _, title := range titles {
		if part := evidence.object(title.Name); part != nil {
			all = append(all, section(title.Value, part))
		}
	}
	return all
}

// section shows any object: scalars as facts, arrays of objects as tables.
func section(title string, part fields) Section {
	s := Section{Title: title, Read: readable(part.get("read")), Notes: part.texts("failed")}
	s.add("", part)
	slices.SortStableFunc(s.Facts, func(a, b Fact) int { return cmp.Compare(factRank(a.Name), factRank(b.Name)) })
	if len(s.Grids) == 1 {
		s.Grids[0].Title = "" // the section's says it
	}
	return s
}

// factRank puts first what a person looks for first.
func factRank(name string) int {
	order := []string{
		"path", "deleted", "memfd", "package", "package state", "package name", "package version", "sha256", "size", "owner", "group id",
		"mode", "mtime", "ctime", "first connection", "file changed", "days after install", "id", "runtime", "unit", "cgroups",
	}
	if at := slices.Index(order, name); at >= 0 {
		return at
	}
	return len(order)
}

func (s *Section) add(prefix string, part fields) {
	for _, name := range part.names() {
		if prefix == "" && (name == "read" || name == "failed") {
			continue
		}
		label := strings.TrimSpace(prefix + " " + words(name))
		if name == "more" {
			label = "not listed"
		}
		if inner := part.object(name); inner != nil {
			if isNamed(inner) {
				s.Facts = append(s.Facts, Fact{label, named(inner)})
			} else {
				s.add(label, inner)
			}
			continue
		}
		if rows := part.objects(name); len(rows) > 0 {
			s.Grids = append(s.Grids, grid(label, rows))
			continue
		}
		var values []string
		for _, one := range append(part.list(name), part.get(name)) {
			if text := readable(one); text != "" {
				values = append(values, text)
			}
		}
		if len(values) > 0 {
			s.Facts = append(s.Facts, Fact{label, strings.Join(values, ", ")})
		}
	}
}

// isNamed says that an object is somebody or something with an id and a name.
func isNamed(object fields) bool {
	for name := range object {
		if name != "id" && name != "name" {
			return false
		}
	}
	return len(object) > 0
}

// grid is a table of objects, with a column for every key that one of them has.
func grid(title string, rows []fields) Grid {
	g := Grid{Title: title}
	shown := make([]fields, len(rows))
	for i, row := range rows {
		shown[i] = joinEndpoints(row)
		for _, name := range shown[i].names() {
			if !slices.Contains(g.Columns, name) {
				g.Columns = append(g.Columns, name)
			}
		}
	}
	slices.SortStableFunc(g.Columns, func(a, b string) int { return cmp.Compare(columnRank(a), columnRank(b)) })
	for _, row := range shown {
		cells := make([]string, len(g.Columns))
		for i, name := range g.Columns {
			cells[i] = readable(row.get(name))
			if inner := row.object(name); inner != nil {
				cells[i] = named(inner)
			} else if list := row.list(name); list != nil {
				cells[i] = strings.Join(row.texts(name), ", ")
			}
		}
		g.Rows = append(g.Rows, cells)
	}
	for i, name := range g.Columns {
		g.Columns[i] = words(name)
	}
	return g
}

// columnRank puts columns into the order in which they are read.
func columnRank(name string) int {
	order := []string{
		"protocol", "local", "peer", "state", "path", "fd", "id", "user", "login", "terminal", "from", "since", "pid", "name", "executable",
		"command_line",
	}
	if at := slices.Index(order, name); at >= 0 {
		return at
	}
	return len(order)
}

// joinEndpoints puts the address and port of a socket into one cell each.
func joinEndpoints(row fields) fields {
	joined := make(fields, len(row))
	for name, value := range row {
		switch name {
		case "local_ip", "local_port", "peer_ip", "peer_port":
		default:
			joined[name] = value
		}
	}
	for _, end := range []string{"local", "peer"} {
		if text := endpoint(row.text(end+"_ip"), row.text(end+"_port")); text != "" {
			joined[end] = text
		}
	}
	return joined
}

// hints are what the evidence shows at a glance.
func hints(evidence fields) []string {
	var all []string
	for _, one := range evidence.objects("hints") {
		if text := one.text("text"); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// lineage is the line of processes, the first one first. Without evidence it is
// what the events say: the process and its parent.
func lineage(all, evidence fields) (line []Ancestor, notes []string) {
	tree := evidence.objects("process_tree", "processes")
	for _, one := range slices.Backward(tree) {
		line = append(line, ancestorOf(one))
	}
	if line != nil {
		line[len(line)-1].Subject = true
		return line, evidence.texts("process_tree", "failed")
	}
	process := all.object("process")
	if parent := process.object("parent"); parent != nil {
		line = append(line, ancestorOf(parent))
	}
	if process != nil {
		subject := ancestorOf(process)
		subject.Subject, subject.User = true, named(all.object("user"))
		line = append(line, subject)
	}
	return line, evidence.texts("process_tree", "failed")
}

func ancestorOf(process fields) Ancestor {
	a := Ancestor{
		PID: process.text("pid"), Name: process.text("name"), Executable: process.text("executable"),
		CommandLine: process.text("command_line"), User: named(process.object("user")), Start: strings.Replace(readable(process.get("start")), ".000 UTC", " UTC", 1),
	}
	note := func(prefix, text string) {
		if text != "" {
			a.Notes = append(a.Notes, prefix+text)
		}
	}
	note("logged in as ", named(process.object("login")))
	note("audit session ", process.text("audit_session"))
	note("in ", process.text("working_directory"))
	if process.text("kernel_thread") == "yes" {
		note("", "kernel thread")
	}
	if process.text("source") == "event" {
		note("", "as the events say: it was gone")
	}
	return a
}

// Title names the process: what it executes, and its pid.
func (a Ancestor) Title() string {
	title := cmp.Or(a.Executable, a.Name, "?")
	if a.PID != "" {
		title += " [" + a.PID + "]"
	}
	return title
}
