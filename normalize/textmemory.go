package normalize

import (
	"bytes"
	"hash/maphash"
)

// textMemory remembers texts by what they were made of. It has a fixed number of
// places, each for at most maxTexts texts and maxTextBytes bytes.
type textMemory struct {
	seed maphash.Seed
	sets [textSets]textSet
	// large is the place of what is too long to be remembered.
	large madeTexts
}

const (
	textSets     = 128
	setPlaces    = 8
	maxTexts     = 12
	maxTextBytes = 4096
)

// textSet has the places in which texts may be whose hashes are alike.
type textSet struct {
	hashes [setPlaces]uint64
	places [setPlaces]madeTexts
	next   uint8 // which is used again
}

// madeTexts are some texts and, in memory before them, what they were made of: two
// texts, of which the first is not empty.
type madeTexts struct {
	memory []byte
	first  int // the length of the first
	// ends holds where what they were made of ends, and each of them.
	ends  [maxTexts + 1]uint32
	count int
}

func newTextMemory() *textMemory { return &textMemory{seed: maphash.MakeSeed()} }

// find is where the texts are that are made of first and second. If they are not known
// the place is empty, and the texts are to be added and then kept.
func (m *textMemory) find(first, second []byte) (place *madeTexts, known bool) {
	hash := maphash.Bytes(m.seed, first)
	if len(second) > 0 {
		hash ^= maphash.Bytes(m.seed, second) >> 1
	}
	set := &m.sets[hash%textSets]
	for i := range set.hashes {
		if set.hashes[i] == hash && set.places[i].of(first, second) {
			return &set.places[i], true
		}
	}
	at := set.next % setPlaces
	set.next++
	set.hashes[at] = hash
	place = &set.places[at]
	place.begin(first, second)
	return place, false
}

// keep ends the adding of texts to a place. It returns where they are for now.
func (m *textMemory) keep(place *madeTexts) *madeTexts {
	if len(place.memory) <= maxTextBytes {
		return place
	}
	m.large, *place = *place, madeTexts{}
	return &m.large
}

// of says that the texts were made of first and second.
func (t *madeTexts) of(first, second []byte) bool {
	return t.first == len(first) && int(t.ends[0]) == len(first)+len(second) &&
		bytes.Equal(t.memory[:t.first], first) && bytes.Equal(t.memory[t.first:t.ends[0]], second)
}

// begin makes the place one of texts that are made of first and second.
func (t *madeTexts) begin(first, second []byte) {
	t.memory = append(append(t.memory[:0], first...), second...)
	t.first, t.count = len(first), 0
	t.ends[0] = uint32(len(t.memory))
}

// add adds the text that a function appends.
func (t *madeTexts) add(text func(dst []byte) []byte) {
	t.memory = text(t.memory)
	t.count++
	t.ends[t.count] = uint32(len(t.memory))
}

// text is the text that was added after so many others.
func (t *madeTexts) text(number int) []byte {
	return t.memory[t.ends[number]:t.ends[number+1]]
}
