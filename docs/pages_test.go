// Package docs holds the pages for users, and tests that keep them true.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// page is a page in Markdown, without its code where text is looked for.
type page struct {
	path, text, prose string
	anchors           map[string]bool
}

// pages reads all pages of the repository by their paths from its root.
func pages(t *testing.T) map[string]*page {
	t.Helper()
	all := make(map[string]*page)
	for _, pattern := range []string{"../*.md", "*.md", "../packaging/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			one := readPage(filepath.Join("docs", file), string(text))
			all[one.path] = one
		}
	}
	if all["README.md"] == nil || all["docs/architecture.md"] == nil {
		t.Fatal("the pages are not where they were")
	}
	return all
}

func readPage(path, text string) *page {
	one := &page{path: path, text: text, anchors: make(map[string]bool)}
	var prose strings.Builder
	fenced := false
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
		case fenced || strings.HasPrefix(line, "    "):
		default:
			prose.WriteString(line)
			if title, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && strings.HasPrefix(line, "#") {
				one.anchors[one.anchor(strings.TrimSpace(title))] = true
			}
		}
	}
	one.prose = prose.String()
	return one
}

// anchor is what GitHub calls a heading in links.
func (p *page) anchor(title string) string {
	title = regexp.MustCompile(`\[([^]]+)\]\([^)]*\)`).ReplaceAllString(title, "$1")
	name := strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, title)
	first := name
	for i := 1; p.anchors[name]; i++ {
		name = first + "-" + strconv.Itoa(i)
	}
	return name
}

// links lists the targets of a page's links.
func (p *page) links() []string {
	var all []string
	code := regexp.MustCompile("`[^`]*`")
	for _, found := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(code.ReplaceAllString(p.prose, "code"), -1) {
		all = append(all, found[1])
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	all := pages(t)
	count := 0
	for _, from := range all {
		for _, link := range from.links() {
			if strings.Contains(link, "://") {
				continue
			}
			count++
			file, anchor, _ := strings.Cut(link, "#")
			target := from.path
			if file != "" {
				target = filepath.Join(filepath.Dir(from.path), file)
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s links to %s, which is not there", from.path, link)
				continue
			}
			if to := all[target]; anchor != "" && (to == nil || !to.anchors[anchor]) {
				t.Errorf("%s links to %s, which has no such heading", from.path, link)
			}
		}
	}
	if count < 20 {
		t.Errorf("only %d links were found: is the test blind?", count)
	}
}

// TestEveryPageIsInTheIndex lets a newcomer find all pages from one place.
func TestEveryPageIsInTheIndex(t *testing.T) {
	all := pages(t)
	const index = "docs/index.md"
	if all[index] == nil {
		t.Fatalf("there is no %s", index)
	}
	linked := map[string]bool{index: true}
	for _, link := range all[index].links() {
		file, _, _ := strings.Cut(link, "#")
		linked[filepath.Join("docs", file)] = true
	}
	for path := range all {
		if strings.HasPrefix(path, "docs/") && !linked[path] {
			t.Errorf("%s does not link to %s", index, path)
		}
	}
}

// TestPlacesExist holds the files and folders that pages name against the
// repository.
func TestPlacesExist(t *testing.T) {
	names := make(map[string]bool)
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && entry.Name() == ".git" {
			return filepath.SkipDir
		}
		names[filepath.Base(path)] = true
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	place := regexp.MustCompile("`((?:cmd|sensor|normalize|detect|auditrules|config|hunt|internal|packaging|tools|docs)/[A-Za-z0-9_./-]*)`")
	file := regexp.MustCompile("`([a-z0-9_]+\\.go)`")
	for _, one := range pages(t) {
		if one.path == "CHANGELOG.md" {
			continue
		}
		for _, found := range place.FindAllStringSubmatch(one.prose, -1) {
			if _, err := os.Stat(filepath.Join("..", found[1])); err != nil {
				t.Errorf("%s names %s, which is not there", one.path, found[1])
			}
		}
		for _, found := range file.FindAllStringSubmatch(one.prose, -1) {
			if !names[found[1]] {
				t.Errorf("%s names %s, which is nowhere", one.path, found[1])
			}
		}
	}
}

// TestTargetsExist holds the make targets that pages name against the Makefile.
func TestTargetsExist(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	target := regexp.MustCompile("(?m)(?:`|^    )make ([a-z][a-z-]*)")
	count := 0
	for _, one := range pages(t) {
		for _, found := range target.FindAllStringSubmatch(one.text, -1) {
			count++
			if !regexp.MustCompile("(?m)^" + found[1] + ":").Match(makefile) {
				t.Errorf("%s names make %s, which the Makefile does not have", one.path, found[1])
			}
		}
	}
	if count < 5 {
		t.Errorf("only %d targets were found: is the test blind?", count)
	}
}
