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
	// found counts the matches of each rule; unfinished is how many rules may
	// still report one.
	found      map[*detect.Rule]int
	unfinished int
	matches    uint64
	match      Match
	err        error
}

// match reads the sorted documents and reports what the rules find.
func (h *hunter) match(ctx context.Context) error {
	m := &matcher{options: &h.options, found: make(map[*detect.Rule]int), unfinished: len(h.queries.rules)}
	engine := detect.NewEngine(h.queries.rules, h.options.Limits, m.report)
	defer engine.Close()
	scanner := h.queries.newScanner()
	pool := &documentPool{fields: len(h.queries.fields.names)}
	err := h.sorter.each(func(line []byte) error {
		if ctx.Err() != nil {
			return fmt.Errorf("hunting: %w", context.Cause(ctx))
		}
		d := pool.get(line)
		if !scanner.scan(d) { // which it did before
			return fmt.Errorf("reading a sorted document again: %s", scanner.problem)
		}
		engine.Process(d)
		d.Release()
		return m.state()
	})
	if err == nil {
		engine.Finish()
		err = m.state()
	}
	stats := engine.Stats()
	h.summary.Matches, h.summary.Evicted = m.matches, stats.Evicted+stats.KeysDropped
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// state is the error that ends the hunt, errStop when no match is wanted any
// more.
func (m *matcher) state() error {
	if m.err == nil && m.unfinished == 0 {
		return errStop
	}
	return m.err
}

// report passes a match on.
func (m *matcher) report(found detect.Match) {
	if m.err != nil {
		return
	}
	if m.options.Size > 0 {
		if m.found[found.Rule] >= m.options.Size {
			return
		}
		m.found[found.Rule]++
		if m.found[found.Rule] == m.options.Size {
			m.unfinished--
		}
	}
	m.matches++
	m.match.Rule, m.match.JoinKeys = found.Rule, found.JoinKeys
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
