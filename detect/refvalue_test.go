package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tripline/detect"
)

// plainValue is a value expression as EQL and as its meaning: nil is null. It
// is about one choice of values: each field has one or none.
type plainValue struct {
	text string
	of   func(choice map[string]any) any
	// fields are the fields that it reads.
	fields []string
}

func fieldValue(name string) plainValue {
	return plainValue{name, func(choice map[string]any) any { return choice[name] }, []string{name}}
}

func constantValue(text string, value any) plainValue {
	return plainValue{text, func(map[string]any) any { return value }, nil}
}

// strict makes an expression that is null if an operand is.
func strict(text string, compute func(values []any) any, operands ...plainValue) plainValue {
	var fields []string
	for _, one := range operands {
		fields = append(fields, one.fields...)
	}
	return plainValue{text, func(choice map[string]any) any {
		values := make([]any, len(operands))
		for i, one := range operands {
			if values[i] = one.of(choice); values[i] == nil {
				return nil
			}
		}
		return compute(values)
	}, fields}
}

func randomNumberValue(random *rand.Rand, depth int) plainValue {
	if depth == 0 {
		n := random.IntN(5)
		return pick(random, fieldValue("x"), fieldValue("process.pid"), constantValue(fmt.Sprint(n), n))
	}
	switch random.IntN(3) {
	case 0:
		text := randomTextValue(random, depth-1)
		return strict("length("+text.text+")", func(v []any) any { return len(v[0].(string)) }, text)
	case 1:
		text, part := randomTextValue(random, depth-1), randomTextValue(random, 0)
		return strict("indexOf("+text.text+", "+part.text+")", func(v []any) any {
			if at := strings.Index(v[0].(string), v[1].(string)); at >= 0 {
				return at
			}
			return nil
		}, text, part)
	}
	a, b := randomNumberValue(random, depth-1), randomNumberValue(random, depth-1)
	operator := pick(random, "+", "-", "*", "/", "%")
	return strict("("+a.text+" "+operator+" "+b.text+")", func(v []any) any {
		x, y := v[0].(int), v[1].(int)
		switch operator {
		case "+":
			return x + y
		case "-":
			return x - y
		case "*":
			return x * y
		}
		if y == 0 {
			return nil
		}
		if operator == "/" {
			return x / y
		}
		return x % y
	}, a, b)
}

func randomTextValue(random *rand.Rand, depth int) plainValue {
	if depth == 0 {
		text := randomText(random)
		return pick(random, fieldValue("s"), fieldValue("k"), constantValue(fmt.Sprintf("%q", text), text))
	}
	if random.IntN(3) == 0 {
		n := randomNumberValue(random, depth-1)
		return strict("string("+n.text+")", func(v []any) any { return fmt.Sprint(v[0]) }, n)
	}
	a, b := randomTextValue(random, depth-1), randomTextValue(random, depth-1)
	return strict("concat("+a.text+", "+b.text+")", func(v []any) any { return v[0].(string) + v[1].(string) }, a, b)
}

// randomTruth makes an expression that is true, false or null.
func randomTruth(random *rand.Rand, depth int) plainValue {
	if depth == 0 || random.IntN(3) == 0 {
		return randomTruthLeaf(random, depth)
	}
	a, b := randomTruth(random, depth-1), randomTruth(random, depth-1)
	fields := append(slices.Clone(a.fields), b.fields...)
	switch random.IntN(3) {
	case 0:
		return strict("not ("+a.text+")", func(v []any) any { return v[0] == false }, a)
	case 1:
		return plainValue{"((" + a.text + ") and (" + b.text + "))", func(choice map[string]any) any {
			return decided(false, a.of(choice), b.of(choice))
		}, fields}
	default:
		return plainValue{"((" + a.text + ") or (" + b.text + "))", func(choice map[string]any) any {
			return decided(true, a.of(choice), b.of(choice))
		}, fields}
	}
}

// decided joins two truths of which one value decides alone.
func decided(deciding bool, a, b any) any {
	switch {
	case a == deciding || b == deciding:
		return deciding
	case a == nil || b == nil:
		return nil
	}
	return !deciding
}

