package detect

import (
	"slices"
	"strings"

	"tripline/detect/eql"
)

// membership compiles in, :, like and their kin over a field.
func (c *compiler) membership(e *eql.Membership) (condition, error) {
	if e.Operator == eql.Regex || e.Operator == eql.RegexInsensitive {
		return condition{}, c.unsupported(e.Pos, "operator "+e.Operator.String())
	}
	field, ok := e.Value.(*eql.Field)
	if !ok {
		return condition{}, c.unsupported(e.Value.Position(), computation(e.Value))
	}
	if err := c.refuseDate(field); err != nil {
		return condition{}, err
	}
	values := make([]Value, 0, len(e.Choices))
	for _, choice := range e.Choices {
		literal, ok := choice.(*eql.Literal)
		if !ok {
			return condition{}, c.unsupported(choice.Position(), computation(choice))
		}
		if literal.Kind != eql.LiteralNull { // nothing equals null
			values = append(values, literalValue(literal))
		}
	}
	compiled, err := c.leaf(field, memberTest(e.Operator, values))
	if err == nil && e.Negated {
		compiled = compiled.negate()
	}
	return compiled, err
}

// memberTest makes the test whether a value is one of a list or matches one of
// its patterns.
func memberTest(operator eql.MembershipOperator, values []Value) scalarTest {
	var texts []string
	var others []Value
	for _, value := range values {
		if value.kind == KindString {
			texts = append(texts, value.text)
		} else {
			others = append(others, value)
		}
	}
	inText := textTest(operator, texts)
	return func(value Value) bool {
		if value.kind == KindString {
			return inText(value.text)
		}
		for _, other := range others {
			if sign, ok := compareScalars(value, other); ok && sign == 0 {
				return true
			}
		}
		return false
	}
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
	return func(text string) bool {
		if isExact(text) {
			return true
		}
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
