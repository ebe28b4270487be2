package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tripline/detect"
)

// document is an event's fields in plain Go: a missing field has no values.
type document map[string][]any

// plainCondition is a condition as EQL and as its meaning.
type plainCondition struct {
	text  string
	holds func(document) bool
	// proved is holds for an event that proves nothing, at a place where the
	// condition's truth excludes the event or where it does not; nil for what
	// does not depend on that.
	proved func(d document, excludes bool) bool
}

func (c plainCondition) holdsUnproved(d document, excludes bool) bool {
	if c.proved == nil {
		return c.holds(d)
	}
	return c.proved(d, excludes)
}

// forgeable makes a leaf about a field, or the negation of one, unprovable where
// it is one about the executable.
func forgeable(field string, leaf plainCondition, negated bool) plainCondition {
	if field != "process.executable" {
		return leaf
	}
	leaf.proved = func(d document, excludes bool) bool {
		if negated {
			return excludes && leaf.holds(d) || !excludes
		}
		return !excludes && leaf.holds(d)
	}
	return leaf
}

// anyValue is a leaf that holds if it does for any of a field's values.
func anyValue(field string, test func(any) bool) func(document) bool {
	return func(d document) bool { return slices.ContainsFunc(d[field], test) }
}

// glob is the meaning of a pattern, by trying every split.
func glob(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	switch pattern[0] {
	case '*':
		return glob(pattern[1:], text) || text != "" && glob(pattern, text[1:])
	case '?':
		return text != "" && glob(pattern[1:], text[1:])
	}
	return text != "" && pattern[0] == text[0] && glob(pattern[1:], text[1:])
}

func pick[T any](random *rand.Rand, choices ...T) T { return choices[random.IntN(len(choices))] }

func randomCondition(random *rand.Rand, depth int) plainCondition {
	if depth == 0 || random.IntN(4) == 0 {
		return randomLeaf(random)
	}
	if random.IntN(3) == 0 {
		operand := randomCondition(random, depth-1)
		return plainCondition{"not (" + operand.text + ")", func(d document) bool { return !operand.holds(d) },
			func(d document, excludes bool) bool { return !operand.holdsUnproved(d, !excludes) }}
	}
	operands := make([]plainCondition, 2+random.IntN(2))
	texts := make([]string, len(operands))
	for i := range operands {
		operands[i] = randomCondition(random, depth-1)
		texts[i] = "(" + operands[i].text + ")"
	}
	if random.IntN(2) == 0 {
		return plainCondition{strings.Join(texts, " and "), func(d document) bool {
			return !slices.ContainsFunc(operands, func(c plainCondition) bool { return !c.holds(d) })
		}, func(d document, excludes bool) bool {
			return !slices.ContainsFunc(operands, func(c plainCondition) bool { return !c.holdsUnproved(d, excludes) })
		}}
	}
	return plainCondition{strings.Join(texts, " or "), func(d document) bool {
		return slices.ContainsFunc(operands, func(c plainCondition) bool { return c.holds(d) })
	}, func(d document, excludes bool) bool {
		return slices.ContainsFunc(operands, func(c plainCondition) bool { return c.holdsUnproved(d, excludes) })
	}}
}

func randomLeaf(random *rand.Rand) plainCondition {
	field := pick(random, "s", "k", "process.executable")
	switch random.IntN(6) {
	case 0:
		return textComparison(random, field)
	case 1:
		return numberComparison(random)
	case 2:
		if random.IntN(2) == 0 {
			return plainCondition{text: field + " == null", holds: func(d document) bool { return len(d[field]) == 0 }}
		}
		return plainCondition{text: "null != " + field, holds: func(d document) bool { return len(d[field]) > 0 }}
	case 3:
		return plainCondition{text: "flag", holds: anyValue("flag", func(v any) bool { return v == true })}
	default:
		return randomMembership(random, field)
	}
}

func randomText(random *rand.Rand) string {
	return pick(random, "", "a", "A", "b", "ab", "Ab", "ba", "abb")
}

