package alertview

import (
	"net/url"
	"strings"

	"tripline/sensor/alert"
)

// markdown adds a guide. Its texts are escaped, and a link leads to the web or is
// none.
func markdown(to *page, text string) {
	level := -1 // of the list that is open
	for _, one := range blocksOf(text) {
		deep := -1
		if one.kind == blockItem {
			deep = one.level
		}
		if deep < 0 {
			closeLists(to, &level)
		}
		switch one.kind {
		case blockHeading:
			heading(to, one)
		case blockItem:
			openItem(to, &level, deep, one)
		case blockCode:
			to.add("<pre><code>%</code></pre>\n", codeLines(one.text))
		case blockQuote:
			to.add("<blockquote>")
			spans(to, one.text)
			to.add("</blockquote>\n")
		default:
			to.add("<p>")
			spans(to, one.text)
			to.add("</p>\n")
		}
	}
	closeLists(to, &level)
}

// heading is one below the page's own, which has h1 and h2.
func heading(to *page, one block) {
	tags := [...]struct{ open, end markup }{{"<h3>", "</h3>\n"}, {"<h4>", "</h4>\n"}, {"<h5>", "</h5>\n"}, {"<h6>", "</h6>\n"}}
	tag := tags[max(0, min(one.level, len(tags))-1)]
	to.add(tag.open)
	spans(to, one.text)
	to.add(tag.end)
}

// openItem begins an item in a list of its depth.
func openItem(to *page, level *int, deep int, item block) {
	if deep <= *level {
		for *level > deep {
			to.add("</li></ul>")
			*level--
		}
		to.add("</li>\n")
	}
	for *level < deep {
		to.add("<ul>")
		*level++
		to.addIf(*level < deep, "<li>")
	}
	to.add("<li>")
	to.addIf(item.mark != "-", "% ", alert.Escape(item.mark))
	spans(to, item.text)
}

// closeLists ends all lists.
func closeLists(to *page, level *int) {
	for ; *level >= 0; *level-- {
		to.add("</li></ul>\n")
	}
}

// spans adds a block's text.
func spans(to *page, text string) {
	for _, one := range spansOf(text) {
		inner := alert.Escape(one.text)
		switch one.kind {
		case spanCode:
			to.add("<code>%</code>", inner)
		case spanStrong:
			to.add("<strong>%</strong>", inner)
		case spanEmphasis:
			to.add("<em>%</em>", inner)
		case spanLink:
			link(to, one.target, inner)
			to.addIf(linkTarget(one.target) == "", " (%)", alert.Escape(one.target))
		default:
			to.add("%", inner)
		}
	}
}

// codeLines are lines of code that stay lines.
func codeLines(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = alert.Escape(strings.ReplaceAll(line, "\t", "    "))
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
