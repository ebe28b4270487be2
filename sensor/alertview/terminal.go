package alertview

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tripline/internal/termtext"
	"tripline/sensor/alert"
)

// Terminal tells an alert to a person at a terminal, in lines of at most so many
// columns where words allow it. No text of the alert can act on the terminal.
func (a *Account) Terminal(columns int) []byte {
	t := &terminal{columns: min(max(columns, MinWidth), MaxWidth)}
	mark := ""
	if a.Test {
		mark = "TEST  "
	}
	t.paragraph("", fmt.Sprintf("%s%s, risk %s: %s", mark, strings.ToUpper(a.Severity), cmp.Or(a.Risk, "?"), a.Rule))
	where := ""
	if a.Host != "" {
		where = " on " + a.Host
	}
	t.paragraph("", a.Time.Format(timeFormat)+" UTC"+where)
	t.paragraph("", "alert "+a.ID)
	for _, one := range a.Warnings {
		t.paragraph("! ", one)
	}
	t.steps(a.Steps)
	t.facts("Who", a.Who)
	t.facts("Process", a.Process)
	t.lineage(a.Lineage, a.LineageNotes)
	if len(a.Hints) > 0 {
		t.heading("What the evidence shows")
		for _, one := range a.Hints {
			t.paragraph("  - ", one)
		}
	}
	for _, one := range a.Evidence {
		t.section(one)
	}
	t.facts("Host", a.HostFacts)
	t.tactics(a.Tactics)
	t.rule(a)
	if a.Guide != "" {
		t.heading("Guide")
		t.markdown(a.Guide)
	}
	return []byte(t.b.String())
}

// terminal collects lines.
type terminal struct {
	b       strings.Builder
	columns int
}

// paragraph writes a text behind a prefix, wrapped below its beginning. The text
// is escaped, the prefix is not.
func (t *terminal) paragraph(prefix, text string) {
	t.safe(prefix, alert.Escape(text))
}

// safe is paragraph for a text that is escaped already.
func (t *terminal) safe(prefix, text string) {
	for i, line := range termtext.Wrap(text, t.columns-termtext.Width(prefix)) {
		if i > 0 {
			prefix = strings.Repeat(" ", termtext.Width(prefix))
		}
		t.b.WriteString(strings.TrimRight(prefix+line, " "))
		t.b.WriteByte('\n')
	}
}

func (t *terminal) heading(text string) {
	t.b.WriteByte('\n')
	t.paragraph("", strings.ToUpper(text))
}

func (t *terminal) steps(steps []Step) {
	if len(steps) == 0 {
		return
	}
	t.heading("What happened")
	const timeWidth, offsetWidth = 12, 10
	for _, step := range steps {
		at := ""
		if !step.Absent {
			at = step.Time.Format("15:04:05.000")
		}
		t.paragraph("  "+termtext.Pad(at, timeWidth)+"  "+termtext.Pad(step.Offset(), offsetWidth), step.What)
		for _, detail := range step.Details {
			t.paragraph(strings.Repeat(" ", 2+timeWidth+2+offsetWidth+2), detail)
		}
	}
}

func (t *terminal) facts(title string, facts []Fact) {
	if len(facts) == 0 {
		return
	}
	t.heading(title)
	t.factLines(facts)
}

func (t *terminal) factLines(facts []Fact) {
	const longest = 24
	names := 0
	for _, one := range facts {
		names = max(names, min(termtext.Width(alert.Escape(one.Name)), longest))
	}
	for _, one := range facts {
		t.paragraph("  "+termtext.Pad(termtext.Cut(alert.Escape(one.Name), longest), names)+"  ", one.Value)
	}
}

// maxIndent is how many columns the tree of processes may be indented.
const maxIndent = 24

func (t *terminal) lineage(line []Ancestor, notes []string) {
	if len(line) == 0 {
		return
	}
	t.heading("Process tree")
	for i, one := range line {
		indent, branch := "", ""
		if i > 0 {
			indent = strings.Repeat(" ", min(3*(i-1), maxIndent))
			branch = "└─ "
		}
		if one.Subject { // a mark that no process's name can put there
			branch = strings.Replace(branch, "─ ", "─▶ ", 1)
		}
		t.paragraph("  "+indent+branch, one.Title())
		below := "  " + indent + strings.Repeat(" ", termtext.Width(branch)) + "  "
		if one.CommandLine != "" {
			t.paragraph(below, one.CommandLine)
		}
		about := one.Notes
		if one.Start != "" {
			about = append([]string{"started " + one.Start}, about...)
		}
		if one.User != "" {
			about = append([]string{"user " + one.User}, about...)
		}
		if len(about) > 0 {
			t.paragraph(below, strings.Join(about, ", "))
		}
	}
	t.notes(notes)
}

func (t *terminal) notes(notes []string) {
	for _, one := range notes {
		t.paragraph("  ! ", one)
	}
}

func (t *terminal) section(s Section) {
	t.heading(s.Title)
	t.factLines(s.Facts)
	for _, one := range s.Grids {
		t.grid(one)
	}
	if len(s.Facts)+len(s.Grids)+len(s.Notes) == 0 {
		t.paragraph("  ", "none")
	}
	t.notes(s.Notes)
}

// grid writes a table. Columns for which there is no room, the widest first, are
// written below each row.
func (t *terminal) grid(g Grid) {
	const indent = 2
	if g.Title != "" {
		t.paragraph("  ", g.Title+":")
	}
	var beside, below []*column
	total := indent - columnGap
	for i, name := range g.Columns {
		one := &column{title: strings.ToUpper(alert.Escape(name))}
		for _, row := range g.Rows {
			one.cells = append(one.cells, alert.Escape(row[i]))
		}
		beside = append(beside, one)
		total += one.width() + columnGap
	}
	for total > t.columns && len(beside) > 1 {
		widest := 0
		for i, one := range beside {
			if one.width() > beside[widest].width() {
				widest = i
			}
		}
		total -= beside[widest].width() + columnGap
		below = append(below, beside[widest])
		beside = slices.Delete(beside, widest, widest+1)
	}
	lines := strings.SplitAfter(string(layOut(beside, t.columns-indent)), "\n")
	t.b.WriteString(strings.Repeat(" ", indent) + lines[0])
	for i := range g.Rows {
		t.b.WriteString(strings.Repeat(" ", indent) + lines[i+1])
		for _, one := range below {
			if one.cells[i] != "" {
				t.safe(strings.Repeat(" ", 2*indent), strings.ToLower(one.title)+": "+one.cells[i])
			}
		}
	}
}

func (t *terminal) tactics(tactics []Tactic) {
	if len(tactics) == 0 {
		return
	}
	t.heading("MITRE ATT&CK")
	for _, tactic := range tactics {
		t.paragraph("  ", tactic.ID+"  "+tactic.Name)
		for _, one := range tactic.Techniques {
			indent := "    "
			if one.Sub {
				indent = "      "
			}
			t.paragraph(indent, one.ID+"  "+one.Name)
		}
	}
}

func (t *terminal) rule(a *Account) {
	t.heading("Rule")
	t.factLines(facts(Fact{"name", a.Rule}, Fact{"rule id", a.RuleID}, Fact{"version", a.RuleVersion}))
	for _, one := range blocksOf(a.Description) {
		t.paragraph("  ", plain(one.text))
	}
	for _, one := range a.References {
		t.paragraph("  - ", one)
	}
	for _, one := range a.FalsePositives {
		for i, part := range blocksOf(one) {
			prefix := "  Known not to be malicious: "
			if i > 0 {
				prefix = "  "
			}
			t.paragraph(prefix, plain(part.text))
		}
	}
}
