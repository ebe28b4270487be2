package sensor

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"tripline/detect"
	"tripline/normalize"
	"tripline/sensor/alert"
	"tripline/sensor/source"
)

// ReplayOptions say how to run recorded logs through the pipeline.
type ReplayOptions struct {
	// Rules are the compiled rules; none when only events are wanted.
	Rules []*detect.Compiled
	// Limits bound the engine's memory.
	Limits detect.Limits
	// Host describes the host that the log is from; nil when it is not known.
	// Nothing of the present machine takes its place.
	Host *normalize.HostFacts
	// Alerts and Events say which documents are written.
	Alerts, Events bool
	// Text writes alerts in the form for a person.
	Text bool
	// Stdin is read for the file named "-".
	Stdin io.Reader
	// Report is told of every defect of the input. It costs the replay nothing
	// else.
	Report func(error)
}

// ReplaySummary is what a replay saw.
type ReplaySummary struct {
	// Lines and Bytes count what was read.
	Lines, Bytes uint64
	// Unreadable counts lines that are no audit record.
	Unreadable uint64
	// Failed counts files that could not be read, or not to their end.
	Failed int
	// Records, Events, Incomplete and Late are the correlator's counters.
	Correlated normalize.Stats
	// Alerts counts alerts.
	Alerts uint64
	// Rules has what became of each rule.
	Rules []detect.RuleStats
	// Exempted lists the exceptions that exempted events.
	Exempted []Exempted
}

// Replay runs recorded audit logs through the same pipeline as a live kernel's
// records, one file after another as one stream, and writes documents to out.
// A file that cannot be read does not keep the others from being read.
func Replay(ctx context.Context, files []string, options ReplayOptions, out io.Writer) (ReplaySummary, error) {
	buffered := bufio.NewWriterSize(out, 256<<10)
	p := newPipeline(options.Rules, options.Limits, nil)
	p.builder = alert.Builder{Host: options.Host}
	p.report = options.Report
	if options.Alerts {
		p.onAlert = func(made alert.Alert) { p.writeAlert(buffered, made, options.Text) }
	}
	if options.Events {
		p.onEvent = p.eventWriter(buffered, options.Host)
	}
	summary := ReplaySummary{}
	for _, file := range files {
		err := summary.replayFile(ctx, p, file, options.Stdin)
		if p.failure != nil || ctx.Err() != nil {
			break
		}
		if err != nil {
			summary.Failed++
			options.Report(err)
		}
	}
	p.finish(p.failure == nil && ctx.Err() == nil)
	summary.Unreadable, summary.Alerts, summary.Correlated = p.unreadable.Load(), p.alerts.Load(), p.correlator.Stats()
	if p.engine != nil {
		summary.Rules, summary.Exempted = p.engine.Stats().Rules, exempted(options.Rules)
	}
	if err := buffered.Flush(); err != nil && p.failure == nil {
		p.failure = fmt.Errorf("writing results: %w", err)
	}
	return summary, errors.Join(p.failure, ctx.Err())
}

// replayFile runs one log through the pipeline.
func (r *ReplaySummary) replayFile(ctx context.Context, p *pipeline, file string, stdin io.Reader) (err error) {
	reader := io.NopCloser(stdin)
	if file != "-" {
		opened, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("reading a log: %w", err)
		}
		reader = opened
	}
	p.file = file
	recorded, err := source.NewLog(reader)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	stop := context.AfterFunc(ctx, recorded.Interrupt)
	defer stop()
	defer func() {
		stats := recorded.Stats()
		r.Lines += stats.Messages
		r.Bytes += stats.Bytes
		err = errors.Join(err, recorded.Close())
	}()
	if err := p.pumpLog(recorded); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// writeAlert writes one alert; a failure ends the replay.
func (p *pipeline) writeAlert(to *bufio.Writer, made alert.Alert, asText bool) {
	document := append(bytes.Clone(made.JSON), '\n')
	if asText {
		text, err := alert.Text(made.JSON)
		if err != nil {
			p.report(err)
			return
		}
		document = text
	}
	if _, err := to.Write(document); err != nil && p.failure == nil {
		p.failure = fmt.Errorf("writing results: %w", err)
	}
}

// eventWriter writes each event's document; a failure ends the replay.
func (p *pipeline) eventWriter(to *bufio.Writer, host *normalize.HostFacts) func(*normalize.Event) {
	encoder := normalize.NewEncoder(host)
	var document []byte
	return func(event *normalize.Event) {
		document = append(encoder.Append(document[:0], event), '\n')
		if _, err := to.Write(document); err != nil && p.failure == nil {
			p.failure = fmt.Errorf("writing results: %w", err)
		}
	}
}
