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

func leaf(text string, holds func(document) bool) plainCondition {
	return plainCondition{text: text, holds: holds}
}

func (c plainCondition) holdsUnproved(d document, excludes bool) bool {
	if c.proved == nil {
		return c.holds(d)
	}
	return c.proved(d, excludes)
}

// forgeable makes a leaf about a field unprovable where it is one about the
// executable.
func forgeable(field plainValue, leaf plainCondition) plainCondition {
	if slices.Contains(field.fields, "process.executable") {
		leaf.proved = func(d document, excludes bool) bool { return !excludes && leaf.holds(d) }
	}
	return leaf
}

// not is the condition that holds when another does not.
func not(text string, operand plainCondition) plainCondition {
	negated := leaf(text, func(d document) bool { return !operand.holds(d) })
	negated.proved = func(d document, excludes bool) bool { return !operand.holdsUnproved(d, !excludes) }
	return negated
}

// anyValue is a leaf that holds if it does for any of a field's values.
func anyValue(field string, test func(any) bool) func(document) bool {
	return func(d document) bool { return slices.ContainsFunc(d[field], test) }
}

func pick[T any](random *rand.Rand, choices ...T) T { return choices[random.IntN(len(choices))] }

func randomCondition(random *rand.Rand, depth int) plainCondition {
	if depth == 0 || random.IntN(4) == 0 {
		return randomLeaf(random)
	}
	if random.IntN(3) == 0 {
		operand := randomCondition(random, depth-1)
		return not("not ("+operand.text+")", operand)
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
	switch random.IntN(8) {
	case 0:
		field, value := randomTextField(random), randomText(random)
		return randomComparison(random, field, stringText(random, value), value)
	case 1:
		return numberComparison(random)
	case 2:
		return nullTest(random)
	case 3:
		return booleanTest(random)
	case 4:
		return networkTest(random)
	case 5:
		return randomValueLeaf(random)
	default:
		return randomMembership(random)
	}
}

func randomText(random *rand.Rand) string {
	return pick(random, "", "a", "A", "b", "ab", "Ab", "ba", "abb")
}

// randomTextField is a field as a query may write it. That of the name no.such
// is unknown to the schema.
func randomTextField(random *rand.Rand) plainValue {
	name := pick(random, "s", "s", "k", "process.executable", "process.executable", "no.such")
	return writtenField(random, name)
}

func writtenField(random *rand.Rand, name string) plainValue {
	field := fieldValue(name)
	field.text = fieldText(random, name, name == "no.such" || random.IntN(6) == 0)
	return field
}

// relation is what an operator means for two values of one type.
func relation(operator string, a, b any) bool {
	sign := 0
	switch x := a.(type) {
	case string:
		sign = strings.Compare(x, b.(string))
	case int:
		sign = x - b.(int)
	case bool:
		if a != b {
			sign = 1
		}
	}
	switch operator {
	case "==", "!=":
		return sign == 0
	case "<":
		return sign < 0
	case "<=":
		return sign <= 0
	case ">":
		return sign > 0
	default:
		return sign >= 0
	}
}

// randomComparison compares a field with a constant, on either side. With != it
// holds when no value is equal.
func randomComparison(random *rand.Rand, field plainValue, text string, value any) plainCondition {
	operator := pick(random, "==", "!=", "<", "<=", ">", ">=")
	if _, ok := value.(bool); ok {
		operator = pick(random, "==", "!=")
	}
	written := field.text + " " + operator + " " + text
	if random.IntN(3) == 0 {
		mirrored := map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
		written = text + " " + mirrored[operator] + " " + field.text
	}
	holds := anyValue(field.fields[0], func(v any) bool { return relation(operator, v, value) })
	condition := forgeable(field, leaf(written, holds))
	if operator == "!=" {
		return not(written, condition)
	}
	return condition
}

func numberComparison(random *rand.Rand) plainCondition {
	n, name := random.IntN(4), pick(random, "x", "process.pid", "no.such")
	field := writtenField(random, name)
	if random.IntN(3) > 0 {
		return randomComparison(random, field, fmt.Sprint(n), n)
	}
	return leaf(fmt.Sprintf("%d.5 >= %s", n, field.text), anyValue(name, func(v any) bool { return v.(int) <= n }))
}

// nullTest asks for existence; every other comparison with null is null.
func nullTest(random *rand.Rand) plainCondition {
	name := pick(random, "s", "k", "x", "flag", "process.executable", "no.such")
	text := writtenField(random, name).text
	exists := leaf(text+" != null", func(d document) bool { return len(d[name]) > 0 })
	switch random.IntN(6) {
	case 0:
		exists.text = "null != " + text
		return exists
	case 1:
		return exists
	case 2:
		return not(text+" == null", exists)
	case 3:
		return not("null == "+text, exists)
	case 4:
		if name != "flag" { // a boolean has no order
			return leaf(text+pick(random, " < ", " >= ")+"null", func(document) bool { return false })
		}
		return exists
	default:
		return leaf("null "+pick(random, "<", "!=")+" null", func(document) bool { return false })
	}
}

func booleanTest(random *rand.Rand) plainCondition {
	name := pick(random, "flag", "flag", "flag", "no.such")
	field := writtenField(random, name)
	if random.IntN(2) == 0 {
		want := random.IntN(2) == 0
		return randomComparison(random, field, fmt.Sprint(want), want)
	}
	holds := leaf(field.text, anyValue(name, func(v any) bool { return v == true }))
	if random.IntN(2) == 0 {
		return not("not "+field.text, holds)
	}
	return holds
}

func networkTest(random *rand.Rand) plainCondition {
	function := pick(random, "cidrMatch", "cidrmatch", "CIDRMATCH")
	field := writtenField(random, pick(random, "user.id", "user.id", "user.id", "no.such"))
	if random.IntN(2) == 0 {
		return leaf(function+"("+field.text+`, "10.1.0.0/16")`, anyValue(field.fields[0], func(v any) bool {
			return strings.HasPrefix(v.(string), "10.1.")
		}))
	}
	return leaf(function+"("+field.text+`, "10.1.2.0/24", "fe80::/16")`, anyValue(field.fields[0], func(v any) bool {
		return v == "10.1.2.3" || v == "fe80::1"
	}))
}

func TestConditionsAgreeWithReference(t *testing.T) {
	schema := newTestSchema()
	truths := 0
	rounds := referenceRounds(1500)
	for seed := range rounds {
		random := rand.New(rand.NewPCG(*referenceSeed, seed))
		condition := randomCondition(random, 4)
		matched := false
		compiled := compile(t, schema, printed(t, "any where "+condition.text))
		engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{}, func(detect.Match) { matched = true })
		for range 30 {
			d := randomDocument(random)
			matched = false
			event := eventOf(t, schema, start, d)
			engine.Process(event)
			want := condition.holds(d)
			if matched != want {
				t.Fatalf("seed %d: %s\nof %v is %t, want %t", seed, condition.text, d, matched, want)
			}
			matched = false
			engine.Process(&doubtful{testEvent: event})
			if want := condition.holdsUnproved(d, false); matched != want {
				t.Fatalf("seed %d: %s\nof %v that proves nothing is %t, want %t", seed, condition.text, d, matched, want)
			}
			matched = false
			engine.Process(&doubtful{testEvent: event, proves: true})
			if matched != want {
				t.Fatalf("seed %d: %s\nof %v that proves everything is %t, want %t", seed, condition.text, d, matched, want)
			}
			if want {
				truths++
			}
		}
	}
	if truths < int(rounds)*5 {
		t.Errorf("only %d conditions held in %d rounds: the test is too tame", truths, rounds)
	}
}
