package alertview

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"tripline/sensor/alert"
)

// markdownHTML makes HTML of a guide. Every text is escaped, and a link leads to
// the web or is none.
func markdownHTML(text string) template.HTML {
	var b strings.Builder
	level := -1 // of the list that is open
	for _, one := range blocksOf(text) {
		deep := -1
		if one.kind == blockItem {
			deep = one.level
		}
		if deep < 0 {
			closeLists(&b, &level)
		}
		switch one.kind {
		case blockHeading:
			h := min(one.level+2, 6) // the page has h1 and h2
			fmt.Fprintf(&b, "<h%d>%s</h%d>\n", h, spansHTML(one.text), h)
		case blockItem:
			openItem(&b, &level, deep, one)
		case blockCode:
			b.WriteString("<pre><code>" + escapeLines(one.text) + "</code></pre>\n")
		case blockQuote:
			b.WriteString("<blockquote>" + spansHTML(one.text) + "</blockquote>\n")
		default:
			b.WriteString("<p>" + spansHTML(one.text) + "</p>\n")
		}
	}
	closeLists(&b, &level)
	return template.HTML(b.String()) //nolint:gosec // every text in it was escaped
}

// openItem begins an item in a list of its depth.
func openItem(b *strings.Builder, level *int, deep int, item block) {
	if deep <= *level {
		for *level > deep {
			b.WriteString("</li></ul>")
			*level--
		}
		b.WriteString("</li>\n")
	}
	for *level < deep {
		b.WriteString("<ul>")
		*level++
		if *level < deep {
			b.WriteString("<li>")
		}
	}
	b.WriteString("<li>")
	if item.mark != "-" {
		b.WriteString(escapeHTML(item.mark) + " ")
	}
	b.WriteString(spansHTML(item.text))
}

// closeLists ends all lists.
func closeLists(b *strings.Builder, level *int) {
	for ; *level >= 0; *level-- {
		b.WriteString("</li></ul>\n")
	}
}

// spansHTML makes HTML of a block's text.
func spansHTML(text string) string {
	var b strings.Builder
	for _, one := range spansOf(text) {
		inner := escapeHTML(one.text)
		switch one.kind {
		case spanCode:
			inner = "<code>" + inner + "</code>"
		case spanStrong:
			inner = "<strong>" + inner + "</strong>"
		case spanEmphasis:
			inner = "<em>" + inner + "</em>"
		case spanLink:
			if target := linkTarget(one.target); target != "" {
				inner = `<a href="` + template.HTMLEscapeString(target) + `" rel="noreferrer">` + inner + "</a>"
			} else {
				inner += " (" + escapeHTML(one.target) + ")"
			}
		}
		b.WriteString(inner)
	}
	return b.String()
}

// escapeHTML makes a text safe to be part of a page.
func escapeHTML(text string) string { return template.HTMLEscapeString(alert.Escape(text)) }

// escapeLines is escapeHTML for lines that stay lines.
func escapeLines(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = escapeHTML(strings.ReplaceAll(line, "\t", "    "))
	}
	return strings.Join(lines, "\n")
}

// linkTarget is where a link leads if that is the web, and empty else.
func linkTarget(text string) string {
	target, err := url.Parse(text)
	if err != nil || target.Host == "" || target.Scheme != "https" && target.Scheme != "http" {
		return ""
	}
	return target.String()
}
