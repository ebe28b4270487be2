package detect

// manyPatterns is from how many patterns on it pays to note what a text has before
// the patterns are tried one by one.
const manyPatterns = 32

// patternSet matches a text with many patterns. Most texts lack what most patterns
// need: a pattern is only tried if the text has all of its grams, so that a long
// text is read once for most of the patterns together.
type patternSet []neededPattern

// neededPattern is a pattern with some of the grams that a text needs for it.
type neededPattern struct {
	*wildcard
	needs [4]uint16
	count int
}

// grams is which runs of two and three characters a text has, each by its hash. It
// may have one too many, but lacks none.
type grams [1 << 10]uint64

func (g *grams) add(hash uint16)      { g[hash>>6] |= 1 << (hash & 63) }
func (g *grams) has(hash uint16) bool { return g[hash>>6]>>(hash&63)&1 != 0 }

// gramHash is the hash of three characters, of which the last may be anyRune for
// none.
func gramHash(a, b, c rune) uint16 {
	const odd = 0x9e3779b1 // 2^32 by the golden ratio spreads what differs little
	return uint16(((uint32(a)*odd+uint32(b))*odd + uint32(c)) * odd >> 16)
}

// newPatternSet prepares patterns that all do or all do not regard case.
func newPatternSet(patterns []*wildcard) patternSet {
	set := make(patternSet, len(patterns))
	for i, pattern := range patterns {
		set[i].wildcard = pattern
		for _, s := range pattern.segments {
			set[i].need(s.runes)
		}
	}
	return set
}

// need notes the grams of a segment, as far as there is room.
func (p *neededPattern) need(runes []rune) {
	for i := 0; i+1 < len(runes) && p.count < len(p.needs); i++ {
		a, b, c := runes[i], runes[i+1], anyRune
		if a == anyRune || b == anyRune {
			continue
		}
		if i+2 < len(runes) {
			c = runes[i+2]
		}
		p.needs[p.count] = gramHash(a, b, c)
		p.count++
	}
}

// match reports whether any of the patterns matches the whole text.
func (s patternSet) match(text string) bool {
	var has grams
	s.note(text, &has)
	for i := range s {
		if s[i].isPossible(&has) && s[i].match(text) {
			return true
		}
	}
	return false
}

// note adds the grams of a text.
func (s patternSet) note(text string, has *grams) {
	before, last := anyRune, anyRune
	for i := 0; i < len(text); {
		r, size := s[0].next(text, i)
		has.add(gramHash(last, r, anyRune))
		has.add(gramHash(before, last, r))
		before, last = last, r
		i += size
	}
}

func (p *neededPattern) isPossible(has *grams) bool {
	for _, hash := range p.needs[:p.count] {
		if !has.has(hash) {
			return false
		}
	}
	return true
}
