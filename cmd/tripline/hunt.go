package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"tripline/detect"
	"tripline/hunt"
	"tripline/sensor/alert"
)

// huntFlags are the flags of the hunt command.
type huntFlags struct {
	query               string
	rules               []string
	fields              hunt.FieldNames
	size                int
	asJSON, failOnAlert bool
	schedule            scheduleFlags
}

func huntCommand(std streams) *cobra.Command {
	var flags huntFlags
	command := &cobra.Command{
		Use:   "hunt (--query QUERY | --rule FILE) EVENTS...",
		Short: "Run EQL over recorded events",
		Long: `Run EQL over recorded events of any producer that writes ECS or something like
it: files with one JSON object a line, plain or .gz; "-" is standard input. All
files are one stream in the order of timestamp, tiebreaker and input; they need
not be in that order themselves.

For each match, one line {"rule":…,"events":[…],"join_keys":[…]}: the id of the
rule (null for --query) and the documents as they were read, null for a negative
stage. On a terminal a readable form takes its place, unless --json is given.

Fields are found nested ({"process":{"pid":1}}) or dotted ({"process.pid":1}),
elements of arrays and repeated keys are several values of one field, and a field
that a document does not have is missing. A document without a valid timestamp
is reported and not matched.

With --schedule the rules (--rule, or the configured ones) run as Elastic runs
them, over the time of the events: every interval, looking back as far as from
says, and with max_signals alerts a run at most. Alerts are printed as the sensor
prints them, with the ids that it gives them, and what is in the alert file or was
raised by a scheduled hunt before is not raised again. So a rule that is added
today finds what happened yesterday. Without EVENTS the configured event log is
read.`,
		Example: `  tripline hunt --query 'process where process.name == "nc"' events.ndjson
  tripline hunt --rule new-rule.toml --schedule`,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) == 0 && !flags.schedule.on {
				return &usageError{fmt.Errorf("hunt needs a file of events, or - for standard input; see %s --help", command.CommandPath())}
			}
			return nil
		},
		RunE: func(command *cobra.Command, args []string) error { return runHunt(command, std, &flags, args) },
	}
	set := command.Flags()
	set.StringVar(&flags.query, "query", "", "the EQL `QUERY`")
	set.StringArrayVar(&flags.rules, "rule", nil, "`FILE` of a rule, or folder of rule files; may be repeated")
	set.StringVar(&flags.fields.Category, "category-field", "event.category", "`FIELD` that holds the event category")
	set.StringVar(&flags.fields.Timestamp, "timestamp-field", "@timestamp", "`FIELD` that holds the time, as RFC 3339 or epoch milliseconds")
	set.StringVar(&flags.fields.Tiebreaker, "tiebreaker-field", "event.sequence", "`FIELD` that orders events of the same time")
	set.IntVar(&flags.size, "size", 0, "print the first `N` matches of each rule (default all)")
	set.BoolVar(&flags.asJSON, "json", false, "print JSON also on a terminal")
	set.BoolVar(&flags.failOnAlert, "fail-on-alert", false, "exit with 3 if something matched")
	flags.schedule.addFlags(command)
	command.MarkFlagsMutuallyExclusive("query", "rule")
	command.MarkFlagsMutuallyExclusive("query", "schedule")
	command.MarkFlagsMutuallyExclusive("size", "schedule")
	return command
}

func runHunt(command *cobra.Command, std streams, flags *huntFlags, files []string) error {
	if flags.schedule.on {
		return runSchedule(command, std, flags, files)
	}
	queries, err := flags.compile(command, std)
	if err != nil {
		return err
	}
	defects := &defectPrinter{to: std.err}
	progress := newHuntProgress(std.err)
	printer := &matchPrinter{to: bufio.NewWriterSize(std.out, 64<<10), asText: std.terminal && !flags.asJSON}
	summary, err := hunt.Run(command.Context(), queries, files, hunt.Options{
		Stdin: std.in, Size: flags.size, OnMatch: printer.print, OnProgress: progress.show(),
		Limits: detect.Limits{PendingPerRule: huntPending, PendingTotal: huntPending},
		Report: func(err error) {
			progress.clear()
			defects.report(err)
		},
	})
	progress.clear()
	if flushErr := printer.flush(); err == nil {
		err = flushErr
	}
	defects.finish()
	summarizeHunt(std.err, summary)
	switch {
	case err != nil:
		return err
	case summary.Failed > 0:
		return fmt.Errorf("%d of %d files could not be read to their end", summary.Failed, len(files))
	case summary.Documents == 0 && summary.Malformed > 0:
		return errors.New("no line is a JSON object: events have to be one JSON object a line")
	case summary.Documents > 0 && summary.Untimed == summary.Documents:
		return fmt.Errorf("no document has a valid timestamp in %s; --timestamp-field names another field", flags.fields.Timestamp)
	case flags.failOnAlert && summary.Matches > 0:
		return errMatched
	}
	return nil
}

// huntPending is how many sequences may wait for their next event. A hunt looks
// at months in one go, so one rule may have as many as all.
const huntPending = 1 << 18

