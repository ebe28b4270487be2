package alertview

import (
	"regexp"
	"strings"
)

// blockKind is what a block of Markdown is.
type blockKind uint8

const (
	blockParagraph blockKind = iota
	blockHeading
	blockItem
	blockCode
	blockQuote
)

// block is a block of the part of Markdown that guides are written in.
type block struct {
	kind blockKind
	// level is that of a heading from 1, or how deep an item is from 0.
	level int
	// mark is an item's "-" or "3.".
	mark string
	// text is the block's text on one line, or the lines of code.
	text string
}

// maxBlocks bounds what is shown of one guide.
const maxBlocks = 5000

// blocksOf reads Markdown: headings with #, paragraphs, items, fenced code and
// quotes. What is anything else is a paragraph.
func blocksOf(text string) []block {
	var blocks []block
	open := false // the last block goes on
	fence := ""
	for line := range strings.Lines(text) {
		if len(blocks) >= maxBlocks {
			return append(blocks, block{kind: blockParagraph, text: "…"})
		}
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "" && strings.HasPrefix(trimmed, fence):
			fence, open = "", false
		case fence != "":
			last := &blocks[len(blocks)-1]
			last.text += line + "\n"
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			fence, open = trimmed[:3], false
			blocks = append(blocks, block{kind: blockCode})
		case trimmed == "":
			open = false
		default:
			one, begins := lineBlock(line, trimmed)
			if !begins && open && (one.kind == blockParagraph || one.kind == blocks[len(blocks)-1].kind) {
				last := &blocks[len(blocks)-1]
				last.text = strings.TrimSpace(last.text + " " + one.text)
				continue
			}
			blocks = append(blocks, one)
			open = one.kind != blockHeading
		}
	}
	return blocks
}

// lineBlock reads one line; begins says that it cannot go on with what was before.
func lineBlock(line, trimmed string) (one block, begins bool) {
	if level := len(trimmed) - len(strings.TrimLeft(trimmed, "#")); level > 0 && level <= 6 && strings.HasPrefix(trimmed[level:], " ") {
		return block{kind: blockHeading, level: level, text: strings.TrimSpace(strings.TrimRight(trimmed[level:], "# "))}, true
	}
	if rest, ok := strings.CutPrefix(trimmed, "> "); ok {
		return block{kind: blockQuote, text: rest}, false
	}
	if mark, rest, ok := strings.Cut(trimmed, " "); ok && isMark(mark) {
		if len(mark) == 1 {
			mark = "-"
		}
		const indentOfLevel = 2
		return block{kind: blockItem, level: min(indentOf(line)/indentOfLevel, 3), mark: mark, text: strings.TrimSpace(rest)}, true
	}
	return block{kind: blockParagraph, text: trimmed}, false
}

func indentOf(line string) int {
	n := 0
	for _, c := range line {
		switch c {
		case ' ':
			n++
		case '\t':
			n += 4
		default:
			return n
		}
	}
	return n
}

// isMark says whether a word begins an item: - * + or a number and a point.
func isMark(word string) bool {
	if word == "-" || word == "*" || word == "+" {
		return true
	}
	digits, ok := strings.CutSuffix(word, ".")
	return ok && digits != "" && len(digits) <= 3 && strings.Trim(digits, "0123456789") == ""
}

// spanKind is what a part of a line is.
type spanKind uint8

const (
	spanText spanKind = iota
	spanCode
	spanStrong
	spanEmphasis
	spanLink
)

// span is a part of a block's text.
type span struct {
	kind spanKind
	text string
	// target is where a link leads.
	target string
}

// spanPattern finds code, **strong**, *emphasis* and [links](target).
var spanPattern = regexp.MustCompile("`([^`]+)`|\\*\\*([^*]+)\\*\\*|\\*([^*\\s][^*]*)\\*|\\[([^\\]]+)\\]\\(([^)\\s]+)\\)")

// spansOf reads the parts of a block's text. The text between is spanText.
func spansOf(text string) []span {
	var spans []span
	at := 0
	for _, m := range spanPattern.FindAllStringSubmatchIndex(text, -1) {
		if m[0] > at {
			spans = append(spans, span{kind: spanText, text: text[at:m[0]]})
		}
		at = m[1]
		switch {
		case m[2] >= 0:
			spans = append(spans, span{kind: spanCode, text: text[m[2]:m[3]]})
		case m[4] >= 0:
			spans = append(spans, span{kind: spanStrong, text: text[m[4]:m[5]]})
		case m[6] >= 0:
			spans = append(spans, span{kind: spanEmphasis, text: text[m[6]:m[7]]})
		default:
			spans = append(spans, span{kind: spanLink, text: text[m[8]:m[9]], target: text[m[10]:m[11]]})
		}
	}
	if at < len(text) {
		spans = append(spans, span{kind: spanText, text: text[at:]})
	}
	return spans
}

// plain is a block's text without marks but those of code, which tell where a
// command begins and ends; a link's target follows it.
func plain(text string) string {
	var b strings.Builder
	for _, one := range spansOf(text) {
		switch {
		case one.kind == spanCode:
			b.WriteString("`" + one.text + "`")
		case one.kind == spanLink && one.target != one.text:
			b.WriteString(one.text + " <" + one.target + ">")
		default:
			b.WriteString(one.text)
		}
	}
	return b.String()
}
