package alertview

import (
	"strings"

	"tripline/internal/termtext"
)

// markdown writes a guide.
func (t *terminal) markdown(text string) {
	previous := blockParagraph
	for i, one := range blocksOf(text) {
		if i > 0 && (one.kind != blockItem || previous != blockItem) {
			t.b.WriteByte('\n')
		}
		previous = one.kind
		switch one.kind {
		case blockHeading:
			t.paragraph("  ", plain(one.text))
			t.safe("  ", strings.Repeat("─", min(termtext.Width(plain(one.text)), t.columns-2)))
		case blockItem:
			t.paragraph("  "+strings.Repeat("  ", one.level)+one.mark+" ", plain(one.text))
		case blockCode:
			for line := range strings.Lines(one.text) {
				t.paragraph("      ", strings.ReplaceAll(strings.TrimRight(line, "\n"), "\t", "    "))
			}
		case blockQuote:
			t.paragraph("  │ ", plain(one.text))
		default:
			t.paragraph("  ", plain(one.text))
		}
	}
}
