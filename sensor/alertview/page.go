package alertview

import (
	"html"
	"strings"
)

// markup is HTML that stands in this package's source. No text can become markup:
// constants do so without a word, and TestMarkupIsConstant sees to it that nothing
// else is converted. (html/template would do as well, but the reflection of
// text/template, which finds methods by name, keeps the linker from leaving any
// exported method out: with it the program has 2 MB more.)
type markup string

// page is a page of HTML while it is written.
type page struct{ strings.Builder }

// add adds markup in which each % is replaced by one of the texts, escaped. A % may
// stand between tags, and within the quotes of an attribute that is neither a link,
// a script nor a style; one in a link must have come through linkTarget.
func (p *page) add(form markup, texts ...string) {
	rest := string(form)
	for _, text := range texts {
		before, after, found := strings.Cut(rest, "%")
		if !found {
			break
		}
		p.WriteString(before)
		p.WriteString(html.EscapeString(text))
		rest = after
	}
	p.WriteString(rest)
}

// addIf is add where a condition holds.
func (p *page) addIf(condition bool, form markup, texts ...string) {
	if condition {
		p.add(form, texts...)
	}
}
