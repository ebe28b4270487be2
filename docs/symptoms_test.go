package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSymptoms holds what troubleshooting.md says that the program says against
// the program's own text.
func TestSymptoms(t *testing.T) {
	text, err := os.ReadFile("troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	program := programText(t)
	code := regexp.MustCompile("`([^`]*)`")
	count := 0
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| ") {
			continue
		}
		symptom, _, _ := strings.Cut(line[2:], " | ")
		for _, found := range code.FindAllStringSubmatch(symptom, -1) {
			for fragment := range strings.SplitSeq(found[1], "…") {
				fragment = strings.TrimSpace(fragment)
				if len(fragment) < 8 {
					continue
				}
				count++
				if !strings.Contains(program, fragment) {
					t.Errorf("the program does not say %q", fragment)
				}
			}
		}
	}
	if count < 50 {
		t.Errorf("only %d symptoms were found: is the test blind?", count)
	}
}

// programText is the source of the program without its tests, with texts that
// span lines in one piece.
func programText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata"):
			return filepath.SkipDir
		case filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		all.Write(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	joined := regexp.MustCompile(`"\s*\+\s*"`).ReplaceAllString(all.String(), "")
	return strings.ReplaceAll(joined, `\"`, `"`)
}
