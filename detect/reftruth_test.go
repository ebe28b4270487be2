package detect_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

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
	switch random.IntN(5) {
	case 0:
		return randomPart(random, depth)
	case 1:
		text, choice := randomTextValue(random, depth), randomText(random)
		return strict(fmt.Sprintf("%s in (%q, %q)", text.text, choice, "zz"), func(v []any) any { return v[0] == choice }, text)
	case 2:
		text := randomTextValue(random, depth)
		operator := pick(random, "like", ":", "regex", "regex~")
		choice := randomChoice(random, operator)
		return strict(fmt.Sprintf("(%s) %s %q", text.text, operator, choice), func(v []any) any {
			return isMember(operator, choice, v[0].(string))
		}, text)
	case 3:
		text, choice, operator := randomTextValue(random, depth), randomText(random), pick(random, "==", "!=", "<")
		if text.isNull() && operator != "<" { // which asks whether the constant exists
			return constantValue(fmt.Sprintf("%s %s %q", text.text, operator, choice), operator == "!=")
		}
		return strict(fmt.Sprintf("%s %s %q", text.text, operator, choice), func(v []any) any {
			return relation(operator, v[0], choice) != (operator == "!=")
		}, text)
	}
	value, least := randomNumberValue(random, depth), random.IntN(5)
	return strict(fmt.Sprintf("%s >= %d", value.text, least), func(v []any) any { return v[0].(int) >= least }, value)
}

// randomPart asks whether one text is part of another.
func randomPart(random *rand.Rand, depth int) plainValue {
	type search func(text, part string) bool
	name := pick(random, "startsWith", "endsWith", "stringContains")
	isPart := map[string]search{"startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix, "stringContains": func(text, part string) bool {
		return part != "" && strings.Contains(text, part) // Elasticsearch finds the empty string in none
	}}[name]
	fold := random.IntN(2) == 0
	text, part := randomTextValue(random, depth), randomTextValue(random, 0)
	written := pick(random, name, strings.ToLower(name)) + map[bool]string{true: "~"}[fold] + "(" + text.text + ", " + part.text + ")"
	return strict(written, func(v []any) any {
		a, b := v[0].(string), v[1].(string)
		if fold {
			a, b = strings.ToLower(a), strings.ToLower(b)
		}
		return isPart(a, b)
	}, text, part)
}

// randomValueLeaf makes a condition on a value expression, which holds if any
// choice of its fields' values satisfies it.
func randomValueLeaf(random *rand.Rand) plainCondition {
	truth := randomTruth(random, 2)
	number, n := randomNumberValue(random, 2), random.IntN(6)
	isN := func(v any) bool { return v == n }
	switch random.IntN(8) {
	case 0:
		return leaf("null != ("+truth.text+")", anyChoiceOf(truth, func(v any) bool { return v != nil }))
	case 1:
		exists := plainCondition{holds: anyChoiceOf(truth, func(v any) bool { return v != nil })}
		return not("null == ("+truth.text+")", exists)
	case 2:
		return leaf("("+truth.text+") == false", anyChoiceOf(truth, func(v any) bool { return v == false }))
	case 3:
		return leaf(fmt.Sprintf("%d == (%s)", n, number.text), anyChoiceOf(number, isN))
	case 4:
		equal := anyChoiceOf(number, isN)
		return leaf(fmt.Sprintf("(%s) != %d", number.text, n), func(d document) bool { return !equal(d) })
	case 5:
		return leaf(fmt.Sprintf("number(string(%s)) < %d.5", number.text, n), anyChoiceOf(number, func(v any) bool {
			return v != nil && v.(int) <= n
		}))
	case 6:
		plain := randomTruthLeaf(random, 1)
		if strings.Contains(plain.text, "!=") { // which has its own meaning in a filter
			return leaf("("+plain.text+") == true", anyChoiceOf(plain, func(v any) bool { return v == true }))
		}
		return leaf(plain.text, anyChoiceOf(plain, func(v any) bool { return v == true }))
	}
	return leaf("("+truth.text+") == true", anyChoiceOf(truth, func(v any) bool { return v == true }))
}

// isNull says that the value is null for every event, as that of 1 / 0 is.
func (v plainValue) isNull() bool {
	known := slices.ContainsFunc(v.fields, func(name string) bool { return name != "no.such" })
	return !known && v.of(nil) == nil
}

// anyChoiceOf holds if a value satisfies a test for any choice of one value from
// each of its fields that has any.
func anyChoiceOf(value plainValue, test func(any) bool) func(document) bool {
	return func(d document) bool {
		return anyDocumentChoice(d, value.fields, map[string]any{}, func(choice map[string]any) bool { return test(value.of(choice)) })
	}
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