func randomTruthLeaf(random *rand.Rand, depth int) plainValue {
	switch random.IntN(4) {
	case 0:
		text, part := randomTextValue(random, depth), randomText(random)
		return strict(fmt.Sprintf("startsWith~(%s, %q)", text.text, part), func(v []any) any {
			return strings.HasPrefix(strings.ToLower(v[0].(string)), strings.ToLower(part))
		}, text)
	case 1:
		text, choice := randomTextValue(random, depth), randomText(random)
		return strict(fmt.Sprintf("%s in (%q, %q)", text.text, choice, "zz"), func(v []any) any { return v[0] == choice }, text)
	case 2:
		text := randomTextValue(random, depth)
		return strict(text.text+` regex "a*b+"`, func(v []any) any {
			rest := strings.TrimLeft(v[0].(string), "a")
			return rest != "" && strings.Trim(rest, "b") == ""
		}, text)
	}
	value, least := randomNumberValue(random, depth), random.IntN(5)
	return strict(fmt.Sprintf("%s >= %d", value.text, least), func(v []any) any { return v[0].(int) >= least }, value)
}

// randomValueLeaf makes a condition on a value expression, which holds if any
// choice of its fields' values satisfies it.
func randomValueLeaf(random *rand.Rand) plainCondition {
	truth := randomTruth(random, 2)
	value, text, want := truth, "("+truth.text+") == true", any(true)
	switch random.IntN(4) {
	case 0:
		text, want = "null == ("+truth.text+")", nil
	case 1:
		text, want = "("+truth.text+") == false", false
	case 2:
		value = randomNumberValue(random, 2)
		n := random.IntN(6)
		text, want = fmt.Sprintf("%d == (%s)", n, value.text), n
	}
	holds := func(d document) bool {
		return anyDocumentChoice(d, value.fields, map[string]any{}, func(choice map[string]any) bool { return value.of(choice) == want })
	}
	if want == nil { // null tests that no choice has a value
		holds = func(d document) bool {
			return !anyDocumentChoice(d, value.fields, map[string]any{}, func(choice map[string]any) bool { return value.of(choice) != nil })
		}
	}
	return plainCondition{text: text, holds: holds}
}

func anyDocumentChoice(d document, fields []string, choice map[string]any, holds func(map[string]any) bool) bool {
	if len(fields) == 0 {
		return holds(choice)
	}
	name := fields[0]
	if _, done := choice[name]; done || len(d[name]) == 0 {
		return anyDocumentChoice(d, fields[1:], choice, holds)
	}
	defer delete(choice, name)
	return slices.ContainsFunc(d[name], func(value any) bool {
		choice[name] = value
		return anyDocumentChoice(d, fields[1:], choice, holds)
	})
}

func TestValueExpressionsAgreeWithReference(t *testing.T) {
	rounds := 4000
	if testing.Short() {
		rounds = 400
	}
	schema := newTestSchema()
	truths := 0
	for seed := range rounds {
		random := rand.New(rand.NewPCG(uint64(seed), 3))
		condition := randomValueLeaf(random)
		if random.IntN(3) == 0 {
			inner := condition
			condition = plainCondition{text: "not (" + inner.text + ")", holds: func(d document) bool { return !inner.holds(d) }}
		}
		matched := false
		compiled := compile(t, schema, "any where "+condition.text)
		engine := detect.NewEngine([]*detect.Compiled{compiled}, detect.Limits{}, func(detect.Match) { matched = true })
		for range 20 {
			d := randomDocument(random)
			for range random.IntN(3) {
				d["process.pid"] = append(d["process.pid"], random.IntN(4))
			}
			var pairs []any
			for name, values := range d {
				pairs = append(pairs, name, values)
			}
			matched = false
			engine.Process(newEvent(t, schema, start, pairs...))
			want := condition.holds(d)
			if matched != want {
				t.Fatalf("seed %d: %s\nof %v is %t, want %t", seed, condition.text, d, matched, want)
			}
			if want {
				truths++
			}
		}
	}
	if truths < rounds*2 {
		t.Errorf("only %d conditions held in %d rounds: the test is too tame", truths, rounds)
	}
}
