package alert

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"tripline/detect"
	"tripline/normalize"
)

// Builder makes alert documents. It holds what they all have in common. One
// goroutine uses it at a time.
type Builder struct {
	// Host describes the watched host; nil for a recorded log without host
	// facts.
	Host *normalize.HostFacts
	// Lost says what records may have been lost between two times; nil, or a nil
	// result, for nothing.
	Lost func(from, to time.Time) map[string]any

	// rules has the parts of a document that are the same in all alerts of a
	// rule, prepared or made at its first alert.
	rules Prepared
	// encoder writes events, and keeps what is the same in many of them.
	encoder *normalize.Encoder
	// texts are the buffers of the latest alert's events, and read the members of these.
	texts [][]byte
	read  []rawObject
	// room is memory for the next alert, see Reserve.
	room []byte
}

// Alert is one finished alert.
type Alert struct {
	// ID is the same for the same rule, rule version and events, whether they
	// are live, replayed or sent twice.
	ID string
	// Test says that a self-test of the sensor's own raised it.
	Test bool
	// Severity is the rule's: low, medium, high or critical.
	Severity string
	// JSON is the whole document on one line.
	JSON []byte
	// Matched is when the alert was made, and Subject the process that it is
	// about, once Describe was called.
	Matched time.Time
	Subject Subject

	rule *detect.Rule
	// match and last are what Describe reads: the match and the document of its last
	// event.
	match detect.Match
	last  rawObject
	// shared are the parts of the document that the evidence has, too.
	shared map[string]any
}

// eventDocument is what a matched event must offer to be put into an alert.
type eventDocument interface {
	detect.Event
	AppendJSON(dst []byte, host *normalize.HostFacts) []byte
}

// Build makes the alert of a match. With test it is marked as raised by a
// self-test. The match's events are read during the call, and by Alert.Describe.
func (b *Builder) Build(match detect.Match, test bool) (Alert, error) {
	events, read, err := b.documents(match)
	if err != nil {
		return Alert{}, fmt.Errorf("making an alert of rule %q: %w", match.Rule.Name, err)
	}
	parts, err := b.parts(match.Rule)
	if err != nil {
		return Alert{}, fmt.Errorf("making an alert of rule %q: %w", match.Rule.Name, err)
	}
	id := ID(match)
	w := newObjectWriter(b.takeRoom(parts.room(events)))
	writeDocument(&w, match.Rule, parts, read, func() {
		w.open("alert")
		if parts.guide != nil {
			w.raw("guide", parts.guide)
		}
		w.text("id", id)
		if lost := b.lost(match); lost != nil {
			w.raw("incomplete", []byte("true"))
			w.other("lost", lost)
		}
		w.list("sequence", events)
		if test {
			w.raw("test", []byte("true"))
		}
		w.close()
	})
	text, err := w.end()
	if err != nil {
		return Alert{}, fmt.Errorf("making an alert of rule %q: %w", match.Rule.Name, err)
	}
	return Alert{
		ID: id, Test: test, Severity: match.Rule.Severity, JSON: text,
		Matched: time.Now(), rule: match.Rule, match: match, last: read[len(read)-1],
	}, nil
}

// Reserve gets memory for the next alert while nothing waits for it: as much as one took
// that was just made. New memory has to be cleared, and often to be had from the kernel.
func (b *Builder) Reserve(size int) {
	if size <= maxKept && cap(b.room) < size {
		b.room = make([]byte, 0, size)
	}
}

// maxKept is the largest piece of memory that is kept between alerts, for the next one or
// for one of its events.
const maxKept = 256 << 10

// takeRoom is memory for an alert, which is the alert's from then on.
func (b *Builder) takeRoom(size int) []byte {
	room := b.room
	if b.room = nil; cap(room) < size {
		room = make([]byte, 0, size)
	}
	return room
}

// Describe finds out whom the alert is about: its Subject, and what Enrichment says
// of it. It is apart from Build so that an alert is on its way before. It reads the match's
// events and the builder's memory, so it is to be called before the builder makes
// another alert and while the events may be read.
func (a *Alert) Describe() error {
	process := a.last.object("process")
	shared, err := sharedOf(a.last, process)
	if err != nil {
		return fmt.Errorf("describing an alert of rule %q: %w", a.rule.Name, err)
	}
	a.Subject, a.shared = subjectOf(a.match, a.last, process), shared
	a.match, a.last = detect.Match{}, nil
	return nil
}

// documents are the documents of a match's events, null for a stage that stands for no
// event, and their members without those. They are valid until the next call.
func (b *Builder) documents(match detect.Match) (events []json.RawMessage, read []rawObject, err error) {
	for len(b.texts) < len(match.Events) {
		b.texts, b.read = append(b.texts, nil), append(b.read, nil)
	}
	for i, event := range match.Events {
		if event == nil {
			events = append(events, json.RawMessage("null"))
			continue
		}
		whole, ok := event.(eventDocument)
		if !ok {
			return nil, nil, errors.New("the event has no document form")
		}
		text, members := b.append(b.texts[i][:0], whole)
		fields, ok := splitObject(b.read[i][:0], text, members)
		if !ok {
			return nil, nil, errors.New("an event's document is not of the form that events have")
		}
		if b.texts[i], b.read[i] = text, fields; cap(text) > maxKept {
			b.texts[i], b.read[i] = nil, nil
		}
		events = append(events, text)
		read = append(read, fields)
	}
	return events, read, nil
}

