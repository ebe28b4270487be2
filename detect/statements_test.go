package detect_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// shown is what shows one statement of EQL's semantics.
type shown struct {
	section, paragraph, text string
	matching, refusing       int
}

// TestEveryStatementIsShown checks testdata/statements.txt: the scenarios that it
// names exist and do what its marks say, and every statement has both kinds.
func TestEveryStatementIsShown(t *testing.T) {
	scenarios, tests := allScenarios(t), testFunctions(t)
	data, err := os.ReadFile("testdata/statements.txt")
	if err != nil {
		t.Fatal(err)
	}
	heading := regexp.MustCompile(`^(\w+) (\d+): (.+)$`)
	var all []*shown
	for i, line := range strings.Split(string(data), "\n") {
		mark, name, _ := strings.Cut(line, " ")
		switch {
		case line == "" || mark == "#":
		case heading.MatchString(line):
			parts := heading.FindStringSubmatch(line)
			all = append(all, &shown{section: parts[1], paragraph: parts[2], text: line})
		case mark == "go":
			if !tests[name] {
				t.Errorf("line %d: there is no test %s", i+1, name)
			}
		case scenarios[name] == nil:
			t.Errorf("line %d: there is no scenario %q", i+1, name)
		case mark == "+" && len(scenarios[name].matches) > 0:
			all[len(all)-1].matching++
		case mark == "-" && scenarios[name].refuses():
			all[len(all)-1].refusing++
		default:
			t.Errorf("line %d: %s does not show what %s says", i+1, name, mark)
		}
	}
	for _, one := range all {
		if one.matching == 0 || one.refusing == 0 {
			t.Errorf("%s: %d scenarios match, %d do not", one.text, one.matching, one.refusing)
		}
	}
	checkParagraphs(t, all)
}

// refuses reports whether a scenario has an error or an event that is in no match.
func (s *scenario) refuses() bool {
	matched := make(map[string]bool)
	for _, match := range s.matches {
		for _, name := range strings.Fields(match) {
			matched[name] = true
		}
	}
	for _, step := range s.steps {
		if step.event != nil && !matched[step.event.name] {
			return true
		}
	}
	return s.wantError != ""
}

// allScenarios reads the scenarios of all files, by their file and name.
func allScenarios(t *testing.T) map[string]*scenario {
	t.Helper()
	files, err := filepath.Glob("testdata/*.eqltest")
	if err != nil {
		t.Fatal(err)
	}
	all, schema := make(map[string]*scenario), newTestSchema()
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range parseScenarios(t, schema, file, string(data)) {
			name := strings.TrimSuffix(filepath.Base(file), ".eqltest") + "/" + s.name
			if all[name] != nil {
				t.Errorf("%s:%d: a second scenario %q", file, s.line, name)
			}
			all[name] = s
		}
	}
	return all
}

// testFunctions lists the tests of this package.
func testFunctions(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	all, definition := make(map[string]bool), regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range definition.FindAllStringSubmatch(string(data), -1) {
			all[found[1]] = true
		}
	}
	return all
}

// checkParagraphs compares the statements with the text that states them, where
// it lies beside the checkout: each of its paragraphs has a statement.
func checkParagraphs(t *testing.T, all []*shown) {
	t.Helper()
	data, err := os.ReadFile("../../shared/eql-semantics.md")
	if err != nil {
		t.Logf("the text of the statements is not here: %v", err)
		return
	}
	has := make(map[string]bool)
	for _, one := range all {
		has[one.section+" "+one.paragraph] = true
	}
	for _, part := range strings.Split(string(data), "\n## ")[1:] {
		section, body, _ := strings.Cut(part, "\n")
		paragraphs := max(1, strings.Count("\n"+body, "\n- "))
		for n := 1; n <= paragraphs; n++ {
			if name := section + " " + strconv.Itoa(n); !has[name] {
				t.Errorf("no statement of %s", name)
			}
			delete(has, section+" "+strconv.Itoa(n))
		}
	}
	for name := range has {
		t.Errorf("%s is no paragraph of the text", name)
	}
}
