package detect_test

import (
	"fmt"
	"slices"
	"strings"

	"tripline/detect"
)

// The reference says what a query matches by the plainest means: it keeps every
// partial sequence in a list that it scans from start to end, knows the whole
// stream, has no index, no lists by key and frees nothing early.

type reference struct {
	*referenceQuery
	events  []*referenceEvent
	partial []*referencePartial
	matches []referenceMatch
	// memory has what keysOf found before.
	memory map[*referenceStage]map[*referenceEvent][]string
}

// referencePartial is a sequence that has matched up to a stage.
type referencePartial struct {
	stage  int
	key    string
	events []*referenceEvent
}

// referenceMatch has nil for a negative stage.
type referenceMatch struct {
	events []*referenceEvent
	key    string
}

func (m referenceMatch) String() string {
	var names []string
	for _, ev := range m.events {
		if ev == nil {
			names = append(names, "-")
		} else {
			names = append(names, ev.name)
		}
	}
	return strings.Join(names, " ") + " by " + m.key
}

// referenceMatches returns what a query matches in a stream, in order.
func referenceMatches(query *referenceQuery, events []*referenceEvent) []string {
	r := newReference(query, events)
	switch query.kind {
	case "event":
		for _, ev := range events {
			if len(r.keysOf(query.stages[0], ev)) > 0 {
				r.matches = append(r.matches, referenceMatch{events: []*referenceEvent{ev}})
			}
		}
	case "sample":
		r.sample()
	default:
		for _, ev := range events {
			r.process(ev)
		}
	}
	var texts []string
	for _, match := range r.matches {
		texts = append(texts, match.String())
	}
	for _, pipe := range query.pipes {
		count := min(pipe.count, len(texts))
		if pipe.tail {
			texts = texts[len(texts)-count:]
		} else {
			texts = texts[:count]
		}
	}
	return texts
}

func newReference(query *referenceQuery, events []*referenceEvent) *reference {
	return &reference{referenceQuery: query, events: events, memory: make(map[*referenceStage]map[*referenceEvent][]string)}
}

// keysOf returns the distinct join keys of an event that matches a stage; none
// if it does not or if a key is missing.
func (r *reference) keysOf(stage *referenceStage, ev *referenceEvent) []string {
	known := r.memory[stage]
	if known == nil {
		known = make(map[*referenceEvent][]string)
		r.memory[stage] = known
	}
	keys, ok := known[ev]
	if !ok {
		keys = stage.keysOf(ev)
		known[ev] = keys
	}
	return keys
}

func (s *referenceStage) keysOf(ev *referenceEvent) []string {
	if ev.exempt || s.category != "any" && !slices.Contains(ev.fields["event.category"], any(s.category)) {
		return nil
	}
	if !s.condition.holds(ev.fields) {
		return nil
	}
	keys := []string{""}
	for _, key := range s.keys {
		var values []string
		for _, value := range ev.fields[key.field] {
			values = append(values, keyText(value))
		}
		if len(values) == 0 && key.optional {
			values = []string{keyText(nil)}
		}
		var longer []string
		for _, value := range values {
			for _, one := range keys {
				if longerKey := one + value; !slices.Contains(longer, longerKey) {
					longer = append(longer, longerKey)
				}
			}
		}
		keys = longer
	}
	return keys
}

// keyText writes a key, the same for equal ones, so that their order is that of
// the texts.
func keyText(value any) string {
	switch v := value.(type) {
	case nil:
		return "0!"
	case string:
		return "1" + v + "!"
	case int:
		return fmt.Sprintf("2%d!", v)
	case float64:
		return fmt.Sprintf("2%v!", v)
	default:
		return fmt.Sprintf("3%v!", v)
	}
}

// matchedText writes what the engine reports as the reference writes it.
func matchedText(m detect.Match) string {
	var key strings.Builder
	for _, value := range m.JoinKeys {
		switch value.Kind() {
		case detect.KindString:
			key.WriteString(keyText(value.Text()))
		case detect.KindInt:
			key.WriteString(keyText(int(value.Int())))
		case detect.KindFloat:
			key.WriteString(keyText(value.Float()))
		case detect.KindBool:
			key.WriteString(keyText(value.Bool()))
		default:
			key.WriteString(keyText(nil))
		}
	}
	return matchText(m) + " by " + key.String()
}

// sample chooses events for each key by trying all in order.
func (r *reference) sample() {
	var keys []string
	for _, ev := range r.events {
		for _, stage := range r.stages {
			keys = append(keys, r.keysOf(stage, ev)...)
		}
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		candidates := make([][]*referenceEvent, len(r.stages))
		for i, stage := range r.stages {
			for _, ev := range r.events {
				if slices.Contains(r.keysOf(stage, ev), key) {
					candidates[i] = append(candidates[i], ev)
				}
			}
		}
		if chosen := firstChoice(candidates, nil); chosen != nil {
			r.matches = append(r.matches, referenceMatch{events: chosen, key: key})
		}
	}
}

// firstChoice chooses a different event for each stage by trying all.
func firstChoice(candidates [][]*referenceEvent, chosen []*referenceEvent) []*referenceEvent {
	if len(chosen) == len(candidates) {
		return chosen
	}
	for _, ev := range candidates[len(chosen)] {
		if slices.Contains(chosen, ev) {
			continue
		}
		if whole := firstChoice(candidates, append(slices.Clone(chosen), ev)); whole != nil {
			return whole
		}
	}
	return nil
}
