package detect

import "encoding/binary"

// A rule's pending sequences are found by their keys. Those that were found last are
// mostly those that are looked for next.

// recentlyFound has pending sequences of all rules by a few bits of their keys. What it
// has may be filed elsewhere or nowhere by now.
type recentlyFound struct {
	found [8192]*pending
}

// slot is where a key may be found.
func (f *recentlyFound) slot(key []byte) **pending {
	const word = 8
	var mixed uint64
	if length := len(key); length >= word { // the end of a key differs sooner than its beginning
		mixed = binary.LittleEndian.Uint64(key[length-word:])
	}
	mixed = (mixed ^ mixed>>29) * 0x9e3779b97f4a7c15
	return &f.found[mixed>>51]
}

// file lets a pending sequence be found by its stage and key.
func (r *ruleState) file(p *pending) {
	r.waiting[p.stage][p.key] = p
	p.filed = r
}

// unfile ends that.
func (r *ruleState) unfile(p *pending) {
	delete(r.waiting[p.stage], p.key)
	p.filed = nil
}

// find finds the pending sequence of a stage and a key, nil where there is none.
func (e *Engine) find(r *ruleState, stage int, key []byte) *pending {
	slot := e.recent.slot(key)
	if p := *slot; p != nil && p.filed == r && p.stage == stage && p.key == string(key) {
		return p
	}
	p := r.waiting[stage][string(key)]
	if p != nil {
		*slot = p
	}
	return p
}
