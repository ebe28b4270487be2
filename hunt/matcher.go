package hunt

import (
	"context"
	"errors"
	"fmt"

	"tripline/detect"
)

// matcher runs the rules over the documents in order.
type matcher struct {
	options *Options
	engine  *detect.Engine
	scanner *scanner
	pool    *documentPool
	// found counts the matches of each rule; unfinished is how many rules may
	// still report one.
	found      map[*detect.Rule]int
	unfinished int
	matches    uint64
	match      Match
	// err is the first error of OnMatch.
	err error
}

// errStop says that no further document is wanted.
var errStop = errors.New("stop")

func newMatcher(queries *Queries, options *Options) *matcher {
	m := &matcher{
		options: options, scanner: queries.newScanner(), pool: &documentPool{fields: queries.fields},
		found: make(map[*detect.Rule]int), unfinished: len(queries.rules),
	}
	m.engine = detect.NewEngine(queries.rules, options.Limits, m.report)
	return m
}

// process takes the next document in the order of all. It copies the line. The
// error is errStop when no further document can matter.
func (m *matcher) process(ctx context.Context, line []byte) error {
	if ctx.Err() != nil {
		return interrupted(ctx)
	}
	d := m.pool.get(line)
	defer d.Release()
	if !m.scanner.scan(d) { // which it did before
		return fmt.Errorf("reading a document again: %s", m.scanner.problem)
	}
	m.engine.Process(d)
	switch {
	case m.err != nil:
		return m.err
	case m.unfinished == 0 || m.engine.Done():
		return errStop
	}
	return nil
}

// finish reports what waited for the end of the documents.
func (m *matcher) finish(ctx context.Context) error {
	if m.unfinished == 0 {
		return m.err
	}
	if err := m.engine.FinishContext(ctx); err != nil && m.err == nil {
		return interrupted(ctx)
	}
	return m.err
}

// close releases all documents and adds up what was seen.
func (m *matcher) close(summary *Summary) {
	stats := m.engine.Stats()
	summary.Matches, summary.Evicted = m.matches, stats.Evicted+stats.KeysDropped
	m.engine.Close()
}

// report passes a match on.
func (m *matcher) report(found detect.Match) {
	if m.err != nil || !m.wants(found.Rule) {
		return
	}
	m.matches++
	m.match.Rule, m.match.Events, m.match.JoinKeys = found.Rule, found.Events, found.JoinKeys
	m.match.Documents, m.match.Times = m.match.Documents[:0], m.match.Times[:0]
	for _, event := range found.Events {
		line, timestamp := []byte(nil), int64(0)
		if d, ok := event.(*document); ok {
			line, timestamp = d.line, d.time
		}
		m.match.Documents = append(m.match.Documents, line)
		m.match.Times = append(m.match.Times, timestamp)
	}
	m.err = m.options.OnMatch(&m.match)
}

// wants says whether one more match of a rule is wanted, and counts it.
func (m *matcher) wants(rule *detect.Rule) bool {
	if m.options.Size == 0 {
		return true
	}
	if m.found[rule] >= m.options.Size {
		return false
	}
	m.found[rule]++
	if m.found[rule] == m.options.Size {
		m.unfinished--
	}
	return true
}
