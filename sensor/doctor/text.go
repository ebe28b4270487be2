package doctor

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"tripline/auditrules/kernel"
	"tripline/internal/termtext"
)

// The layout of a report as text, in columns of a terminal.
const (
	lineWidth  = 100
	textColumn = 29
)

// Text is the report for a person: one screen, at most 100 columns wide but for
// commands and rules, which are never broken.
func (r *Report) Text() string {
	out := strings.Builder{}
	out.WriteString(r.verdict() + "\n\n")
	for _, one := range r.joined() {
		one.write(&out)
	}
	out.WriteByte('\n')
	r.Kernel.write(&out)
	return out.String()
}

// joined are the checks, of which those that could not be made for the same reason
// stand as one, where the first of them is.
func (r *Report) joined() []Check {
	same := make(map[string][]string)
	for _, one := range r.Checks {
		if one.State == Unknown && one.Mend == "" {
			same[one.Text] = append(same[one.Text], one.Title)
		}
	}
	var checks []Check
	for _, one := range r.Checks {
		if titles := same[one.Text]; one.State == Unknown && one.Mend == "" && len(titles) > 1 {
			if one.Title != titles[0] {
				continue
			}
			one.Title = termtext.Plural(len(titles), "check", "checks")
			one.Text = strings.Join(titles, ", ") + ": " + one.Text
		}
		checks = append(checks, one)
	}
	return checks
}

// verdict is the report in one sentence.
func (r *Report) verdict() string {
	switch r.State {
	case Failed:
		return fmt.Sprintf("This host cannot be watched as it is: %s.", termtext.Plural(r.Count(Failed), "check fails", "checks fail"))
	case Warning:
		if unmade := r.Count(Unknown); unmade > 1 {
			return fmt.Sprintf("What could be seen is well but for %s; %s could not be made.",
				termtext.Plural(r.Count(Warning), "warning", "warnings"), termtext.Plural(unmade, "check", "checks"))
		}
		return fmt.Sprintf("This host can be watched, with %s.", termtext.Plural(r.Count(Warning), "warning", "warnings"))
	case Unknown:
		return fmt.Sprintf("What could be seen is well, but %s could not be made.", termtext.Plural(r.Count(Unknown), "check", "checks"))
	}
	return "This host can be watched, and all is well."
}

// write writes one check: a line, and below it what there is to say.
func (c Check) write(out *strings.Builder) {
	indent := strings.Repeat(" ", textColumn)
	for i, line := range wrap(c.Text, lineWidth-textColumn) {
		if i == 0 {
			fmt.Fprintf(out, "%-7s  %-18s  %s\n", c.State, c.Title, line)
			continue
		}
		out.WriteString(indent + line + "\n")
	}
	for _, detail := range c.Details {
		c.writeDetail(out, indent, detail)
	}
	if c.Mend != "" {
		out.WriteString(indent + "mend: " + c.Mend + "\n")
	}
}

// writeDetail writes one detail. Sentences are wrapped; rules, which a user copies,
// are not.
func (c Check) writeDetail(out *strings.Builder, indent, detail string) {
	lines := strings.Split(detail, "\n")
	if !strings.HasPrefix(detail, "-") && len(lines) == 1 {
		lines = wrap(detail, lineWidth-textColumn-2)
	}
	mark := "- "
	for _, line := range lines {
		out.WriteString(indent + mark + line + "\n")
		mark = "  "
	}
}

// wrap breaks text into lines of at most width characters, between words.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width:
			lines = append(lines, line)
			line = word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}

// write writes what the kernel can do, as it answered.
func (a Abilities) write(out *strings.Builder) {
	fmt.Fprintf(out, "Audit of kernel %s on %s, by its own answers:\n", printable(a.Release), printable(a.Machine))
	for _, support := range []kernel.Support{kernel.Supported, kernel.Unsupported, kernel.Unknown} {
		if names := a.named(support); len(names) > 0 {
			for i, line := range wrap(strings.Join(names, ", "), lineWidth-textColumn+18) {
				label := ""
				if i == 0 {
					label = support.String()
				}
				fmt.Fprintf(out, "%-9s%s\n", label, line)
			}
		}
	}
}

// named lists the abilities that have an answer, the absent ones with the first
// upstream kernel that has them.
func (a Abilities) named(support kernel.Support) []string {
	var names []string
	features := kernel.Features{
		BacklogWaitTime: a.BacklogWaitTime, LostReset: a.LostReset, Multicast: a.Multicast, SaddrFamily: a.SaddrFamily,
		Executable: a.Executable, SessionID: a.SessionID, IOUringFilter: a.IOUringFilter,
	}
	for _, feature := range kernel.AllFeatures() {
		if features.Has(feature) != support {
			continue
		}
		name := feature.String()
		if support == kernel.Unsupported {
			name += " [" + feature.Since() + "]"
		}
		names = append(names, name)
	}
	for _, one := range []struct {
		name string
		is   kernel.Support
	}{
		{"io_uring", a.IOUring},
		{"x32 programs", a.X32},
		{fmt.Sprintf("receive buffer past net.core.rmem_max (%d KiB)", a.ReceiveBuffer>>10), a.ForceReceiveBuffer},
	} {
		if one.is == support {
			names = append(names, one.name)
		}
	}
	return names
}
