package alertview

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"

	"tripline/internal/version"
)

// hostile is an alert whose every text wants to be a part of the page.
func hostile(t *testing.T) []byte {
	t.Helper()
	attack := `\"'></style></script><script>document.title='owned'</script><img src=http://192.0.2.1/x onerror=alert(1)>\u202e\u0000{{.}}`
	text := strings.NewReplacer("ATTACK", attack).Replace(`{"@timestamp":"2026-11-25T00:00:00Z","rule":{"id":"ATTACK","name":"ATTACK","description":"ATTACK"},
"kibana":{"alert":{"severity":"ATTACK","risk_score":"ATTACK","rule":{"references":["javascript:alert(1)","ATTACK"],"false_positives":["ATTACK"],
"threat":[{"tactic":{"id":"ATTACK","name":"ATTACK"},"technique":[{"id":"T1","name":"ATTACK","reference":"javascript:alert(1)"},{"id":"T2","name":"x","reference":"data:text/html,x"}]}]}}},
"host":{"hostname":"ATTACK"},"process":{"executable":"ATTACK","pid":1,"command_line":"ATTACK"},
"tripline":{"alert":{"id":"ATTACK","guide":"# ATTACK\n- ATTACK\n- [click](javascript:alert(1)) [here](JaVaScRiPt:x) [web](https://example.org/a\"onmouseover=x)\n` + "```\\nATTACK\\n```\\n`ATTACK` **ATTACK**" + `",
"sequence":[{"@timestamp":"2026-11-25T00:00:00Z","event":{"action":"ATTACK"},"process":{"command_line":"ATTACK"}}],
"evidence":{"ATTACK":{"failed":["ATTACK"],"ATTACK":"ATTACK","list":[{"ATTACK":"ATTACK"}]}}}}}`)
	return []byte(text)
}

// pageOf makes the report of some documents.
func pageOf(t *testing.T, documents ...[]byte) []byte {
	t.Helper()
	report := &Report{Made: time.Unix(1700000100, 0), Selection: []Fact{{"where", `process.name == "<x>"`}}, Dropped: 3}
	for _, one := range documents {
		report.Alerts = append(report.Alerts, account(t, one))
	}
	var text bytes.Buffer
	if err := report.HTML(&text); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

func TestReport(t *testing.T) {
	for name, documents := range map[string][][]byte{"one": {document(t)}, "several": {document(t), document(t)}, "none": nil} {
		text := pageOf(t, documents...)
		self(t, text)
		if name == "one" {
			golden(t, "testdata/report.golden.html", bytes.ReplaceAll(text, []byte("Tripline "+version.Version), []byte("Tripline VERSION")))
		}
	}
}

// elements are the elements of the pages.
var elements = strings.Fields(`!doctype html head meta title style body header div p h1 h2 h3 h4 h5 h6 main section article span ul ol li table tr th td
	a strong em code pre blockquote dl dt dd b footer`)

// self fails where a page could load, run or send anything, and where it has an
// element that it should not have.
func self(t *testing.T, page []byte) {
	t.Helper()
	for _, tag := range regexp.MustCompile(`<\s*/?([^\s>]*)([^>]*)>`).FindAllSubmatch(page, -1) {
		name := strings.ToLower(string(tag[1]))
		known := false
		for _, one := range elements {
			known = known || one == name
		}
		if !known {
			t.Fatalf("element %q in the page", tag[0])
		}
		for _, attribute := range regexp.MustCompile(`([a-zA-Z-]+)\s*=\s*"([^"]*)"`).FindAllSubmatch(tag[2], -1) {
			key, value := string(attribute[1]), string(attribute[2])
			if strings.HasPrefix(key, "on") || key == "src" || key == "href" && !strings.HasPrefix(value, "#") && !strings.HasPrefix(value, "https://") {
				t.Fatalf("attribute %s=%q in the page", key, value)
			}
		}
	}
	if bytes.Contains(page, []byte("url(")) || bytes.Contains(page, []byte("@import")) {
		t.Fatal("the style loads something")
	}
	for _, r := range string(page) {
		if r != '\n' && !unicode.IsPrint(r) {
			t.Fatalf("%U in the page", r)
		}
	}
}

func TestReportOfHostileTexts(t *testing.T) {
	text := pageOf(t, hostile(t), document(t))
	self(t, text)
	if n := bytes.Count(text, []byte("&lt;script&gt;")); n < 20 {
		t.Errorf("the texts are shown %d times", n)
	}
	for _, target := range []string{"javascript:", "data:text"} {
		if regexp.MustCompile(`(?i)href="` + target).Match(text) {
			t.Errorf("a link to %s", target)
		}
	}
}

func TestMarkdownHTML(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"lists", "- a\n  - b\n- c\n\nend", "<ul><li>a<ul><li>b</li></ul></li>\n<li>c</li></ul>\n<p>end</p>\n"},
		{"begins deep", "    - a\n- b", "<ul><li><ul><li><ul><li>a</li></ul></li></ul></li>\n<li>b</li></ul>\n"},
		{"spans", "`<x>` **b** *e* [t](https://a.example/?q=1&r)", `<p><code>&lt;x&gt;</code> <strong>b</strong> <em>e</em> <a href="https://a.example/?q=1&amp;r" rel="noreferrer">t</a></p>` + "\n"},
		{"no link", "[t](javascript:x)", "<p>t (javascript:x)</p>\n"},
		{"code", "```\n<a>\n\tb\n```", "<pre><code>&lt;a&gt;\n    b</code></pre>\n"},
		{"heading", "## A", "<h4>A</h4>\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			to := new(page)
			markdown(to, test.text)
			if got := to.String(); got != test.want {
				t.Errorf("%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// TestReportInBrowser opens pages in a real browser, which must read them as they
// were meant.
func TestReportInBrowser(t *testing.T) {
	browser, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("the pages are not opened in a browser: chromium is not installed (apt-get install chromium)")
	}
	file := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(file, pageOf(t, hostile(t), document(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	chromium := func(arguments ...string) []byte {
		all := append([]string{
			"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
			"--disable-component-update", "--disable-sync", "--user-data-dir=" + t.TempDir(),
		}, arguments...)
		out, err := exec.CommandContext(t.Context(), browser, append(all, "file://"+file)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	dom := string(chromium("--dump-dom"))
	for _, wrong := range []string{"<script", "<img", "<title>owned"} {
		if strings.Contains(dom, wrong) {
			t.Errorf("the browser found %s in the page", wrong)
		}
	}
	for _, right := range []string{"<title>2 alerts – Tripline</title>", "started a new session (setsid)", "</footer>"} {
		if !strings.Contains(dom, right) {
			t.Errorf("the browser did not find %s in the page", right)
		}
	}
	if n, want := strings.Count(dom, "<article"), 2; n != want {
		t.Errorf("%d alerts in the page, want %d", n, want)
	}
	pdf := filepath.Join(t.TempDir(), "report.pdf")
	chromium("--print-to-pdf=" + pdf)
	printed, err := os.ReadFile(pdf)
	if err != nil || !bytes.HasPrefix(printed, []byte("%PDF-")) {
		t.Errorf("the page cannot be printed: %v", err)
	}
}
