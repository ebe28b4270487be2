package detect

import (
	"unicode"
	"unicode/utf8"
)

// foldRune maps all characters that differ only in case to one of them:
// Unicode's simple folding, as strings.EqualFold.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if 'a' <= r && r <= 'z' {
			r -= 'a' - 'A'
		}
		return r
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
}

// appendFolded appends the folded text to buffer.
func appendFolded(buffer []byte, text string) []byte {
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			if 'a' <= c && c <= 'z' {
				c -= 'a' - 'A'
			}
			buffer = append(buffer, c)
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			buffer = append(buffer, text[i]) // a byte that is no UTF-8 equals only itself
		} else {
			buffer = utf8.AppendRune(buffer, foldRune(r))
		}
		i += size
	}
	return buffer
}