// compile prepares the query or the rules, and complains on standard error
// about rules that cannot run. Only when none is left is it an error.
func (f *huntFlags) compile(command *cobra.Command, std streams) (*hunt.Queries, error) {
	if f.size < 0 {
		return nil, &usageError{fmt.Errorf("--size is %d, it has to be 1 or more", f.size)}
	}
	if command.Flags().Changed("query") {
		queries, err := hunt.Compile([]*detect.Rule{hunt.NewRule("--query", f.query)}, f.fields)
		if err != nil {
			return nil, &usageError{err}
		}
		return queries, nil
	}
	if len(f.rules) == 0 {
		return nil, &usageError{fmt.Errorf("hunt needs --query or --rule; see %s --help", command.CommandPath())}
	}
	rules, loadErr := hunt.LoadRules(f.rules)
	queries, err := hunt.Compile(rules, f.fields)
	err = errors.Join(loadErr, err)
	switch {
	case queries == nil && err == nil:
		return nil, &usageError{fmt.Errorf("there is no rule file (*.toml) in %s", f.rules[0])}
	case queries == nil:
		return nil, &usageError{err}
	case err != nil:
		complain(std.err, err)
		_, _ = fmt.Fprintf(std.err, "tripline: going on with the %d rules that can run\n", queries.Len()) // only told
	}
	return queries, nil
}

// matchPrinter prints matches.
type matchPrinter struct {
	to     *bufio.Writer
	asText bool
	line   []byte
}

func (p *matchPrinter) print(match *hunt.Match) error {
	if p.asText {
		p.line = appendMatchText(p.line[:0], match)
	} else {
		p.line = append(match.AppendJSON(p.line[:0]), '\n')
	}
	if _, err := p.to.Write(p.line); err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	return nil
}

func (p *matchPrinter) flush() error {
	if err := p.to.Flush(); err != nil {
		return fmt.Errorf("writing results: %w", err)
	}
	return nil
}

// appendMatchText appends a match as a person reads it: a heading and, for each
// event, its time and document.
func appendMatchText(to []byte, match *hunt.Match) []byte {
	to = append(to, "MATCH"...)
	if match.Rule.Name != "" {
		to = fmt.Appendf(to, "  %s", alert.Escape(match.Rule.Name))
	}
	if keys := match.AppendJoinKeys(nil); len(match.JoinKeys) > 0 {
		to = fmt.Appendf(to, "  %s", alert.Escape(string(keys)))
	}
	to = append(to, '\n')
	for i, document := range match.Documents {
		if document == nil {
			to = append(to, "  (no such event)\n"...)
			continue
		}
		at := time.Unix(0, match.Times[i]).UTC().Format("2006-01-02T15:04:05.000Z")
		to = fmt.Appendf(to, "  %s  %s\n", at, alert.Escape(string(document)))
	}
	return append(to, '\n')
}

// summarizeHunt says in one line what was read and found.
func summarizeHunt(to io.Writer, s hunt.Summary) {
	_, _ = fmt.Fprintf(to, "%d documents, %d matches", s.Documents, s.Matches)
	for _, counter := range []struct {
		name  string
		count uint64
	}{
		{"lines that are no JSON object", s.Malformed},
		{"documents without a valid timestamp", s.Untimed},
		{"pending sequences given up because there were too many", s.Evicted},
	} {
		if counter.count > 0 {
			_, _ = fmt.Fprintf(to, ", %d %s", counter.count, counter.name)
		}
	}
	_, _ = fmt.Fprintln(to)
}

const (
	// progressDelay is how long a hunt takes before progress is shown.
	progressDelay = 2 * time.Second
	// progressInterval is the time between two looks of the progress line.
	progressInterval = 500 * time.Millisecond
)

// huntProgress shows on one line how far the reading is.
type huntProgress struct {
	// to is nil where nobody looks at it.
	to    io.Writer
	next  time.Time
	shown bool
}

// newHuntProgress shows progress if to is a terminal.
func newHuntProgress(to io.Writer) *huntProgress {
	if file, ok := to.(*os.File); !ok || !isatty.IsTerminal(file.Fd()) {
		to = nil
	}
	return &huntProgress{to: to, next: time.Now().Add(progressDelay)}
}

// show returns what to call with progress, nil if it is not shown.
func (h *huntProgress) show() func(hunt.Progress) {
	if h.to == nil {
		return nil
	}
	return func(progress hunt.Progress) {
		now := time.Now()
		if now.Before(h.next) {
			return
		}
		h.next, h.shown = now.Add(progressInterval), true
		_, _ = io.WriteString(h.to, "\r"+progressText(progress)+"\x1b[K") // only told
	}
}

// progressText is the progress line.
func progressText(progress hunt.Progress) string {
	text := fmt.Sprintf("%d MB", progress.Bytes>>20)
	if progress.Total > 0 {
		text += fmt.Sprintf(" of %d MB (%d%%)", progress.Total>>20, min(progress.Bytes*100/progress.Total, 100))
	}
	return text + fmt.Sprintf(", %d documents", progress.Documents)
}

// clear takes the line away.
func (h *huntProgress) clear() {
	if h.shown {
		h.shown = false
		_, _ = io.WriteString(h.to, "\r\x1b[K") // only told
	}
}