// append appends the document of an event, and says where its members begin, where
// that is known.
func (b *Builder) append(dst []byte, event eventDocument) (text []byte, members []int) {
	own, ok := event.(*normalize.Event)
	if !ok {
		return event.AppendJSON(dst, b.Host), nil
	}
	if b.encoder == nil {
		b.encoder = normalize.NewEncoder(b.Host)
	}
	return b.encoder.AppendMembers(dst, own)
}

// lost says what records were lost while an alert's events happened: something that
// happened between them may be missing, and what a negative stage rules out may
// have been there. It is nil where nothing was.
func (b *Builder) lost(match detect.Match) map[string]any {
	if b.Lost == nil {
		return nil
	}
	first := time.Now()
	for _, event := range match.Events {
		if event == nil {
			continue
		}
		if at := time.Unix(0, event.Time()); at.Before(first) {
			first = at
		}
	}
	return b.Lost(first, time.Now())
}

// ID is the alert id of a match: a digest of the rule's id and version and of
// the time and audit sequence number of each event, which together name an
// event on its host.
func ID(match detect.Match) string {
	digest := sha256.New()
	text := match.Rule.RuleID + "\n" + strconv.Itoa(match.Rule.Version) + "\n"
	for _, event := range match.Events {
		if event == nil {
			text += "-\n"
			continue
		}
		sequence, _ := event.Tiebreaker()
		text += strconv.FormatInt(event.Time()/int64(time.Millisecond), 10) + ":" + strconv.FormatInt(sequence, 10) + "\n"
	}
	digest.Write([]byte(text))
	return hex.EncodeToString(digest.Sum(nil)[:16])
}

// writeDocument writes the members of an alert: the last event's time, process and user,
// the first destination, the rule, and what own writes as Tripline's part.
func writeDocument(w *objectWriter, rule *detect.Rule, parts ruleParts, events []rawObject, own func()) {
	ofLast := events[len(events)-1:]
	w.raw("@timestamp", ofLast[0].get("@timestamp"))
	w.first("agent", ofLast)
	w.first("container", ofLast)
	w.raw("data_stream", []byte(`{"dataset":"tripline.alerts","namespace":"default","type":"logs"}`))
	w.first("destination", events)
	w.open("ecs")
	w.text("version", normalize.ECSVersion)
	w.close()
	writeEvent(w, rule, events)
	w.first("host", ofLast)
	w.raw("kibana", parts.kibana)
	w.text("message", rule.Name)
	w.first("network", events)
	w.first("process", ofLast)
	w.raw("rule", parts.rule)
	w.first("source", events)
	if parts.threat != nil {
		w.raw("threat", parts.threat)
	}
	w.open("tripline")
	own()
	w.close()
	w.first("user", ofLast)
}

// writeEvent writes ECS's event fields of an alert.
func writeEvent(w *objectWriter, rule *detect.Rule, events []rawObject) {
	w.open("event")
	w.raw("action", events[len(events)-1].get("event", "action"))
	w.texts("category", union(events, "event", "category"))
	w.text("dataset", "tripline.alerts")
	w.text("kind", "alert")
	w.text("module", "tripline")
	w.number("risk_score", rule.RiskScore)
	w.number("severity", rule.RiskScore)
	w.texts("type", union(events, "event", "type"))
	w.close()
}

// sharedOf are the parts of the last event that the evidence of an alert has, too.
func sharedOf(last, process rawObject) (map[string]any, error) {
	shared := map[string]any{}
	take := func(into map[string]any, from rawObject, names ...string) (err error) {
		for _, name := range names {
			value := from.get(name)
			if value == nil {
				continue
			}
			var text json.RawMessage
			if text, err = appendCanonical(nil, value); err != nil {
				return err
			}
			into[name] = text
		}
		return nil
	}
	about := map[string]any{}
	if err := errors.Join(take(shared, last, "host", "agent"), take(about, process, "entity_id", "pid", "executable", "name")); err != nil {
		return nil, err
	}
	if len(about) > 0 {
		shared["process"] = about
	}
	return shared, nil
}

// parse reads one JSON document; numbers keep every digit.
func parse(text []byte) (map[string]any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return nil, fmt.Errorf("decoding JSON: %w", err)
	}
	return fields, nil
}

// encode writes JSON on one line, keys sorted, without escaping for HTML.
func encode(document any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return nil, fmt.Errorf("encoding JSON: %w", err)
	}
	return bytes.TrimSuffix(text.Bytes(), []byte{'\n'}), nil
}

// lookup finds a nested value; nil where it is missing.
func lookup(fields map[string]any, path ...string) any {
	var value any = fields
	for _, name := range path {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[name]
	}
	return value
}

// union lists the distinct values of a field over all events, in their order.
func union(events []rawObject, path ...string) (all []string) {
	for _, event := range events {
		for _, one := range event.texts(path...) {
			if !slices.Contains(all, one) {
				all = append(all, one)
			}
		}
	}
	return all
}
