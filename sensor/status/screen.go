package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tripline/internal/termtext"
	"tripline/sensor/alert"
)

// The layout of the screen, in columns and rows of a terminal.
const (
	// MinWidth is the least width that the screen is laid out for.
	MinWidth = 80
	// maxRules is how many rules have a row, maxProblems how many problems.
	maxRules, maxProblems = 10, 8
	labelWidth            = 11
	figureWidth           = 10
)

// screen lays a status out for a person.
type screen struct {
	strings.Builder
	now, before *Status
	width       int
}

// Screen is the status for a person, with line endings, for a terminal of so many
// columns. Where before is an earlier status of the same run, rates a second
// between the two are shown. What came from others cannot act on the terminal.
func (s *Status) Screen(before *Status, width int) string {
	if before != nil && (before.PID != s.PID || !before.Started.Equal(s.Started) || !s.Time.After(before.Time)) {
		before = nil
	}
	out := screen{now: s, before: before, width: max(width, MinWidth)}
	out.head()
	out.problems()
	out.sight()
	out.work()
	out.rules()
	out.outputs()
	out.rest()
	return out.String()
}

// line writes a line behind a label. What is too long is cut.
func (o *screen) line(label, format string, values ...any) {
	text := fmt.Sprintf("%-*s%s", labelWidth, label, fmt.Sprintf(format, values...))
	o.WriteString(strings.TrimRight(termtext.Cut(text, o.width), " ") + "\n")
}

// maxWrapped is how many rows one text has at most.
const maxWrapped = 3

// wrapped writes a text behind a label, on several rows where it is long.
func (o *screen) wrapped(label, text string) {
	rows := termtext.Wrap(text, o.width-labelWidth)
	if len(rows) > maxWrapped {
		rows = append(rows[:maxWrapped-1], strings.Join(rows[maxWrapped-1:], " "))
	}
	for _, row := range rows {
		o.line(label, "%s", row)
		label = ""
	}
}

func (o *screen) head() {
	s := o.now
	verdict := "OK"
	switch s.State {
	case Warning:
		verdict = "WARNING"
	case Failing:
		verdict = "FAILING"
	}
	o.line("tripline", "%s, process %d, up %s, at %s: %s", alert.Escape(s.Version), s.PID,
		span(time.Duration(s.Uptime*float64(time.Second))), s.Time.UTC().Format("2006-01-02 15:04:05Z"), verdict)
}

func (o *screen) problems() {
	s := o.now
	if !s.Pipeline.Answering {
		o.wrapped("  ERROR", "the pipeline does not answer: it is stuck or overloaded; the figures of rules are from "+o.ago(s.Pipeline.FiguresAt)+" ago")
	}
	shown := s.Health[:min(len(s.Health), maxProblems)]
	for _, one := range shown {
		text := fmt.Sprintf("%s for %s: %s", one.ID, o.ago(one.Since), one.What)
		if one.Who != "" {
			text += " (" + one.Who + ")"
		}
		o.wrapped("  "+strings.ToUpper(alert.Escape(one.Level)), alert.Escape(text))
	}
	if left := len(s.Health) - len(shown); left > 0 {
		o.line("", "and %s; --json lists all", plural(left, "more problem", "more problems"))
	}
	o.WriteByte('\n')
}

// sight is what the sensor sees.
func (o *screen) sight() {
	s := o.now
	beside := ""
	if s.Source.Beside != "" {
		beside = " beside " + alert.Escape(s.Source.Beside)
	}
	o.line("source", "%s%s for %s", alert.Escape(s.Source.Mode), beside, o.ago(s.Source.Since))
	if k := s.Kernel; k != nil {
		wait := "unknown"
		if k.BacklogWaitTime != nil {
			wait = group(uint64(*k.BacklogWaitTime))
		}
		rate := "none"
		if k.RateLimit > 0 {
			rate = group(uint64(k.RateLimit)) + "/s"
		}
		o.line("kernel", "audit %s, backlog %s of %s, lost %s (%s since the start), %s", enabled(k.Enabled), group(uint64(k.Backlog)),
			group(uint64(k.BacklogLimit)), group(uint64(k.Lost)), group(uint64(k.LostSinceStart)), plural(k.Rules, "rule", "rules"))
		o.line("", "wait time %s, rate limit %s, failure %d, audit pid %d, read %s ago", wait, rate, k.Failure, k.PID, o.ago(k.ReadAt))
	}
	if len(s.BlindSpots) > 0 {
		o.line("blind", "%s; tripline doctor says more", plural(len(s.BlindSpots), "thing is", "things are")+" not reported by this kernel")
	}
}

func enabled(value uint32) string {
	switch value {
	case 0:
		return "OFF"
	case 1:
		return "on"
	case 2:
		return "on and locked"
	}
	return fmt.Sprint(value)
}

