package detect

// textTable finds something by a text. Comparing one by one, which mostly means
// comparing lengths, beats a map as long as there are few. The zero table is
// empty.
type textTable[T any] struct {
	few  []textEntry[T]
	many map[string]T
}

type textEntry[T any] struct {
	text string
	item T
}

// fewEntries is how many texts are compared one by one.
const fewEntries = 8

func (t *textTable[T]) isEmpty() bool { return len(t.few) == 0 && t.many == nil }

// get returns what belongs to a text, the zero value of T if nothing does.
func (t *textTable[T]) get(text string) T {
	if t.many != nil {
		return t.many[text]
	}
	for i := range t.few {
		if t.few[i].text == text {
			return t.few[i].item
		}
	}
	var none T
	return none
}

// set makes an item belong to a text in place of what did before.
func (t *textTable[T]) set(text string, item T) {
	if t.many != nil {
		t.many[text] = item
		return
	}
	for i := range t.few {
		if t.few[i].text == text {
			t.few[i].item = item
			return
		}
	}
	t.few = append(t.few, textEntry[T]{text, item})
	if len(t.few) <= fewEntries {
		return
	}
	t.many = make(map[string]T, len(t.few))
	for i := range t.few {
		t.many[t.few[i].text] = t.few[i].item
	}
	t.few = nil
}
