package normalize

// procTable is a map of bounded size. Where it is full, a new key takes the
// place of the one that was used least recently.
type procTable[K comparable, V any] struct {
	limit int
	index map[K]int32
	// slots hold the entries in a ring ordered by use; slot 0 is the ring's
	// head and holds none. A dropped slot is reused through the list free.
	slots []procSlot[K, V]
	free  int32
	// forget, where set, is told of every entry that leaves the table.
	forget func(K, *V)
}

type procSlot[K comparable, V any] struct {
	key            K
	value          V
	newer, earlier int32
}

// newProcTable makes a table of at most limit entries, which is at least 1. Its
// memory grows with its use.
func newProcTable[K comparable, V any](limit int, forget func(K, *V)) *procTable[K, V] {
	return &procTable[K, V]{
		limit:  limit,
		index:  make(map[K]int32),
		slots:  make([]procSlot[K, V], 1),
		forget: forget,
	}
}

// get returns the value of key, nil where there is none, and counts as its use.
// It may be changed in place until the next put.
func (t *procTable[K, V]) get(key K) *V {
	at, ok := t.index[key]
	if !ok {
		return nil
	}
	t.use(at)
	return &t.slots[at].value
}

// getAt is get for a key that was in a slot lately; nil where it is not there any more, or
// is the zero value as that of unused slots.
func (t *procTable[K, V]) getAt(at int32, key K) *V {
	var unused K
	if at <= 0 || int(at) >= len(t.slots) || t.slots[at].key != key || key == unused {
		return nil
	}
	t.use(at)
	return &t.slots[at].value
}

// slot is where a key is, 0 where it is not.
func (t *procTable[K, V]) slot(key K) int32 { return t.index[key] }

// use notes that a slot is the one that was used last.
func (t *procTable[K, V]) use(at int32) {
	if t.slots[0].earlier != at {
		t.unlink(at)
		t.linkNewest(at)
	}
}

// peek is get, but does not count as a use.
func (t *procTable[K, V]) peek(key K) *V {
	if at, ok := t.index[key]; ok {
		return &t.slots[at].value
	}
	return nil
}

// put sets the value of key and reports whether another key had to make room.
func (t *procTable[K, V]) put(key K, value V) (evicted bool) {
	if old := t.get(key); old != nil {
		*old = value
		return false
	}
	if len(t.index) >= t.limit {
		t.drop(t.slots[t.slots[0].newer].key)
		evicted = true
	}
	at := t.free
	if at == 0 {
		at = int32(len(t.slots))
		t.slots = append(t.slots, procSlot[K, V]{})
	} else {
		t.free = t.slots[at].newer
	}
	t.slots[at].key, t.slots[at].value = key, value
	t.index[key] = at
	t.linkNewest(at)
	return evicted
}

// drop removes key where it is in the table.
func (t *procTable[K, V]) drop(key K) {
	at, ok := t.index[key]
	if !ok {
		return
	}
	delete(t.index, key)
	t.unlink(at)
	if t.forget != nil {
		t.forget(key, &t.slots[at].value)
	}
	t.slots[at] = procSlot[K, V]{newer: t.free}
	t.free = at
}

// dropIf removes the keys for which condition holds, in time proportional to
// the number of entries.
func (t *procTable[K, V]) dropIf(condition func(K, *V) bool) {
	for at := t.slots[0].newer; at != 0; {
		slot := &t.slots[at]
		at = slot.newer
		if condition(slot.key, &slot.value) {
			t.drop(slot.key)
		}
	}
}

func (t *procTable[K, V]) unlink(at int32) {
	slot := &t.slots[at]
	t.slots[slot.earlier].newer = slot.newer
	t.slots[slot.newer].earlier = slot.earlier
}

// linkNewest puts a slot before the head of the ring, where the newest is; the
// one after the head is the oldest.
func (t *procTable[K, V]) linkNewest(at int32) {
	newest := t.slots[0].earlier
	t.slots[at].earlier, t.slots[at].newer = newest, 0
	t.slots[newest].newer = at
	t.slots[0].earlier = at
}
