package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// referenceQuery is a query as EQL and as its meaning.
type referenceQuery struct {
	text string
	kind string // event, sequence or sample
	// stages has every run of a stage.
	stages  []*referenceStage
	until   *referenceStage
	maxSpan int64 // milliseconds, 0 for none
	pipes   []referencePipe
}

type referencePipe struct {
	tail  bool
	count int
}

type referenceStage struct {
	category  string // any for all
	condition plainCondition
	keys      []referenceKey
	negative  bool
}

// referenceKey is a join key; an optional one that is missing equals another
// that is missing.
type referenceKey struct {
	field    string
	optional bool
}

// finite says whether only events that have an end allow the query.
func (q *referenceQuery) finite() bool { return q.kind == "sample" || len(q.pipes) > 0 }

// positives counts the stages that stand for an event.
func (q *referenceQuery) positives() int {
	count := 0
	for _, stage := range q.stages {
		if !stage.negative {
			count++
		}
	}
	return count
}

// features names what the query has, for a test to know that it saw all of it.
func (q *referenceQuery) features() []string {
	features := []string{q.kind}
	add := func(feature string, present bool) {
		if present {
			features = append(features, feature)
		}
	}
	repeated := false
	for i, stage := range q.stages {
		repeated = repeated || i > 0 && q.stages[i-1] == stage
	}
	negative := q.positives() < len(q.stages)
	keys := len(q.stages[0].keys)
	add("negative", negative)
	add("runs", repeated)
	add("until", q.until != nil)
	add("runs, negative and until", repeated && negative && q.until != nil)
	add("pipe", len(q.pipes) == 1)
	add(q.kind+" with several pipes", len(q.pipes) > 1)
	add(q.kind+" with several keys", keys > 1)
	add(q.kind+" with three or more keys", keys > 2)
	add("until with several keys", q.until != nil && keys > 1)
	add("sample of three or more filters", q.kind == "sample" && len(q.stages) > 2)
	return features
}

func (q *referenceQuery) has(feature string) bool { return slices.Contains(q.features(), feature) }

// queryWriter makes a random query.
type queryWriter struct {
	random *rand.Rand
	query  *referenceQuery
	text   strings.Builder
	// shared are the keys of every stage, and own the kinds of the keys that
	// each stage names itself.
	shared []referenceKey
	own    []string
}

func randomQuery(random *rand.Rand) *referenceQuery {
	w := &queryWriter{random: random, query: new(referenceQuery)}
	switch w.query.kind = pick(random, "sequence", "sequence", "sequence", "sequence", "sequence", "sample", "event"); w.query.kind {
	case "event":
		w.query.stages = []*referenceStage{w.filter()}
	case "sample":
		w.sample()
	default:
		w.sequence()
	}
	if random.IntN(4) == 0 {
		w.pipes()
	}
	w.query.text = w.text.String()
	return w.query
}

// write adds text, and now and then what is no part of the query.
func (w *queryWriter) write(format string, args ...any) {
	fmt.Fprintf(&w.text, format, args...)
	w.text.WriteString(pick(w.random, " ", " ", " ", " ", "\n\t", " /* [any where true] by */ ", " // until\n"))
}

func (w *queryWriter) sequence() {
	w.write("sequence")
	w.chooseKeys(0)
	if w.random.IntN(4) > 0 {
		w.query.maxSpan = int64(1 + w.random.IntN(40))
		w.write("with maxspan=%dms", w.query.maxSpan)
	}
	stages := 2 + w.random.IntN(3)
	positive := w.random.IntN(stages)
	for i := range stages {
		negative := i != positive && w.query.maxSpan > 0 && w.random.IntN(3) == 0
		if negative {
			w.text.WriteString("!")
		}
		stage := w.stage()
		stage.negative = negative
		w.query.stages = append(w.query.stages, stage)
		if !negative && w.random.IntN(5) == 0 {
			runs := 1 + w.random.IntN(3)
			w.write("with runs=%d", runs)
			for range runs - 1 {
				w.query.stages = append(w.query.stages, stage)
			}
		}
	}
	if w.random.IntN(3) == 0 {
		w.write("until")
		w.query.until = w.stage()
	}
}

