package detect

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"

	"tripline/detect/eql"
)

// The bounds of regular expressions, which are Elasticsearch's own.
const (
	maxRegexLength = 1_000  // characters
	maxRegexStates = 10_000 // of the automaton
)

// maxQueryStates is how many states the regular expressions of one query may
// have together, so that a long list of them has its bounds too.
const maxQueryStates = 1_000_000

// regexCompiler prepares the regular expressions of one query.
type regexCompiler struct {
	// states is how many states those prepared so far have.
	states int
}

// regexTest makes the test whether a text as a whole matches one of some
// regular expressions. Its time is linear in the length of the text.
func (c *compiler) regexTest(e *eql.Membership, patterns []string) (func(string) bool, error) {
	fold := e.Operator == eql.RegexInsensitive
	tests := make([]func(string) bool, 0, len(patterns))
	for i, pattern := range patterns {
		test, err := c.regex.compile(pattern, fold)
		if err != nil {
			return nil, c.query.ErrorAt(e.Choices[i].Position(), "", "regular expression: %v", err)
		}
		tests = append(tests, test)
	}
	return func(text string) bool {
		for _, test := range tests {
			if test(text) {
				return true
			}
		}
		return false
	}, nil
}

// compile prepares one regular expression.
func (c *regexCompiler) compile(pattern string, fold bool) (func(string) bool, error) {
	if utf8.RuneCountInString(pattern) > maxRegexLength {
		return nil, fmt.Errorf("it is longer than %d characters", maxRegexLength)
	}
	tree, err := parseRegex(pattern)
	if err != nil {
		return nil, err
	}
	return c.tree(tree, fold)
}

// tree makes the test of a whole text.
func (c *regexCompiler) tree(t regexTree, fold bool) (func(string) bool, error) {
	var tests []func(string) bool
	for _, part := range t.parts {
		test, err := c.tree(part, fold)
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
	}
	switch t.operator {
	case regexUnion:
		return func(text string) bool { return tests[0](text) || tests[1](text) }, nil
	case regexIntersection:
		return func(text string) bool { return tests[0](text) && tests[1](text) }, nil
	case regexComplement:
		return func(text string) bool { return !tests[0](text) }, nil
	default:
		return c.plain(t.plain, fold)
	}
}

func (c *regexCompiler) plain(plain string, fold bool) (func(string) bool, error) {
	flags := "(?s)"
	if fold {
		flags = "(?is)"
	}
	whole := flags + `\A(?:` + plain + `)\z`
	parsed, err := syntax.Parse(whole, syntax.Perl)
	if err != nil {
		return nil, tooLarge(err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, tooLarge(err)
	}
	if len(program.Inst) > maxRegexStates {
		return nil, fmt.Errorf("it needs more than %d states", maxRegexStates)
	}
	c.states += len(program.Inst)
	if c.states > maxQueryStates {
		return nil, fmt.Errorf("with those before it, it needs more than %d states", maxQueryStates)
	}
	compiled, err := regexp.Compile(whole)
	if err != nil {
		return nil, tooLarge(err)
	}
	return compiled.MatchString, nil
}

// tooLarge says in EQL's terms what regexp/syntax refuses of a translated
// expression.
func tooLarge(err error) error {
	var defect *syntax.Error
	if !errors.As(err, &defect) {
		return err
	}
	switch defect.Code {
	case syntax.ErrInvalidRepeatSize, syntax.ErrLarge, syntax.ErrNestingDepth:
		return errors.New("it repeats more than 1000 times or nests too deep")
	case syntax.ErrInvalidCharRange:
		return errors.New("a character range ends before it starts")
	default:
		return fmt.Errorf("it is not understood: %s", defect.Code)
	}
}
