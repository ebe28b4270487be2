package detect

import (
	"strings"
	"unicode/utf8"
)

// textFunction returns a function on strings by its name in lower case. Its
// result is null if an argument that has to be a string or number is none,
// which is possible only for fields of unknown type. Positions count
// characters.
func textFunction(name string, fold bool) function {
	find := finder(fold)
	switch name {
	case "length":
		return onText(1, func(given arguments) Value { return Int(int64(utf8.RuneCountInString(given.values[0].Text()))) })
	case "startswith":
		return onText(2, func(given arguments) Value {
			return Bool(hasPrefix(given.values[0].Text(), given.values[1].Text(), fold))
		})
	case "endswith":
		return onText(2, func(given arguments) Value {
			return Bool(hasSuffix(given.values[0].Text(), given.values[1].Text(), fold))
		})
	case "stringcontains":
		return onText(2, func(given arguments) Value {
			at, _ := find(given.values[0].Text(), given.values[1].Text())
			return Bool(at >= 0 && given.values[1].Text() != "") // nothing contains the empty string
		})
	case "indexof":
		return onText(2, func(given arguments) Value { return indexOf(given, find) })
	case "substring":
		return onText(1, substring)
	default:
		return onText(3, func(given arguments) Value { return between(given, find) })
	}
}

// onText makes a function null if one of its first n arguments is no string.
func onText(n int, compute function) function {
	return func(given arguments) Value {
		for i := range n {
			if given.values[i].kind != KindString {
				return Value{}
			}
		}
		return compute(given)
	}
}

// finder returns a function that finds the first occurrence of a text in
// another, where it starts and where it ends; -1 if there is none.
func finder(fold bool) func(text, part string) (start, end int) {
	if !fold {
		return func(text, part string) (int, int) {
			at := strings.Index(text, part)
			return at, at + len(part)
		}
	}
	return indexFold
}

// indexFold finds the first occurrence of part without regard to case. A text
// that differs in case may differ in length.
func indexFold(text, part string) (start, end int) {
	for at := 0; ; {
		if length, ok := foldedPrefix(text[at:], part); ok {
			return at, at + length
		}
		if at == len(text) {
			return -1, -1
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
}

// foldedPrefix reports whether text starts with a prefix without regard to
// case, and how many of its bytes that is.
func foldedPrefix(text, prefix string) (int, bool) {
	at := 0
	for i := 0; i < len(prefix); {
		want, wantSize := utf8.DecodeRuneInString(prefix[i:])
		got, size := utf8.DecodeRuneInString(text[at:])
		if size == 0 || foldRune(want) != foldRune(got) {
			return 0, false
		}
		if want == utf8.RuneError && wantSize == 1 && text[at] != prefix[i] {
			return 0, false // a byte that is no UTF-8 equals only itself
		}
		i += wantSize
		at += size
	}
	return at, true
}

func hasPrefix(text, prefix string, fold bool) bool {
	if !fold {
		return strings.HasPrefix(text, prefix)
	}
	_, ok := foldedPrefix(text, prefix)
	return ok
}

func hasSuffix(text, suffix string, fold bool) bool {
	if !fold {
		return strings.HasSuffix(text, suffix)
	}
	start, ok := startOfLast(text, utf8.RuneCountInString(suffix))
	return ok && strings.EqualFold(text[start:], suffix)
}

// indexOf returns the position of the first occurrence at or after a position;
// null if there is none.
func indexOf(given arguments, find func(text, part string) (start, end int)) Value {
	text, from := given.values[0].Text(), int64(0)
	if given.count > 2 {
		if given.values[2].kind != KindInt {
			return Value{}
		}
		from = max(0, given.values[2].Int())
	}
	skipped, ok := offsetOfCharacter(text, from)
	if !ok {
		return Value{}
	}
	at, _ := find(text[skipped:], given.values[1].Text())
	if at < 0 {
		return Value{}
	}
	return Int(from + int64(utf8.RuneCountInString(text[skipped:skipped+at])))
}

// offsetOfCharacter returns where the nth character of a text starts; false if
// the text has fewer than n.
func offsetOfCharacter(text string, n int64) (int, bool) {
	at := 0
	for ; n > 0; n-- {
		if at == len(text) {
			return 0, false
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at, true
}

// substring returns the characters from a position to before another; negative
// positions count from the end.
func substring(given arguments) Value {
	text := given.values[0].Text()
	length := int64(utf8.RuneCountInString(text))
	start, end := int64(0), length
	for i := 1; i < given.count; i++ {
		position := given.values[i]
		if position.kind != KindInt {
			return Value{}
		}
		n := position.Int()
		if n < 0 {
			n = max(0, n+length)
		}
		if i == 1 {
			start = n
		} else {
			end = min(n, length)
		}
	}
	if start >= end {
		return String("")
	}
	from, _ := offsetOfCharacter(text, start)
	size, _ := offsetOfCharacter(text[from:], end-start)
	return String(text[from : from+size])
}

// between returns what is after the first occurrence of one text and before the
// next of another, or the last if the fourth argument is true; the empty string
// if one is not there. Where one of the two is empty it returns the whole text, as
// Elasticsearch does.
func between(given arguments, find func(text, part string) (start, end int)) Value {
	text, left, right := given.values[0].Text(), given.values[1].Text(), given.values[2].Text()
	if left == "" || right == "" {
		return String(text)
	}
	at, start := find(text, left)
	if at < 0 {
		return String("")
	}
	rest := text[start:]
	if at, _ = find(rest, right); at < 0 {
		return String("")
	}
	if given.count > 3 && isTrue(given.values[3]) {
		at = lastOf(rest, right, at, find)
	}
	return String(rest[:at])
}

// lastOf returns where the last occurrence of part, which is not empty, starts
// that does not come before the one at a place.
func lastOf(text, part string, at int, find func(text, part string) (start, end int)) int {
	for {
		_, size := utf8.DecodeRuneInString(text[at:])
		next, _ := find(text[at+size:], part)
		if next < 0 {
			return at
		}
		at += size + next
	}
}