func (w *queryWriter) sample() {
	w.write("sample")
	w.chooseKeys(1)
	for range 2 + w.random.IntN(3) {
		w.query.stages = append(w.query.stages, w.stage())
	}
}

// chooseKeys decides how many keys all stages share and how many each has of its
// own, together at least a number, and writes the shared ones.
func (w *queryWriter) chooseKeys(least int) {
	shared, own := pick(w.random, 0, 1, 1, 1, 2), pick(w.random, 0, 0, 1, 1, 2)
	for range max(shared, least-own) {
		w.shared = append(w.shared, w.key(pick(w.random, "text", "text", "number", "open")))
	}
	for range own {
		w.own = append(w.own, pick(w.random, "text", "text", "number"))
	}
	w.by(w.shared)
}

// key chooses a field of a kind, as keys in the same place have to be alike.
func (w *queryWriter) key(kind string) referenceKey {
	key := referenceKey{optional: w.random.IntN(4) == 0}
	switch kind {
	case "text":
		key.field = pick(w.random, "k", "k", "process.entity_id")
	case "number":
		key.field = pick(w.random, "x", "x", "process.pid")
	default:
		key.field = "anything"
	}
	if key.optional && w.random.IntN(6) == 0 {
		key.field = "no.such"
	}
	return key
}

func (w *queryWriter) by(keys []referenceKey) {
	if len(keys) == 0 {
		return
	}
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = fieldText(w.random, key.field, key.optional)
	}
	w.write("by")
	w.write("%s", strings.Join(texts, ", "))
}

func (w *queryWriter) stage() *referenceStage {
	w.write("[")
	stage := w.filter()
	w.write("]")
	var own []referenceKey
	for _, kind := range w.own {
		own = append(own, w.key(kind))
	}
	w.by(own)
	stage.keys = append(slices.Clone(w.shared), own...)
	return stage
}

// filter makes a filter that events match often enough.
func (w *queryWriter) filter() *referenceStage {
	stage := &referenceStage{category: pick(w.random, "a", "b", "c", "any")}
	w.write("%s", pick(w.random, stage.category, stage.category, quotedCategory(stage.category)))
	w.write("where")
	switch w.random.IntN(4) {
	case 0:
		stage.condition = leaf("true", func(document) bool { return true })
	case 1:
		stage.condition = randomLeaf(w.random)
	default:
		stage.condition = randomCondition(w.random, 2)
	}
	w.write("%s", stage.condition.text)
	return stage
}

// quotedCategory leaves any as it is: quoted it would be a name.
func quotedCategory(category string) string {
	if category == "any" {
		return category
	}
	return fmt.Sprintf("%q", category)
}

func (w *queryWriter) pipes() {
	for range 1 + w.random.IntN(3) {
		pipe := referencePipe{tail: w.random.IntN(2) == 0, count: w.random.IntN(8)}
		w.write("| %s", map[bool]string{false: "head", true: "tail"}[pipe.tail])
		w.write("%d", pipe.count)
		w.query.pipes = append(w.query.pipes, pipe)
	}
}

// fieldText writes a field in one of the ways that EQL knows.
func fieldText(random *rand.Rand, name string, optional bool) string {
	if random.IntN(8) == 0 {
		name = "`" + name + "`"
	}
	if optional {
		return "?" + name
	}
	return name
}

// stringText writes a string in one of the ways that EQL knows.
func stringText(random *rand.Rand, text string) string {
	switch {
	case random.IntN(8) == 0:
		return `"""` + text + `"""`
	case random.IntN(16) == 0:
		var escaped strings.Builder
		for _, r := range text {
			fmt.Fprintf(&escaped, `\u{%02x}`, r)
		}
		return `"` + escaped.String() + `"`
	}
	return `"` + text + `"`
}
