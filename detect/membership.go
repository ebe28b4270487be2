package detect

import (
	"slices"
	"strings"

	"tripline/detect/eql"
)

// membership compiles in, :, like, regex and their kin.
func (c *compiler) membership(e *eql.Membership) (condition, error) {
	test, err := c.memberTest(e)
	if err != nil {
		return condition{}, err
	}
	compiled, err := reversed(c, e.Negated, func() (condition, error) { return c.memberLeaf(e.Value, test) })
	if err == nil && e.Negated {
		compiled = compiled.negate()
	}
	return compiled, err
}

// memberLeaf compiles a test of the left side of a membership.
func (c *compiler) memberLeaf(expression eql.Expression, test scalarTest) (condition, error) {
	if field, ok := expression.(*eql.Field); ok {
		return c.leaf(field, test)
	}
	o, err := believed(c, func() (operand, error) { return c.value(expression) })
	if err != nil {
		return condition{}, err
	}
	return c.guardedLeaf(o, test), nil
}

// memberTest makes the test whether a value is one of a list or matches one of
// its patterns. Nothing equals null.
func (c *compiler) memberTest(e *eql.Membership) (scalarTest, error) {
	choices, err := c.values(e.Choices)
	if err != nil {
		return nil, err
	}
	if c.isDate(e.Value) {
		return c.dateMemberTest(e, choices)
	}
	texts, others := constantsOf(choices)
	inText := textTest(e.Operator, texts)
	if e.Operator == eql.Regex || e.Operator == eql.RegexInsensitive {
		if inText, err = c.regexTest(e, texts); err != nil {
			return nil, err
		}
	}
	isMember := func(value Value) bool {
		if value.kind == KindString {
			return inText(value.Text())
		}
		for _, other := range others {
			if sign, ok := compareScalars(value, other); ok && sign == 0 {
				return true
			}
		}
		return false
	}
	dates := c.unknownDates(e, choices)
	if len(dates) == 0 {
		return isMember, nil
	}
	return anyTest(append([]scalarTest{isMember}, dates...)), nil
}

// constantsOf sorts the constants of a list into texts and others.
func constantsOf(choices []operand) (texts []string, others []Value) {
	for _, choice := range choices {
		switch value := choice.evaluate(nil); value.kind {
		case KindString:
			texts = append(texts, value.Text())
		case KindMissing:
		default:
			others = append(others, value)
		}
	}
	return texts, others
}

// unknownDates makes the tests whether a field of unknown type is one of the dates
// in a list.
func (c *compiler) unknownDates(e *eql.Membership, choices []operand) []scalarTest {
	var tests []scalarTest
	for _, choice := range choices {
		if order, ok := c.unknownOrder(e.Value, choice); ok && e.Operator == eql.In && choice.evaluate(nil).kind == KindString {
			tests = append(tests, order.test(eql.Equal))
		}
	}
	return tests
}

// anyTest makes the test whether any of some tests holds.
func anyTest(tests []scalarTest) scalarTest {
	return func(value Value) bool {
		for _, test := range tests {
			if test(value) {
				return true
			}
		}
		return false
	}
}

// dateMemberTest makes the test whether the value of a date field is one of some
// dates.
func (c *compiler) dateMemberTest(e *eql.Membership, choices []operand) (scalarTest, error) {
	var tests []scalarTest
	for i, choice := range choices {
		value := choice.evaluate(nil)
		if value.kind == KindMissing {
			continue
		}
		moment, err := c.dateOf(e.Choices[i], value)
		if err != nil {
			return nil, err
		}
		tests = append(tests, dateTest(eql.Equal, moment))
	}
	return anyTest(tests), nil
}

// textTest makes the test for the strings of a list.
func textTest(operator eql.MembershipOperator, texts []string) func(string) bool {
	fold := operator == eql.InInsensitive || operator == eql.Colon || operator == eql.LikeInsensitive
	var exact []string
	var patterns []*wildcard
	for _, text := range texts {
		if operator != eql.In && operator != eql.InInsensitive && hasWildcard(text) {
			patterns = append(patterns, newWildcard(text, fold))
		} else {
			exact = append(exact, text)
		}
	}
	isExact := exactTest(exact, fold)
	if len(patterns) == 0 {
		return isExact
	}
	isLike := anyPattern(patterns)
	return func(text string) bool { return isExact(text) || isLike(text) }
}

// anyPattern makes the test whether one of some patterns matches a text.
func anyPattern(patterns []*wildcard) func(string) bool {
	if len(patterns) >= manyPatterns {
		return newPatternSet(patterns).match
	}
	return func(text string) bool {
		for _, pattern := range patterns {
			if pattern.match(text) {
				return true
			}
		}
		return false
	}
}

// fewTexts is up to how many strings comparing one by one beats a map.
const fewTexts = 6

// exactTest makes the test whether a text is one of a list, with or without
// regard to case.
func exactTest(texts []string, fold bool) func(string) bool {
	switch {
	case len(texts) <= fewTexts && fold:
		return func(text string) bool {
			return slices.ContainsFunc(texts, func(one string) bool { return equalFold(one, text) })
		}
	case len(texts) <= fewTexts:
		return func(text string) bool { return slices.Contains(texts, text) }
	case fold:
		return foldedSetTest(texts)
	}
	set := make(map[string]struct{}, len(texts))
	for _, text := range texts {
		set[text] = struct{}{}
	}
	return func(text string) bool {
		_, ok := set[text]
		return ok
	}
}

// equalFold is strings.EqualFold, but quick where the last characters differ,
// as those of paths do sooner than the first.
func equalFold(a, b string) bool {
	if a != "" && b != "" {
		x, y := a[len(a)-1], b[len(b)-1]
		if x|y < 0x80 && x|0x20 != y|0x20 {
			return false
		}
	}
	return strings.EqualFold(a, b)
}

// foldedSetTest looks folded texts up in a map.
func foldedSetTest(texts []string) func(string) bool {
	set := make(map[string]struct{}, len(texts))
	longest := 0
	for _, text := range texts {
		folded := string(appendFolded(nil, text))
		set[folded] = struct{}{}
		longest = max(longest, len(folded))
	}
	return func(text string) bool {
		// Folding shortens a character of three bytes to one at most.
		if len(text) > 4*longest {
			return false
		}
		var memory [256]byte
		_, ok := set[string(appendFolded(memory[:0], text))]
		return ok
	}
}
