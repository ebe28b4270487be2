//go:build man

package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestManPage holds what a page has against what --help of the command has.
func TestManPage(t *testing.T) {
	root := rootCommand(streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard})
	command, _, err := root.Find([]string{"rules", "kernel"})
	if err != nil {
		t.Fatal(err)
	}
	page := manPage(command, "2026-01-02")
	for _, want := range []string{
		".TH \"TRIPLINE-RULES-KERNEL\" 1 \"2026-01-02\" ",
		".SH SYNOPSIS\n\\fBtripline rules kernel\\fR [flags]\n",
		".nf\n\\-\\-format lines    as auditctl writes them (the default)\n", // columns stay
		".TP\n\\fB\\-\\-machine\\fR \\fIMACHINE\\fR\nplan for another MACHINE, such as aarch64\n",
		".SH EXAMPLES\n.nf\n  tripline rules kernel \\-\\-format rules.d\n",
		"\\fBtripline\\-rules\\fR(1),\n\\fBtripline\\fR(1),\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page:\n%s", want, page)
		}
	}
}

// TestManPageOfHostileText holds that text is never a request or an escape.
func TestManPageOfHostileText(t *testing.T) {
	page := manPage(&cobra.Command{Use: "x", Short: `\n.SH`, Long: ".rules\n\n'quoted' \\d\n\n    .indented"}, "2026-01-02")
	for _, want := range []string{"\n\\&.rules\n", "\n\\(aqquoted\\(aq \\ed\n", ".nf\n    .indented\n.fi\n", `x \- \en.SH`} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is not in the page:\n%s", want, page)
		}
	}
}
