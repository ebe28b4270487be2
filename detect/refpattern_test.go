package detect_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
)

// randomMembership makes a test with in, like, regex or one of their kin, of a
// field or of a computed text.
func randomMembership(random *rand.Rand) plainCondition {
	operator := pick(random, "in", "in~", ":", ":", "like", "like~", "regex", "regex~")
	var choices, quoted []string
	for range pick(random, 1, 1, 2, 3, 10, 40) {
		choice := randomChoice(random, operator)
		choices = append(choices, choice)
		quoted = append(quoted, stringText(random, choice))
	}
	holds := func(text string) bool {
		return slices.ContainsFunc(choices, func(choice string) bool { return isMember(operator, choice, text) })
	}
	value := randomTextField(random)
	written := value.text
	if random.IntN(4) == 0 {
		value = randomTextValue(random, 1)
		written = "(" + value.text + ")"
	}
	list := "(" + strings.Join(quoted, ", ") + ")"
	if len(quoted) == 1 && !strings.HasPrefix(operator, "in") && random.IntN(2) == 0 {
		list = quoted[0]
	}
	condition := forgeable(value, leaf(written+" "+operator+" "+list, anyChoiceOf(value, func(v any) bool {
		text, ok := v.(string)
		return ok && holds(text)
	})))
	if strings.HasPrefix(operator, "in") && random.IntN(2) == 0 {
		return not(written+" not "+operator+" "+list, condition)
	}
	return condition
}

// randomChoice makes a text or pattern for the right side of an operator.
func randomChoice(random *rand.Rand, operator string) string {
	if strings.HasPrefix(operator, "regex") {
		return pick(random, "a*b+", "a.?", "(a|B)+", "[a-b]{1,2}", ".*b", "", "ab|ba")
	}
	return pick(random, "", "", "*", "?") + randomText(random) + pick(random, "", "", "*", "?", "*b", "?b", "É?b")
}

// isMember is the meaning of an operator for one text and one choice.
func isMember(operator, choice, text string) bool {
	if strings.HasPrefix(operator, "regex") {
		flags := map[bool]string{false: "(?s)", true: "(?si)"}[operator == "regex~"]
		return regexp.MustCompile(flags + "^(?:" + choice + ")$").MatchString(text)
	}
	if operator == ":" || strings.HasSuffix(operator, "~") {
		choice, text = strings.ToLower(choice), strings.ToLower(text)
	}
	if strings.HasPrefix(operator, "in") {
		return choice == text
	}
	return glob([]rune(choice), []rune(text))
}

// glob is the meaning of a pattern, by trying every split.
func glob(pattern, text []rune) bool {
	if len(pattern) == 0 {
		return len(text) == 0
	}
	switch pattern[0] {
	case '*':
		return glob(pattern[1:], text) || len(text) > 0 && glob(pattern, text[1:])
	case '?':
		return len(text) > 0 && glob(pattern[1:], text[1:])
	}
	return len(text) > 0 && pattern[0] == text[0] && glob(pattern[1:], text[1:])
}