// work is what becomes of what is seen.
func (o *screen) work() {
	s := o.now
	r, e := s.Records, s.Events
	o.line("records", "%s received%s, %s unreadable, %s missing, %s", group(r.Received),
		o.rate(func(s *Status) uint64 { return s.Records.Received }), group(r.Unreadable+r.Truncated), group(r.Gaps), plural(int(r.Overruns), "overrun", "overruns")) //nolint:gosec // only shown
	o.line("events", "%s joined%s, %s incomplete, %s evicted, %s waiting for records", group(e.Joined),
		o.rate(func(s *Status) uint64 { return s.Events.Joined }), group(e.Incomplete), group(e.Evicted), group(uint64(max(0, s.Pipeline.Incomplete)))) //nolint:gosec // not negative
	i := s.Identities
	o.line("identities", "%s verified, %s inferred, %s joined to none", group(i.Verified), group(i.Inferred), group(i.Unsure))
	o.line("engine", "%s, %s of %s sequences pending", plural(len(s.Rules), "rule", "rules"),
		group(uint64(max(0, s.Engine.Pending))), group(uint64(max(0, s.Engine.PendingLimit)))) //nolint:gosec // not negative
	o.line("alerts", "%s raised%s, of them %s; %s throttled", group(s.Alerts.Raised), o.rate(func(s *Status) uint64 { return s.Alerts.Raised }),
		plural(int(s.Alerts.Tests), "test", "tests"), plural(int(s.Alerts.Throttled), "match", "matches")) //nolint:gosec // only shown
	if last := s.Reload; last != nil {
		result := "all well"
		if !last.OK {
			result = alert.Escape(last.Error)
		}
		o.line("reload", "%s ago, %s run: %s", o.ago(last.Time), plural(last.Rules, "rule", "rules"), result)
	}
}

// rules has a row for each of the rules that did most.
func (o *screen) rules() {
	rules := slices.Clone(o.now.Rules)
	slices.SortStableFunc(rules, func(a, b Rule) int {
		return cmp.Or(-cmp.Compare(a.Matches, b.Matches), -cmp.Compare(a.Pending, b.Pending))
	})
	shown := rules[:min(len(rules), maxRules)]
	o.row("RULE", "MATCHES", "PENDING", "EXEMPTED", "THROTTLED", "EVICTED")
	for _, one := range shown {
		o.row(one.Name, group(one.Matches), group(uint64(max(0, one.Pending))), group(one.Exempted), group(one.Throttled), group(one.Evicted)) //nolint:gosec // not negative
	}
	if left := len(rules) - len(shown); left > 0 {
		o.line("", "and %s; --json lists all", plural(left, "more rule", "more rules"))
	}
}

func (o *screen) outputs() {
	o.row("OUTPUT", "WRITTEN", "WAITING", "LAG", "LOST", "SPOOL")
	for i := range o.now.Outputs {
		one := &o.now.Outputs[i]
		o.row(one.Name, group(one.Written), group(one.Waiting), span(time.Duration(one.Lag*float64(time.Second))),
			group(one.Dropped+one.Failed), size(one.SpoolBytes))
		if one.Trouble != "" {
			o.wrapped("", alert.Escape(one.Trouble))
		}
	}
}

// row writes a name and right-aligned figures.
func (o *screen) row(name string, figures ...string) {
	if name == "RULE" || name == "OUTPUT" {
		o.WriteByte('\n')
	}
	room := o.width - figureWidth*len(figures)
	o.WriteString(termtext.Pad(termtext.Cut(alert.Escape(name), room-1), room))
	for _, one := range figures {
		fmt.Fprintf(o, "%*s", figureWidth, one)
	}
	o.WriteByte('\n')
}

func (o *screen) rest() {
	s := o.now
	o.WriteByte('\n')
	share := ""
	if o.before != nil {
		elapsed := s.Time.Sub(o.before.Time).Seconds()
		share = fmt.Sprintf(" (%.1f%% of a core)", 100*max(0, s.Process.CPU-o.before.Process.CPU)/elapsed)
	}
	o.line("memory", "%s resident, %s heap; %.2f s of CPU%s, %d goroutines", size(s.Process.Resident), size(s.Process.Heap),
		s.Process.CPU, share, s.Process.Goroutines)
	if t := s.Textfile; t != nil {
		state := fmt.Sprintf("written %s times", group(t.Written))
		if t.Trouble != "" {
			state = alert.Escape(t.Trouble)
		}
		o.line("metrics", "%s: %s", alert.Escape(t.Path), state)
	}
}

// rate is how much a counter grew each second since the status before, in
// brackets; empty where there is none.
func (o *screen) rate(of func(*Status) uint64) string {
	if o.before == nil {
		return ""
	}
	now, before := of(o.now), of(o.before)
	if now < before {
		return ""
	}
	return fmt.Sprintf(" (%.1f/s)", float64(now-before)/o.now.Time.Sub(o.before.Time).Seconds())
}

// ago is how long before the status something was.
func (o *screen) ago(at time.Time) string {
	if at.IsZero() {
		return "an unknown time"
	}
	return span(max(0, o.now.Time.Sub(at)))
}

// span is a span of time in two units.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d <= 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d m %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < day:
		return fmt.Sprintf("%d h %d m", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d d %d h", int(d/day), int(d%day/time.Hour))
}

// size is a number of bytes in the largest unit that leaves something before the
// point.
func size(bytes int64) string {
	const unit = 1024
	figure, name := float64(bytes), "B"
	for _, next := range []string{"KiB", "MiB", "GiB"} {
		if figure < unit {
			break
		}
		figure, name = figure/unit, next
	}
	if name == "B" {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", figure, name)
}

// group writes a number with commas between thousands.
func group(n uint64) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return group(uint64(max(0, n))) + " " + many //nolint:gosec // not negative
}