func textComparison(random *rand.Rand, field string) plainCondition {
	operator, value := pick(random, "==", "!=", "<", ">="), randomText(random)
	holds := anyValue(field, func(v any) bool {
		switch text := v.(string); operator {
		case "<":
			return text < value
		case ">=":
			return text >= value
		default:
			return text == value
		}
	})
	condition := plainCondition{text: fmt.Sprintf("%s %s %q", field, operator, value), holds: holds}
	if operator == "!=" {
		condition.holds = func(d document) bool { return !holds(d) }
	}
	return forgeable(field, condition, operator == "!=")
}

func numberComparison(random *rand.Rand) plainCondition {
	n := random.IntN(4)
	if random.IntN(2) == 0 {
		return plainCondition{text: fmt.Sprintf("x > %d", n), holds: anyValue("x", func(v any) bool { return v.(int) > n })}
	}
	return plainCondition{text: fmt.Sprintf("%d.5 >= x", n), holds: anyValue("x", func(v any) bool { return v.(int) <= n })}
}

func randomMembership(random *rand.Rand, field string) plainCondition {
	operator := pick(random, "in", "in~", ":", "like", "like~")
	patterns := operator != "in" && operator != "in~"
	fold := operator != "in" && operator != "like"
	var choices, quoted []string
	for range 1 + random.IntN(10) {
		choice := randomText(random) + pick(random, "", "", "*", "?", "*b")
		choices = append(choices, choice)
		quoted = append(quoted, fmt.Sprintf("%q", choice))
	}
	holds := anyValue(field, func(v any) bool {
		text := v.(string)
		return slices.ContainsFunc(choices, func(choice string) bool {
			a, b := choice, text
			if fold {
				a, b = strings.ToLower(a), strings.ToLower(b)
			}
			return patterns && glob(a, b) || a == b
		})
	})
	list := "(" + strings.Join(quoted, ", ") + ")"
	if !patterns && random.IntN(2) == 0 {
		negated := plainCondition{text: field + " not " + operator + " " + list, holds: func(d document) bool { return !holds(d) }}
		return forgeable(field, negated, true)
	}
	return forgeable(field, plainCondition{text: field + " " + operator + " " + list, holds: holds}, false)
}

func randomDocument(random *rand.Rand) document {
	d := make(document)
	for range pick(random, 0, 1, 1, 1, 2) {
		d["s"] = append(d["s"], randomText(random))
	}
	for range pick(random, 0, 1, 1, 3) {
		d["k"] = append(d["k"], randomText(random))
	}
	for range pick(random, 0, 1, 1) {
		d["process.executable"] = append(d["process.executable"], randomText(random))
	}
	for range pick(random, 0, 1, 1, 2) {
		d["x"] = append(d["x"], random.IntN(5))
	}
	for range pick(random, 0, 1) {
		d["flag"] = append(d["flag"], random.IntN(2) == 0)
	}
	return d
}

func TestConditionsAgreeWithReference(t *testing.T) {
	rounds := 2000
	if testing.Short() {
		rounds = 200
	}
	schema := newTestSchema()
	for seed := range rounds {
		random := rand.New(rand.NewPCG(uint64(seed), 2))
		condition := randomCondition(random, 4)
		matched := false
		compiled := compile(t, schema, "any where "+condition.text)
		engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{}, func(detect.Match) { matched = true })
		for range 30 {
			d := randomDocument(random)
			var pairs []any
			for name, values := range d {
				pairs = append(pairs, name, values)
			}
			matched = false
			event := newEvent(t, schema, start, pairs...)
			engine.Process(event)
			if want := condition.holds(d); matched != want {
				t.Fatalf("seed %d: %s\nof %v is %t, want %t", seed, condition.text, d, matched, want)
			}
			matched = false
			engine.Process(&doubtful{testEvent: event})
			if want := condition.holdsUnproved(d, false); matched != want {
				t.Fatalf("seed %d: %s\nof %v that proves nothing is %t, want %t", seed, condition.text, d, matched, want)
			}
			matched = false
			engine.Process(&doubtful{testEvent: event, proves: true})
			if want := condition.holds(d); matched != want {
				t.Fatalf("seed %d: %s\nof %v that proves everything is %t, want %t", seed, condition.text, d, matched, want)
			}
		}
	}
}
